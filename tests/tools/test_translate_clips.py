"""Frames that follow clips by the command line: a run's end, its card, clips of all forms, and damaged ones."""

import shlex

import numpy as np
import pytest
import torch
import yaml
from cards import front_matter
from clips import Squares, next_squares
from commands import Run, ganzoo
from PIL import Image, ImageSequence

from ganzoo import load
from ganzoo.drawing.previews import Preview
from ganzoo.metrics.scoring import score
from ganzoo.metrics.translations import Baseline

TILE, GAP = 64, 2


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two steps of a small game, by the command line."""
    folder = tmp_path_factory.mktemp("clips")
    networks = "ganzoo.networks.video_prediction"
    scales = {"widths": [[8], [8]], "channels": 1}
    judge = {**scales, "patch": 8, "kernels": [[3], [3]], "hidden": [[8], [8]]}
    recipe = {
        "model": {
            "class_path": "ganzoo.models.video_prediction.VideoPrediction",
            "init_args": {
                "generator": {
                    "class_path": f"{networks}.MultiScalePredictor",
                    "init_args": {**scales, "kernels": [[3, 3], [3, 3]]},
                },
                "discriminator": {"class_path": f"{networks}.MultiScaleDiscriminator", "init_args": judge},
            },
        },
        "data": {
            "class_path": "ganzoo.data.NextFrame",
            "init_args": {"clips": {"class_path": "clips.Squares"}, "patch": 8, "batch_size": 8},
        },
        "quality": {"metrics": ["moving_psnr", "moving_gain", "sharpness"], "monitor": "moving_psnr"},
        "grid": {"samples": 4},
        "trainer": {"max_steps": 2, "accelerator": "cpu", "log_every_n_steps": 1},
    }
    (folder / "squares.yaml").write_text(yaml.safe_dump(recipe))
    said = ganzoo("fit", "--config", folder / "squares.yaml", "--runs", folder / "runs")
    assert said.status == 0, said.err
    return Run(folder / "runs" / "squares" / "version_0", said)


def gif(path, frames=6, size=(20, 12)):
    """Writes an animation that gets brighter."""
    pictures = [Image.new("L", size, 30 * time) for time in range(1, frames + 1)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:])
    return path


def pixels(path):
    return np.stack([np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(Image.open(path))])


def test_frames_stand_beside_their_prediction_and_the_truth():
    sheet = np.asarray(Preview(next_squares(), count=1)(Baseline(lambda x: -x[:, -1:])))
    assert sheet.shape[1] == 6 * TILE + 5 * GAP
    columns = [sheet[:TILE, i * (TILE + GAP) : i * (TILE + GAP) + TILE] for i in range(6)]
    clip = Squares().load("test")[0][0, 0].numpy().repeat(4, 1).repeat(4, 2)
    for column, frame in zip((*columns[:4], columns[5]), clip[1:], strict=True):
        assert (column == frame).all()
    assert (columns[4] == 255 - columns[3]).all()


def test_a_run_leaves_a_card_with_the_last_frame_beside_its_scores(run):
    model = load(run.folder / "export")
    about, body = front_matter(model.card)
    scores = {each["name"]: each["value"] for each in about["model-index"][0]["results"][0]["metrics"]}
    names = ["moving_psnr", "moving_gain", "sharpness"]
    assert scores == pytest.approx(score(model, next_squares(), metrics=names), rel=1e-2, abs=1e-2)
    copied = score(Baseline(lambda x: x[:, -1:]), next_squares(), metrics=names)
    assert "| score | value | the last frame |" in body
    assert f"| {copied['moving_psnr[test]']:.4g} |\n| `moving_gain" in body
    assert "from the left: 4 frames, the predicted next one, and the true one" in body
    assert "predict_frames(clips, 5)  # (N, 1, T, 16, 16) to (N, 1, 5, 16, 16), both in [-1, 1]" in body
    assert "pipeline_tag" not in about


def test_a_run_ends_with_a_command_that_goes_on(run, tmp_path):
    line = next(line for line in run.said.out.splitlines() if line.startswith("go on with your own"))
    words = shlex.split(line.removeprefix("go on with your own"))[1:]
    clip = gif(tmp_path / "mine.gif")
    words = [clip if word == "CLIP" else word for word in words]
    said = ganzoo(*words[:-1], tmp_path / "next.gif")
    assert said.status == 0, said.err
    assert said.out == f"{tmp_path / 'next.gif'}\n"
    assert pixels(tmp_path / "next.gif").shape == (5, 12 * 6, 20 * 6)  # small frames are enlarged


def test_each_frame_follows_from_those_before_it(run, tmp_path):
    clip = torch.rand(6, 14, 18)  # sides that the pyramid does not divide
    np.save(tmp_path / "clip.npy", (255 * clip).byte().numpy())
    said = ganzoo("translate", run.folder / "export", tmp_path / "clip.npy", "-o", tmp_path / "x.npz", "--frames", "3")
    assert said.status == 0, said.err
    made = np.load(tmp_path / "x.npz")["samples"]
    assert made.shape == (1, 3, 14, 18, 1)
    seen = (255 * clip).byte().float()[None, None] / 127.5 - 1
    expected = load(run.folder / "export").predict_frames(seen, 3)
    assert np.abs(made[0, ..., 0] - ((expected[0, 0] + 1) * 127.5).round().numpy()).max() <= 1
    words = ["--whole", "--frames", "3", "-o", tmp_path / "x.png"]
    assert ganzoo("translate", run.folder / "export", tmp_path / "clip.npy", *words).status == 0
    scale = 5
    assert Image.open(tmp_path / "x.png").size == (7 * 18 * scale + 6 * GAP, 14 * scale)


def test_a_folder_of_clips_becomes_a_folder_and_what_is_damaged_is_named(run, tmp_path):
    (tmp_path / "in" / "frames").mkdir(parents=True)
    gif(tmp_path / "in" / "good.gif")
    gif(tmp_path / "in" / "short.gif", frames=3)
    (tmp_path / "in" / "bad.gif").write_bytes(b"GIF89a")
    for time in range(4):
        Image.new("L", (8, 8), 40 * time).save(tmp_path / "in" / "frames" / f"{time}.png")
    said = ganzoo("translate", run.folder / "export", tmp_path / "in", "-o", tmp_path / "out", "--frames", "2")
    assert said.status == 0
    assert said.out == f"2 clips in {tmp_path / 'out'}\n"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["frames.gif", "good.gif"]
    assert "skipped 2" in said.err
    assert "short.gif (the clip has 3 frame(s), and the model is shown 4)" in said.err
    assert "bad.gif" in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.gif", "-o", "x.gif"], "there is no clip or folder"),
        (["short.gif", "-o", "x.gif"], "the clip has 3 frame(s), and the model is shown 4"),
        (["empty.gif", "-o", "x.gif"], "is empty"),
        (["empty", "-o", "x.gif"], "no clips in"),
        (["good.gif", "-o", "x.gif", "--frames", "0"], "--frames: 0 given"),
        (["good.gif", "-o", "x.xyz"], "cannot write"),
        (["good.gif", "-o", "good.gif"], "is the clip itself"),
        (["good.gif", "short.gif", "-o", "good.gif"], "is a file, and several clips go to a folder"),
        (["good.gif", "-o", "x.gif", "--tile", "64"], "goes on with clips; leave them out"),
    ],
)
def test_what_does_not_fit_is_one_line(run, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    gif(tmp_path / "good.gif")
    gif(tmp_path / "short.gif", frames=3)
    (tmp_path / "empty.gif").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    said = ganzoo("translate", run.folder / "export", *words)
    assert said.status == 2
    assert message in said.error
    assert not (tmp_path / "x.gif").exists()


def test_pictures_have_no_next_frames(tmp_path):
    Image.new("L", (28, 28)).save(tmp_path / "a.png")
    said = ganzoo("translate", "cyclegan-mnist", tmp_path / "a.png", "-o", tmp_path / "b.png", "--frames", "2")
    assert "translates pictures; leave them out" in said.error
