"""What a demo page does, without a page: samples of every kind, walks, uploads, refusals, and a Space's folder."""

import importlib.metadata
import shlex
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from clips import video_prediction
from commands import ganzoo
from PIL import Image, ImageSequence
from promising import promising_png
from published import publish, refusal, tiny_model
from streams import vgan
from tiny import conditional, conv, mlp
from translators import cyclegan
from tunes import midinet
from voxels import three_d_gan

from ganzoo.common.kinds import KINDS, MUSIC, VIDEO, VOXELS
from ganzoo.common.registry import CHECKPOINTS, list_checkpoints
from ganzoo.drawing.previews import leftmost_images
from ganzoo.drawing.save import SAVERS
from ganzoo.tools.demo import actions, space, uploads
from ganzoo.tools.demo.exhibit import Exhibit, describe, example_pictures, is_random, open_exhibit, truncates
from ganzoo.tools.sample import sample

MODELS = {"images": conv, "points": mlp, "video": vgan, "voxels": three_d_gan, "music": midinet}
OWN_KIND = {"video": VIDEO, "voxels": VOXELS, "music": MUSIC}


def exhibit(make, kind=None, **options):
    model = make(**options).eval()
    model.data_kind = kind or model.data_kind
    return Exhibit("mine", "mine", model)


def test_every_kind_has_an_offer_of_files_that_it_can_be_saved_as():
    assert {*actions.OFFERS} == {*KINDS} == {*MODELS}
    for kind, offer in actions.OFFERS.items():
        assert {*offer.formats, *offer.slow} - {".png"} <= {*SAVERS[kind].writers}
        assert 1 <= offer.count <= offer.most


@pytest.mark.parametrize("kind", [*MODELS])
def test_samples_of_every_kind_become_all_files_that_are_offered(kind, tmp_path):
    shown = exhibit(MODELS[kind], OWN_KIND.get(kind))
    outcome = actions.draw_samples(shown, tmp_path, 3, 2)
    assert [*outcome.files] == [*actions.written_formats(actions.OFFERS[kind].formats)]
    assert all(file.stat().st_size for file in outcome.files.values())
    drawn = np.load(outcome.files[".npz"])["samples"]
    expected = sample_array(shown.model, 2, 3, tmp_path)
    np.testing.assert_array_equal(drawn, expected)
    again = actions.draw_samples(shown, tmp_path / "again", 3, 2)
    other = actions.draw_samples(shown, tmp_path / "other", 4, 2)
    assert again.files[".png"].read_bytes() == outcome.files[".png"].read_bytes()
    expected = sample_array(shown.model, 2, 4, tmp_path)
    np.testing.assert_array_equal(np.load(other.files[".npz"])["samples"], expected)


def test_formats_that_take_long_are_written_when_they_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr("ganzoo.drawing.solids.TURNS", 2)
    outcome = actions.draw_samples(exhibit(three_d_gan, VOXELS), tmp_path, 3, 1, slow=True)
    assert [*outcome.files] == [".gif"]
    with Image.open(outcome.files[".gif"]) as movie:
        assert movie.n_frames == 2
    assert outcome.command.endswith("-o samples.gif")


def sample_array(model, n, seed, folder):
    from ganzoo.drawing.save import write_samples

    write_samples(model.sample(n, seed=seed), folder / "expected.npz", kind=model.kind)
    return np.load(folder / "expected.npz")["samples"]


def test_the_command_that_is_shown_draws_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = open_exhibit("biggan-cifar10")
    outcome = actions.draw_samples(shown, tmp_path / "page", 5, 3, ["cat", "ship"], "", 0.5)
    words = shlex.split(outcome.command)
    assert words[:3] == ["ganzoo", "sample", "biggan-cifar10"]
    assert ganzoo(*words[1:]).status == 0
    assert (tmp_path / "samples.png").read_bytes() == outcome.files[".png"].read_bytes()


def test_a_walk_is_a_movie_and_the_command_draws_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = actions.draw_walk(open_exhibit("wgan-gp-mnist"), tmp_path / "page", 2, 3, 4, None, 0.7, False)
    with Image.open(outcome.files[".gif"]) as movie:
        assert movie.n_frames == 9
    words = shlex.split(outcome.command)
    assert ganzoo(*words[1:]).status == 0
    assert (tmp_path / "walk.gif").read_bytes() == outcome.files[".gif"].read_bytes()


def test_walks_of_chosen_classes_stand_side_by_side(tmp_path):
    widths = []
    for labels in (["1"], ["1", "0"]):
        outcome = actions.draw_walk(exhibit(conditional), tmp_path / str(len(labels)), 0, 2, 4, labels)
        with Image.open(outcome.files[".gif"]) as movie:
            widths.append(movie.size)
    assert widths[0] != widths[1]


def test_pieces_are_composed_under_chords(tmp_path):
    shown = exhibit(midinet, MUSIC)
    outcome = actions.draw_music(shown, tmp_path, 0, 1, 2, "C, Am")
    assert [*outcome.files] == [*actions.OFFERS["music"].formats]
    assert outcome.files[".wav"].read_bytes()[:4] == b"RIFF"
    assert outcome.files[".mid"].read_bytes()[:4] == b"MThd"
    assert "--chords C Am" in outcome.command
    assert "no major or minor chord" in refusal(actions.draw_music, shown, tmp_path, 0, 1, 2, "C H7")


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ((-1, 4), ["Seed", "0"]),
        ((2**31, 4), ["Seed"]),
        ((None, 4), ["Seed", "whole number"]),
        ((0, 0), ["Number", "1 to 64"]),
        ((0, 65), ["Number", "1 to 64"]),
        ((0, 1e9), ["Number"]),
        ((0, 4, ["cat"]), ["unconditional"]),
        ((0, 4, None, "a red hat"), ["unconditional"]),
        ((0, 4, None, "\n".join("x" * 17)), ["16 lines"]),
        ((0, 4, None, "x" * 301), ["300 letters"]),
        ((0, 4, None, "", 2), ["Truncation", "0 to 1"]),
        ((0, 4, None, "", float("nan")), ["Truncation"]),
    ],
)
def test_what_a_browser_may_send_is_checked(values, parts, tmp_path):
    message = actions.for_visitor(refusal(actions.draw_samples, exhibit(conv), tmp_path, *values))
    assert all(part in message for part in parts), message
    assert not message.startswith("-")


def test_walks_are_bounded(tmp_path, monkeypatch):
    shown = exhibit(conditional)
    most = shown.model.n_classes * actions.STOPS[1] * actions.STEPS[1]
    monkeypatch.setattr(actions, "MOST_FRAMES", most - 1)
    assert "choose fewer" in refusal(actions.draw_walk, shown, tmp_path, 0, actions.STOPS[1], actions.STEPS[1])


def test_truncation_is_offered_where_it_changes_something():
    model = conv().eval()
    assert truncates(model)
    fixed = SimpleNamespace(raw=model.space.raw, place=lambda raw, truncation, y: raw["z"])
    assert not truncates(SimpleNamespace(conditions=model.conditions, space=fixed))


def picture(path, size=(20, 12), colour="red"):
    Image.new("RGB", size, colour).save(path)
    return path


def test_an_upload_is_translated_as_the_command_does_both_ways(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = open_exhibit("cyclegan-mnist")
    picture(tmp_path / "picture.png", (34, 21))
    results = []
    for back in (False, True):
        outcome = actions.translate_upload(shown, tmp_path / str(back), tmp_path / "picture.png", back)
        assert ganzoo(*shlex.split(outcome.command)[1:]).status == 0
        results.append(np.asarray(Image.open(outcome.files[".png"])))
        np.testing.assert_array_equal(results[-1], np.asarray(Image.open("translation.png")))
        assert results[-1].shape[:2] == (21, 34)
        assert Image.open(outcome.before).size == (34, 21)
    assert (results[0] != results[1]).any()


def test_a_large_upload_is_shrunk_and_the_visitor_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "TRANSLATED_PIXELS", 400)
    outcome = actions.translate_upload(exhibit(cyclegan), tmp_path, picture(tmp_path / "x.png", (80, 20)))
    assert Image.open(outcome.files[".png"]).size == (40, 10)
    assert "shrunk" in outcome.note


def test_a_model_of_one_size_says_that_it_cut_a_picture(tmp_path):
    shown = open_exhibit("pix2pix-edges2faces")
    assert is_random(shown.model)
    outcome = actions.translate_upload(shown, tmp_path, picture(tmp_path / "x.jpg", (90, 70)), seed=3)
    assert Image.open(outcome.files[".png"]).size == (64, 64)
    assert "resized" in outcome.note
    assert "--seed 3" in outcome.command


def test_examples_are_the_sources_in_the_checkpoints_picture(tmp_path):
    for name in ("srresnet-faces", "cyclegan-mnist", "pix2pix-edges2faces"):
        shown = open_exhibit(name)
        paths = example_pictures(shown, tmp_path)
        assert len(paths) == 4
        sheet = np.asarray(Image.open(CHECKPOINTS / name / "samples.png").convert("RGB"))
        for row, path in enumerate(paths):
            source = np.asarray(Image.open(path))
            factor = 64 // len(source)
            tile = sheet[66 * row : 66 * row + 64, :64]
            np.testing.assert_array_equal(source.repeat(factor, 0).repeat(factor, 1), tile)
        outcome = actions.translate_upload(shown, tmp_path, paths[0])
        made = np.asarray(Image.open(outcome.files[".png"]).convert("RGB")).astype(int)
        scale = 64 // len(made)
        column = 2 if name.startswith("srresnet") else 1  # of the translation, which the sheet shows
        there = sheet[:64, 66 * column : 66 * column + 64].astype(int)[::scale, ::scale]
        if not is_random(shown.model):
            assert np.abs(made - there).mean() < 12, name  # the sheet was drawn with unrounded weights


def test_a_sheet_that_is_too_narrow_has_no_sources():
    assert leftmost_images(Image.new("RGB", (64, 64)), 64, columns=2) == []
    ((first,),) = leftmost_images(Image.new("RGB", (130, 66)), 32, rows=9)
    assert first.size == (64, 64)


def test_a_clip_goes_on(tmp_path):
    shown = exhibit(video_prediction)
    frames = [Image.new("L", (20, 12), 30 * time) for time in range(1, 7)]
    frames[0].save(tmp_path / "clip.gif", save_all=True, append_images=frames[1:])
    outcome = actions.continue_upload(shown, tmp_path, tmp_path / "clip.gif", 3)
    with Image.open(outcome.files[".gif"]) as movie:
        assert len([*ImageSequence.Iterator(movie)]) == shown.model.frames + 3
    assert f"first {shown.model.frames} frames" in outcome.note
    short = refusal(actions.continue_upload, shown, tmp_path, picture(tmp_path / "one.gif"), 3)
    assert "1 frame" in short


def test_large_frames_are_shrunk(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "FRAME_PIXELS", 100)
    frames = [Image.new("L", (40, 10), 30 * time) for time in range(1, 4)]
    frames[0].save(tmp_path / "clip.gif", save_all=True, append_images=frames[1:])
    clip = uploads.read_upload_clip(tmp_path / "clip.gif", 1)
    assert tuple(clip.shape) == (3, 1, 5, 20)
    assert clip.flatten(1).float().mean(1).tolist() == pytest.approx([30, 60, 90], abs=2)


def test_an_upload_is_reconstructed(tmp_path):
    shown = open_exhibit("vae-mnist")
    assert actions.reconstructed_shape(shown) == (1, 32, 32)
    outcome = actions.reconstruct_upload(shown, tmp_path, picture(tmp_path / "x.png", (60, 40)))
    assert Image.open(outcome.files[".png"]).size == Image.open(outcome.before).size == (32, 32)
    assert actions.reconstructed_shape(exhibit(mlp)) is None


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["no picture"]),
        (b"hello", ["no picture"]),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", ["no picture"]),
        (promising_png(5000, 5000), ["5,000 x 5,000", "16,777,216"]),
        (promising_png(60_000, 60_000), ["too many pixels"]),
        (b"x" * (uploads.MOST_BYTES + 1), ["MB"]),
    ],
)
def test_a_hostile_picture_is_refused_in_a_line_before_it_is_decoded(content, parts, tmp_path, monkeypatch):
    def decode(*args):
        raise AssertionError("it was decoded")

    monkeypatch.setattr(uploads, "opened", decode)
    (tmp_path / "x.png").write_bytes(content)
    message = refusal(uploads.read_picture, tmp_path / "x.png", 3)
    assert all(part in message for part in parts), message
    assert str(tmp_path) not in message


def test_a_picture_that_is_cut_off_is_refused_in_a_line(tmp_path):
    (tmp_path / "x.png").write_bytes(promising_png(64, 64, rows=64)[:-30])
    assert "cannot be read" in refusal(uploads.read_picture, tmp_path / "x.png", 3)


@pytest.mark.parametrize("name", ["x.zip", "x.npz", "x.txt", "x", "x.png"])
def test_only_clips_are_read_as_clips(name, tmp_path):
    (tmp_path / name).write_bytes(b"hello")
    assert "no clip" in refusal(uploads.read_upload_clip, tmp_path / name, 3)


def test_a_clip_may_not_unpack_to_more_than_its_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_CLIP_BYTES", 1000)
    frames = [Image.new("L", (20, 20), 40 * time) for time in range(1, 5)]
    frames[0].save(tmp_path / "clip.gif", save_all=True, append_images=frames[1:])
    message = actions.for_visitor(refusal(uploads.read_upload_clip, tmp_path / "clip.gif", 1))
    assert "more than 2 frames" in message
    assert "data.root" not in message


def test_nothing_uploaded_is_told(tmp_path):
    assert refusal(actions.translate_upload, exhibit(cyclegan), tmp_path, None) == "Choose a file first."


def test_old_drawings_go(tmp_path):
    shelf = actions.Shelf(kept=2)
    folders = [shelf.folder() for _ in range(4)]
    assert [folder.is_dir() for folder in folders] == [False, False, True, True]
    shelf.close()
    assert not shelf.path.exists()


def test_every_bundled_checkpoint_says_what_it_is():
    for name in ("wgan-gp-mnist", "cyclegan-mnist"):
        about = describe(open_exhibit(name))
        assert about.title == name
        assert about.licence == "CC BY-SA 3.0"
        assert about.url.startswith("https://arxiv.org/")
        assert about.scores
        assert "![" not in about.card
        assert "## Scores" in about.card


def test_a_strangers_card_can_neither_fetch_nor_break_the_page(tmp_path):
    hostile = (
        "# <img src=https://evil.example/x>\n![a](https://evil.example/y) ![b][c]\n- Data: <b>x</b>, licence: mit.\n"
    )
    publish(tiny_model(), tmp_path / "gan", card=f"---\nmodel-index: many\nlicense: mit\n---\n{hostile}")
    about = describe(open_exhibit(str(tmp_path / "gan")))
    assert "<img" not in about.card
    assert "![" not in about.card
    assert about.scores == ()


def test_a_missing_package_is_one_line(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    from ganzoo.tools.demo import serving

    monkeypatch.setattr(serving, "version", missing)
    assert ganzoo("demo", "wgan-gp-mnist").error.endswith("pip install 'ganzoo-lightning[demo]'.")


@pytest.fixture
def versioned(monkeypatch):
    """Gradio's version, whether it is installed or not."""
    monkeypatch.setattr(space, "require_gradio", lambda: "6.1.2")


def test_a_space_has_all_that_it_needs(versioned, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = ganzoo("demo", "wgan-gp-mnist", "--space", "page")
    assert answer.status == 0, answer.err
    assert "python page/app.py" in answer.out
    _, block, text = (tmp_path / "page" / "README.md").read_text().split("---\n", 2)
    about = yaml.safe_load(block)
    assert {
        "title": "wgan-gp-mnist",
        "sdk": "gradio",
        "sdk_version": "6.1.2",
        "app_file": "app.py",
    }.items() <= about.items()
    assert about["license"] == "cc-by-sa-3.0"
    assert "wgan-gp-mnist/" in text
    bundled = CHECKPOINTS / "wgan-gp-mnist"
    copied = tmp_path / "page" / "wgan-gp-mnist"
    for name in ("recipe.yaml", "model.safetensors", "README.md", "samples.png"):
        assert (copied / name).read_bytes() == (bundled / name).read_bytes()
    program = (tmp_path / "page" / "app.py").read_text()
    assert len(program.splitlines()) < 20
    called = {}
    monkeypatch.setattr("ganzoo.tools.demo.demo", lambda name, **options: called.update(options, name=name))
    monkeypatch.delenv("SPACE_ID", raising=False)
    exec(compile(program, "app.py", "exec"), {"__file__": str(tmp_path / "page" / "app.py")})
    assert called == {"name": str(copied), "host": "127.0.0.1", "port": 7860}
    monkeypatch.setenv("SPACE_ID", "someone/page")
    exec(compile(program, "app.py", "exec"), {"__file__": str(tmp_path / "page" / "app.py")})
    assert called["host"] == "0.0.0.0"
    wanted = (tmp_path / "page" / "requirements.txt").read_text()
    assert "ganzoo-lightning[demo]>=" in wanted
    assert "gradio>=6.1.2" in wanted


def test_a_space_takes_a_new_folder_and_a_small_checkpoint(versioned, tmp_path, monkeypatch):
    (tmp_path / "mine").write_text("x")
    assert "there already" in refusal(space.write_space, "wgan-gp-mnist", tmp_path)
    monkeypatch.setattr(space, "LARGEST", 1000)
    message = refusal(space.write_space, "wgan-gp-mnist", tmp_path / "new")
    assert "ganzoo push" in message
    assert not (tmp_path / "new").exists()
    assert "name the model" in ganzoo("demo", "--space", tmp_path / "new").error


def test_a_revision_without_a_name_and_a_model_that_is_none_are_told():
    assert "Hub repository" in ganzoo("demo", "--revision", "main").error
    assert "Did you mean 'wgan-gp-mnist'" in refusal(open_exhibit, "wgan-gp-mnst")


def test_all_bundled_checkpoints_are_offered(monkeypatch):
    from ganzoo.tools.demo import serving

    asked = []
    monkeypatch.setattr(serving, "require_gradio", lambda: "6.1.2")
    monkeypatch.setattr(serving, "serve", lambda names, *rest: asked.append([names, *rest]))
    assert ganzoo("demo", "--port", 8000).status == 0
    assert asked == [[list_checkpoints(), "127.0.0.1", 8000, None, "cpu", None]]


def test_the_same_pictures_as_the_sample_command(tmp_path):
    outcome = actions.draw_samples(open_exhibit("stylegan2-faces"), tmp_path, 1, 4, truncation=0.5)
    sample("stylegan2-faces", n=4, seed=1, truncation=[0.5], out=tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes() == outcome.files[".png"].read_bytes()
