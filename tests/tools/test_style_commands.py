"""A style-based model from recipe to commands: its checkpoint is sampled, walked through, mixed and exported in w."""

import json

import numpy as np
import onnxruntime
import pytest
import torch
from commands import ganzoo
from PIL import Image
from styled import RECIPE
from tiny import conv
from torch.testing import assert_close

from ganzoo import load
from ganzoo.games.directions import latent_directions
from ganzoo.games.interpolation import latents_of_seeds, noise_of_seeds
from ganzoo.games.noise_inputs import draw_noise
from ganzoo.games.styles import mix_styles

SCALE = 8  # of 8-pixel images in pictures, between which there are 2 pixels


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("styles")
    (folder / "styles.yaml").write_text(RECIPE)
    said = ganzoo("fit", "--recipe", folder / "styles.yaml", "--runs", folder)
    assert said.status == 0, said.err
    return folder / "styles" / "version_0"


@pytest.fixture(scope="module")
def model(run):
    return load(run / "export")


def pixels(images):
    """Images (N, 1, 8, 8) as a picture has them."""
    return ((images + 1) * 127.5).round().numpy()[:, 0]


def tiles(said, columns):
    """The images of a picture, at their own size."""
    assert (said.status, said.err) == (0, ""), said.err
    sheet = np.asarray(Image.open(said.out.strip()))
    rows = (sheet.shape[0] + 2) // 66
    cut = [
        sheet[66 * i : 66 * i + 64 : SCALE, 66 * j : 66 * j + 64 : SCALE] for i in range(rows) for j in range(columns)
    ]
    return np.stack(cut).astype(float)


def close(shown, images):
    assert np.abs(shown - pixels(images)).max() <= 1  # a rounding apart


def test_the_mean_of_w_is_trained_kept_and_published(run, model):
    assert model.space.name == "w"
    assert model.generator.w_mean.abs().max() > 0
    stored = torch.load(run / "last.ckpt", weights_only=False)["state_dict"]
    assert_close(model.generator.w_mean, stored["generator.w_mean"])
    assert sorted(path.name for path in (run / "walks").iterdir())


def test_sample_truncates_in_w_as_far_as_the_network_or_the_option_says(run, model, tmp_path):
    def drawn(*words):
        out = tmp_path / "a.npz"
        said = ganzoo("sample", run / "export", "-n", 3, "--seed", 5, *words, "--npz", out)
        assert said.status == 0, said.err
        return np.load(out)["samples"][..., 0].astype(float)

    close(drawn(), model.sample(3, seed=5))
    w, mean, seeds = model.space.draw(3, 5), model.generator.w_mean, model.noise_seeds(3, 5)
    half = mean + 0.5 * (w - mean)
    for words, layers in (((), 2), (("--cutoff", 3), 3), (("--cutoff", 1), 1)):
        near = torch.cat([half[:, :layers], w[:, layers:]], 1)
        close(drawn("--truncation", 0.5, *words), model.render(near, noise=seeds))
    assert "from 0 to 3 layers" in ganzoo("sample", run / "export", "--cutoff", 4).error


def test_interpolate_walks_through_w_under_the_first_stops_noise(run, model, tmp_path):
    words = ["interpolate", run / "export", "--seeds", 3, 9, 4, "--steps", 3, "-o", tmp_path / "walk.png"]
    shown = tiles(ganzoo(*words), 3)
    a, b, c = latents_of_seeds(model, [3, 9, 4]).split(1)
    way = torch.cat([a, (a + b) / 2, b, b, (b + c) / 2, c])
    close(shown, model.render(way, noise=model.noise_seeds(1, 3)))
    close(shown[:1], model.sample(1, seed=3))


def test_factorise_moves_the_styles_of_the_chosen_layers(run, model, tmp_path):
    words = ["factorise", run / "export", "--directions", 1, "--steps", 3, "--span", 2, "--seed", 5, "--layers", "1-2"]
    said = ganzoo(*words, "-o", tmp_path / "a.png")
    assert said.status == 0, said.err
    sheet = np.asarray(Image.open(tmp_path / "a.png"))
    shown = sheet[24:88, -24 - 64 : -24][::SCALE, ::SCALE].astype(float)
    w, direction = latents_of_seeds(model, [5]), latent_directions(model, 1, [1, 2]).vectors
    w[:, 1:] += 2 * direction
    close(shown[None], model.render(w, noise=model.noise_seeds(1, 5)))
    assert "3 is none of the layers" in ganzoo(*words[:-1], 3).error


def test_arithmetic_adds_in_w(run, tmp_path):
    words = ["arithmetic", run / "export", "--plus", 1, "--minus", 1, "--base", 6, "-o", tmp_path / "a.png"]
    said = ganzoo(*words)
    assert said.status == 0, said.err
    sheet = np.asarray(Image.open(tmp_path / "a.png")).astype(float)
    top, bottom = sheet[24:88, -88:-24], sheet[-88:-24, -88:-24]
    assert np.abs(top - bottom).max() <= 1  # the base itself


def test_mix_draws_a_table_of_styles(run, model, tmp_path):
    words = ["mix", run / "export", "--rows", "1-2", "--columns", "3-5", "--layers", 0, "-o", tmp_path / "mix.png"]
    shown = tiles(ganzoo(*words), 4)
    assert shown.shape == (12, 8, 8)
    rows, columns = latents_of_seeds(model, [1, 2]), latents_of_seeds(model, [3, 4, 5])
    close(shown[1:4], torch.cat([model.sample(1, seed=seed) for seed in (3, 4, 5)]))
    close(shown[[4, 8]], torch.cat([model.sample(1, seed=seed) for seed in (1, 2)]))
    mixed = mix_styles(rows, columns, [0])
    for row, seed in enumerate((1, 2)):
        images = model.render(mixed[row], noise=noise_of_seeds(model, [seed]))
        close(shown[4 * row + 5 : 4 * row + 8], images)
    assert (shown[0] == 255).all()
    whole = tiles(ganzoo(*words[:6], "--layers", "0-2", "-o", tmp_path / "all.png"), 4)
    close(whole[5:8], model.render(columns, noise=noise_of_seeds(model, [1])))


@pytest.mark.parametrize(
    ("words", "part"),
    [(["--layers", "3"], "none of the layers 0 to 2"), (["--rows", "x"], "--rows: 'x' is no seed")],
)
def test_what_cannot_be_mixed(run, words, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert part in ganzoo("mix", run / "export", *words).error
    assert [*tmp_path.iterdir()] == []


def test_a_model_without_styles_has_none_to_mix(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ganzoo.checkpoints.loading.load", lambda *_, **__: conv())
    assert "no styles to mix" in ganzoo("mix", "x").error
    assert "only a style-based model" in ganzoo("factorise", "x", "--layers", 0).error
    assert "only a style-based model" in ganzoo("sample", "x", "--cutoff", 1).error


def test_exported_noise_is_an_input(run, model, tmp_path):
    file = tmp_path / "a.onnx"
    said = ganzoo("export", run / "export", "--format", "onnx", "-o", file)
    assert said.status == 0, said.err
    session = onnxruntime.InferenceSession(file)
    about = json.loads(session.get_modelmeta().custom_metadata_map["ganzoo"])
    assert about["inputs"]["noise"]["shape"] == ["N", 16 + 64 + 64]
    for n in (1, 5):
        noise = draw_noise(model.noise_seeds(n, 7), model.generator.noise_shapes)
        inputs = {"z": model.latent(n, 7).numpy(), "noise": noise.numpy()}
        (images,) = session.run(None, inputs)
        assert_close(torch.from_numpy(images), model.sample(n, seed=7), atol=1e-4, rtol=0)
