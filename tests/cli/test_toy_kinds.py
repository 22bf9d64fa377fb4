"""Toy games of video, voxels and music from a recipe to the gallery, through the command line."""

import json
import wave

import numpy as np
import pytest
import torch
import toys
import yaml
from cards import front_matter
from commands import Run, ganzoo
from PIL import Image
from readers import is_closed, read_midi, read_obj

from ganzoo import load
from ganzoo.common.kinds import KINDS
from ganzoo.drawing import music
from ganzoo.drawing.looks import images_of
from ganzoo.metrics.selection import choose_scores

KIND_NAMES = [*toys.TOYS]


@pytest.fixture(scope="module", params=KIND_NAMES)
def run(request, tmp_path_factory):
    """A run of 4 updates of each toy; its parent's name is the kind's."""
    folder = tmp_path_factory.mktemp(request.param)
    recipe = folder / f"{request.param}.yaml"
    recipe.write_text(yaml.safe_dump(toys.recipe(request.param)))
    answer = ganzoo("fit", "--recipe", recipe, "--runs", folder / "runs")
    assert answer.status == 0, answer.err
    return Run(folder / "runs" / request.param / "version_0", answer)


def kind_of(run):
    return run.folder.parent.name


def test_a_run_draws_samples_and_walks(run):
    model = load(run.folder)
    height, width = images_of(model.sample(1), model.kind).shape[2:]
    for step in ("step_0000000.png", "step_0000004.png"):
        assert Image.open(run.folder / "samples" / step).size > (width, height)
        assert Image.open(run.folder / "walks" / step).size == (12 * (width + 2) - 2, 2 * (height + 2) - 2)


def test_checkpoints_know_their_kind_and_say_it(run):
    kind = KINDS[kind_of(run)]
    for place in (run.folder, run.folder / "export"):
        assert load(place).kind is kind
    about, text = front_matter((run.folder / "export" / "README.md").read_text())
    assert "pipeline_tag" not in about
    assert f"{kind.name} = ganzoo.load(" in text
    assert f"256 {kind.items} to train on" in text
    assert "image" not in text
    assert (run.folder / "export" / "neighbours.png").is_file()


def test_samples_are_saved_in_the_formats_of_their_kind(run, tmp_path):
    samples = load(run.folder / "export").sample(3, seed=0)
    for name in (
        "out.png",
        "out.npz",
        *{"video": ["out.gif"], "voxels": ["out.obj"], "music": ["out.mid", "out.wav"]}[kind_of(run)],
        "each",
    ):
        answer = ganzoo("sample", run.folder / "export", "-n", 3, "-o", tmp_path / name)
        assert answer.status == 0, answer.err
    stored = np.load(tmp_path / "out.npz")["samples"]
    assert len([*(tmp_path / "each").iterdir()]) == 3 * (1 + (kind_of(run) == "voxels"))
    if kind_of(run) == "video":
        with Image.open(tmp_path / "out.gif") as movie:
            assert movie.n_frames == stored.shape[1] == 8
    elif kind_of(run) == "voxels":
        _, objects = read_obj(tmp_path / "out.obj")
        assert len(objects) == 3
        assert all(is_closed(faces) for faces in objects.values() if faces)
    else:
        _, notes, _ = read_midi(tmp_path / "out.mid")
        assert sum((note.end - note.start) // 120 for note in notes) == (stored > 0).sum()
        with wave.open(str(tmp_path / "out.wav")) as sound:
            steps = 3 * 16 + 2 * music.REST
            assert sound.getnframes() == round((steps / 8 + music.RING) * music.RATE)
    if kind_of(run) != "video":
        assert np.allclose(stored, samples.numpy(), atol=1e-6)
    answer = ganzoo("sample", run.folder, "-n", 2, "--truncation", 0.5, 1, "-o", tmp_path / "rows.png")
    assert answer.status == 0, answer.err


def test_formats_of_other_kinds_are_refused(run, tmp_path):
    wrong = {"video": "out.mid", "voxels": "out.wav", "music": "out.obj"}[kind_of(run)]
    error = ganzoo("sample", run.folder, "-n", 2, "-o", tmp_path / wrong).error
    assert error.startswith(f"-o: cannot write {kind_of(run)} to ")


def test_ways_between_samples_are_drawn(run, tmp_path):
    for name in ("walk.png", "walk.gif"):
        answer = ganzoo("interpolate", run.folder, "-n", 2, "--steps", 3, "-o", tmp_path / name)
        assert answer.status == 0, answer.err
    with Image.open(tmp_path / "walk.gif") as movie:
        assert movie.n_frames == 4
    terms = ("--plus", "0-1", "--minus", 2, "-o", tmp_path / "sum.png")
    assert ganzoo("arithmetic", run.folder, *terms).status == 0


def test_an_onnx_file_draws_the_same(run, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    answer = ganzoo("export", run.folder / "export", "--format", "onnx", "-o", tmp_path / "net.onnx")
    assert answer.status == 0, answer.err
    session = runtime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == [kind_of(run)]
    model = load(run.folder / "export")
    z = model.latent(3, seed=5)
    drawn = session.run(None, {"z": z.numpy()})[0]
    assert np.allclose(drawn, model.render(z).numpy(), atol=1e-4)


def test_the_gallery_shows_it(run, tmp_path):
    answer = ganzoo("gallery", run.folder / "export", "-o", tmp_path / "page.html")
    assert answer.status == 0, answer.err
    page = (tmp_path / "page.html").read_text()
    assert page.count("data:image/png") == 2  # samples and a strip
    assert f"64 {KINDS[kind_of(run)].items}" in page  # 4 updates of 16


def test_the_default_scores_suit_the_kind(run, tmp_path):
    scores = tmp_path / "scores.json"
    answer = ganzoo("evaluate", run.folder / "export", "--samples", 40, "--bootstrap", 0, "-o", scores)
    assert answer.status == 0, answer.err
    usual = choose_scores(None, None, toys.data(kind_of(run)))
    assert {key.partition("[")[0] for key in json.loads(scores.read_text())["scores"]} >= {*usual}
    logged = (run.folder / "metrics.csv").read_text().partition("\n")[0]
    assert all(f"{name}[" in logged for name in usual)


def test_a_network_takes_shape_size_and_channels_from_the_data(run):
    resolved = yaml.safe_load((run.folder / "recipe.yaml").read_text())
    shape = list(toys.data(kind_of(run)).shape)
    for name in ("generator", "discriminator"):
        assert resolved["model"]["init_args"][name]["init_args"]["shape"] == shape


def test_mirrors_are_refused_where_they_change_a_sample(run):
    recipe = run.folder.parents[2] / f"{kind_of(run)}.yaml"
    words = (
        "--recipe",
        recipe,
        "--runs",
        recipe.with_name("mirrored"),
        "--trainer.max_steps",
        1,
        "--data.flip",
        "true",
    )
    answer = ganzoo("fit", *words)
    if KINDS[kind_of(run)].mirrored:
        assert answer.status == 0, answer.err
    else:
        assert answer.error.startswith("data.flip: ")  # refused, or unknown to data that cannot have it


def test_toys_are_what_they_say():
    for kind in toys.TOYS:
        data = toys.data(kind, batch_size=64)
        x, _ = next(iter(data.val_dataloader()))
        assert x.shape[1:] == data.shape
        assert (float(x.min()), float(x.max())) == pytest.approx((-1, 1), abs=0.2)
        assert data.kind is KINDS[kind]
        assert not torch.equal(x[0], x[1])
