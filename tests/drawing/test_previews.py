"""What a translator's run shows and leaves: its pictures, its card, and the commands that it names."""

import shlex

import numpy as np
import pytest
import tiny
import torch
import yaml
from cards import facts, front_matter
from commands import Run, ganzoo
from PIL import Image

from ganzoo import load
from ganzoo.checkpoints.card import write_card
from ganzoo.drawing import pictures
from ganzoo.drawing.previews import Preview
from ganzoo.metrics.scoring import score
from ganzoo.metrics.translations import Baseline

TILE, GAP, GUTTER = 64, 2, 12


def negative(x):
    return -x


def tiles(sheet, columns):
    """Cuts the upper left tiles of each column of a sheet in grey."""
    array = np.asarray(sheet)
    return [array[:TILE, i * (TILE + GAP) : i * (TILE + GAP) + TILE] for i in range(columns)]


def test_source_translation_and_truth_stand_side_by_side():
    sheet = Preview(tiny.Negatives(), count=3)(Baseline(negative))
    assert sheet.size == (3 * TILE + 2 * GAP, 3 * TILE + 2 * GAP)
    source, made, truth = tiles(sheet, 3)
    x = tiny.Negatives().split("test")[0][0, 0].numpy().repeat(8, 0).repeat(8, 1)  # 8 pixels, enlarged
    assert (source == x).all()
    assert (made == truth).all()
    assert abs(255 - made.astype(int) - source).max() <= 1


def test_many_are_parted_and_the_same_each_time():
    preview = Preview(tiny.Negatives(), count=64)
    sheet = preview(Baseline(negative))
    half = 3 * TILE + 2 * GAP
    assert sheet.size == (2 * half + GUTTER, 8 * TILE + 7 * GAP)  # of 16
    gutter = np.asarray(sheet)[:, half : half + GUTTER]
    assert gutter.min() == 255
    state = torch.get_rng_state()
    assert np.asarray(preview(Baseline(negative))).tobytes() == np.asarray(sheet).tobytes()
    assert torch.get_rng_state().equal(state)


def test_without_a_truth_none_is_shown():
    class Apart(tiny.Negatives):
        paired = False

    assert Preview(Apart(), count=2)(Baseline(negative)).width == 2 * TILE + GAP


def test_a_model_of_larger_images_stands_beside_bicubic_and_large_images_are_few():
    class Small(tiny.Negatives):
        def make(self, x, y, generator, train):
            x, (y, _) = super().make(x, y, generator, train)
            return x[..., ::2, ::2], y.repeat_interleave(16, 2).repeat_interleave(16, 3).expand(-1, 3, -1, -1)

    data = Small()
    data.shape, data.source_shape = (3, 256, 256), (1, 8, 8)
    sheet = Preview(data)(Baseline(lambda x: x.repeat_interleave(32, 2).repeat_interleave(32, 3).expand(-1, 3, -1, -1)))
    assert sheet.mode == "RGB"
    assert sheet.width == 2 * (4 * 256 + 3 * GAP) + GUTTER  # source, bicubic, translation, truth
    assert sheet.height == 5 * 256 + 4 * GAP  # of 10


def test_a_model_that_makes_no_images_has_no_picture():
    class Classifier:
        def classify(self, x):
            return x

    assert Preview(tiny.digits())(Classifier()) is None


def test_images_are_fitted_in_colour_and_size():
    x = torch.rand(2, 3, 4, 6) * 2 - 1
    assert pictures.to_shape(x, (3, 4, 6)) is x
    grey = pictures.to_shape(x, (1, 4, 6))
    assert grey[0, 0, 0, 0] == pytest.approx((x[0, :, 0, 0] * torch.tensor([0.299, 0.587, 0.114])).sum())
    assert pictures.to_shape(grey, (3, 4, 6)).equal(grey.expand(-1, 3, -1, -1))
    large = pictures.to_shape(x, (3, 8, 12), "nearest")
    assert large.equal(x.repeat_interleave(2, 2).repeat_interleave(2, 3))
    assert pictures.to_shape(x, (3, 16, 24)).abs().max() <= 1


# The card


PAIRED = {
    "makes": "translations",
    "class_path": "ganzoo.models.cyclegan.CycleGAN",
    "shape": (3, 64, 64),
    "source_shape": (1, 64, 64),
    "truth": True,
    "scores": {"kid[cifar10,1k/test]": 0.01, "psnr[test]": 21.5},
    "source_scores": {"kid[cifar10,1k/test]": 0.3, "psnr[test]": 9.25},
}


def test_a_translators_card_says_how_to_translate_and_what_the_source_gets():
    about, body = front_matter(write_card(facts(**PAIRED)))
    assert about["pipeline_tag"] == about["model-index"][0]["results"][0]["task"]["type"] == "image-to-image"
    assert 'ganzoo.load("wgan-gp-mnist").translate(x)  # (N, 1, 64, 64) to (N, 3, 64, 64)' in body
    assert "ganzoo translate wgan-gp-mnist PICTURES -o OUT" in body
    assert "from the left: source, translation, truth." in body
    assert "| `psnr[test]` | 21.5 | 9.25 |" in body
    assert "| the source itself |" in body
    assert "Does it copy" not in body
    assert ".sample(" not in body
    apart = write_card(facts(**PAIRED | {"truth": False}))
    assert "from the left: source, translation." in apart
    larger = write_card(facts(**PAIRED | {"source_shape": (3, 16, 16)}))
    assert "from the left: source, the same, resized (bicubic), translation, truth." in larger
    assert "| bicubic |" in larger


def test_a_classifiers_card_says_how_to_classify():
    about, body = front_matter(write_card(facts(makes="classes", scores={"accuracy[test]": 0.81})))
    assert about["pipeline_tag"] == "image-classification"
    assert 'ganzoo.load("wgan-gp-mnist").classify(x).argmax(1)  # of (N, 1, 32, 32) in [-1, 1]' in body
    assert "samples.png" not in body
    assert "| `accuracy[test]` | 0.81 |" in body


# A run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two steps of the tiny translator, by the command line."""
    folder = tmp_path_factory.mktemp("translator")
    judge = {"class_path": "torch.nn.Conv2d", "init_args": {"in_channels": 1, "out_channels": 1, "kernel_size": 4}}
    recipe = {
        "model": {
            "class_path": "tiny.Recolour",
            "init_args": {"generator": {"class_path": "tiny.Tint"}, "discriminator": judge, "ema": 0.5},
        },
        "data": {"class_path": "tiny.Negatives"},
        "quality": {"samples": 100, "monitor": "l1"},
        "grid": {"samples": 4},
        "trainer": {"max_steps": 2, "accelerator": "cpu", "log_every_n_steps": 1},
    }
    (folder / "tint.yaml").write_text(yaml.safe_dump(recipe))
    said = ganzoo("fit", "--config", folder / "tint.yaml", "--runs", folder / "runs")
    assert said.status == 0, said.err
    return Run(folder / "runs" / "tint" / "version_0", said)


def test_a_run_draws_logs_and_exports(run):
    for step in (0, 2):
        assert Image.open(run.folder / "samples" / f"step_{step:07d}.png").width == 3 * TILE + 2 * GAP
    header = (run.folder / "metrics.csv").read_text().splitlines()[0].split(",")
    assert {"d/adv", "g/adv", "g/l1", "psnr[100/test]", "ssim[100/test]", "l1[100/test]", "lr/g"} <= set(header)
    checkpoint = torch.load(run.folder / "best.ckpt", weights_only=True)
    assert [state["monitor"] for name, state in checkpoint["callbacks"].items() if "monitor" in str(state)] == [
        "l1[100/test]"
    ]
    model = load(run.folder / "export")
    about, body = front_matter(model.card)
    scores = {score["name"]: score["value"] for score in about["model-index"][0]["results"][0]["metrics"]}
    assert scores == pytest.approx(score(model, tiny.Negatives(), samples=100), rel=1e-2)
    assert "| the source itself |" in body
    assert Image.open(run.folder / "export" / "samples.png").width > 3 * TILE
    assert not (run.folder / "export" / "neighbours.png").exists()


def test_a_run_ends_with_a_command_that_translates(run, tmp_path):
    line = next(line for line in run.said.out.splitlines() if line.startswith("translate your own"))
    words = shlex.split(line.removeprefix("translate your own"))
    Image.new("L", (10, 8)).save(tmp_path / "mine.png")
    words = [tmp_path / "mine.png" if word == "PICTURES" else word for word in words[1:]]
    said = ganzoo(*words[:-1], tmp_path / "out")
    assert said.status == 0, said.err
    assert Image.open(tmp_path / "out" / "mine.png").size == (10, 8)


def test_what_draws_no_samples_is_not_compared(run, tmp_path):
    said = ganzoo("compare", run.folder.parents[2] / "tint.yaml", "-o", tmp_path)
    assert said.error == "'tint' draws no samples, which are what is compared."


def test_validate_and_predict_translate_the_reference(run):
    file = run.folder.parents[2] / "tint.yaml"
    runs = ["--runs", run.folder.parents[1], "--trainer.accelerator", "cpu"]
    said = ganzoo("validate", "--config", file, *runs)
    assert said.status == 0, said.err
    assert "l1[100/test]" in said.out
    said = ganzoo("predict", "--config", file, *runs)
    assert said.status == 0, said.err
    assert np.load(run.folder / "predictions.npz")["samples"].shape == (297, 16, 16, 1)
