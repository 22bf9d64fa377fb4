"""GANsformer through the command line: trained, resumed, sampled, walked through, exported, and its maps drawn."""

import json

import numpy as np
import pytest
import torch
from attending import RECIPE
from commands import ganzoo
from PIL import Image
from tiny import conv
from torch.testing import assert_close

from ganzoo import load
from ganzoo.drawing.shares import colour_shares, palette
from ganzoo.games.interpolation import latents_of_seeds, noise_of_seeds
from ganzoo.games.latent_maps import latent_maps
from ganzoo.games.noise_inputs import draw_noise


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A function that trains, and the folder of a run of 8 updates."""
    home = tmp_path_factory.mktemp("latents")
    (home / "latents.yaml").write_text(RECIPE)

    def train(runs, *more):
        answer = ganzoo("fit", "--recipe", home / "latents.yaml", "--runs", home / runs, *more)
        assert answer.status == 0, answer.err
        return home / runs / "latents" / "version_0"

    return train, train("whole")


@pytest.fixture(scope="module")
def export(trained):
    return trained[1] / "export"


@pytest.fixture(scope="module")
def model(export):
    return load(export)


def state(run):
    checkpoint = torch.load(run / "last.ckpt", weights_only=True)
    return checkpoint["state_dict"], checkpoint["optimizer_states"]


def test_a_run_that_was_stopped_goes_on_to_the_bit(trained):
    train, whole = trained
    end, optimizers = state(whole)
    train("part", "--trainer.max_steps", 5)
    weights, resumed = state(train("part", "--ckpt_path", "last", "--trainer.max_steps", 8))
    assert weights.keys() == end.keys()
    assert all(torch.equal(weights[name], end[name]) for name in end)
    for one, other in zip(resumed, optimizers, strict=True):
        for moments, theirs in zip(one["state"].values(), other["state"].values(), strict=True):
            assert all(torch.equal(moments[name], theirs[name]) for name in theirs)


def test_published_weights_have_one_name_for_a_latent_in_both_networks(model):
    assert model.generator.mapping.embeddings is model.generator.synthesis.embeddings
    assert model.generator.w_mean.view(4, 4).abs().amax(1).min() > 0


def test_styles_of_all_components_are_mixed_and_walked_through(export, tmp_path):
    for words in (["mix", "--layers", "0-1"], ["interpolate"], ["factorise", "--directions", 2, "--layers", 1]):
        answer = ganzoo(words[0], export, *words[1:], "-o", tmp_path / "a.png")
        assert answer.status == 0, answer.err


def test_its_export_to_onnx_draws_the_same(export, model, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    file = tmp_path / "a.onnx"
    answer = ganzoo("export", export, "--format", "onnx", "-o", file)
    assert answer.status == 0, answer.err
    session = onnxruntime.InferenceSession(file)
    about = json.loads(session.get_modelmeta().custom_metadata_map["ganzoo"])
    assert about["inputs"]["z"]["shape"] == ["N", 16]
    noise = draw_noise(model.noise_seeds(5, 7), model.generator.noise_shapes)
    (images,) = session.run(None, {"z": model.latent(5, 7).numpy(), "noise": noise.numpy()})
    assert_close(torch.from_numpy(images), model.sample(5, seed=7), atol=1e-4, rtol=0)


def sheet(answer, rows, columns):
    """The tiles of a sheet (rows, columns, 3, 8, 8) in [-1, 1], the last row's left ones."""
    assert (answer.status, answer.err) == (0, ""), answer.err
    pixels = np.asarray(Image.open(answer.out.strip())).astype(float) / 127.5 - 1
    assert pixels.shape[0] == 2 * 24 - 22 + rows * (64 + 22)
    left = pixels.shape[1] - 24 - 66 * columns + 2
    cut = [[pixels[24 + 86 * i :, left + 66 * j :][4:64:8, 4:64:8] for j in range(columns)] for i in range(rows)]
    return torch.from_numpy(np.stack([np.stack(row) for row in cut])).float().movedim(4, 2)


def test_attention_draws_which_latent_paints_what(export, model, tmp_path):
    words = ["attention", export, "-n", 4, "--seed", 5, "-o", tmp_path / "a.png"]
    shown = sheet(ganzoo(*words), 4, 4)
    points, noise = model.space.draw(4, 5), model.noise_seeds(4, 5)
    first, last = latent_maps(model, points, noise=noise)
    close = {"atol": 0.01, "rtol": 0}
    assert_close(shown[0], model.sample(4, seed=5).expand(-1, 3, -1, -1), **close)
    assert_close(shown[1][..., ::2, ::2], colour_shares(first.maps), **close)
    assert_close(shown[2], colour_shares(last.maps), **close)
    assert_close(shown[3][:3, :, 0, 0], palette(3), **close)


def test_attention_of_chosen_seeds_and_layers_in_the_strongest_colour(export, model, tmp_path):
    words = ["attention", export, "--seeds", 3, 14, 15, "--layers", "1-2", "--hard", "-o", tmp_path / "a.png"]
    shown = sheet(ganzoo(*words), 4, 3)
    noise = noise_of_seeds(model, [3, 14, 15])
    maps = latent_maps(model, latents_of_seeds(model, [3, 14, 15]), noise=noise, layers=[1, 2])
    for row, each in zip(shown[1:3], maps, strict=True):
        assert_close(row, colour_shares(each.maps, hard=True), atol=0.01, rtol=0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--layers", 3], "3 is none of the layers 0 to 2 that attend"),
        (["-n", 0], "-n: the number of samples must be at least 1"),
        (["--seeds", 1, "--seed", 2], "--seed: not allowed with --seeds"),
        (["--labels", 1], "unconditional"),
    ],
)
def test_what_attention_refuses(export, words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in ganzoo("attention", export, *words).error
    assert [*tmp_path.iterdir()] == []


def test_attention_refuses_models_whose_places_attend_to_no_latents(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ganzoo.checkpoints.loading.load", lambda *_, **__: conv())
    error = ganzoo("attention", "x").error
    assert "do not attend to latents, as GANsformer's do" in error
    assert [*tmp_path.iterdir()] == []
