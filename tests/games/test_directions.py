"""The directions that a generator's first layer answers to most."""

import numpy as np
import pytest
import torch
from commands import ganzoo
from PIL import Image
from tiny import conditional, conv, mlp
from torch import nn
from torch.nn.functional import normalize
from torch.testing import assert_close

from ganzoo import GanzooError, load
from ganzoo.games.directions import first_layer, latent_directions
from ganzoo.models.gan import VanillaGAN
from ganzoo.models.infogan import InfoGAN
from ganzoo.models.vae import VAE
from ganzoo.networks.autoencoder import ConvDecoder, ConvEncoder
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganzoo.networks.resnet import ResNetDiscriminator, ResNetGenerator


def residual():
    return VanillaGAN(ResNetGenerator(16, 1, width=4, latent_dim=6), ResNetDiscriminator(16, 1, width=4))


def informed():
    return InfoGAN(DCGANGenerator(8, 1, width=8, latent_dim=9), DCGANDiscriminator(8, 1, width=8), categories=3)


def variational():
    return VAE(ConvEncoder(8, 1, 4, code_dim=12), ConvDecoder(8, 1, 4, latent_dim=6, squash=False))


def of_convolution(project, d):
    return project.weight[:d].flatten(1).T  # (in, out, side, side)


MODELS = {
    "convolution": (conv, lambda g: of_convolution(g.project, 6)),
    "linear": (mlp, lambda g: g.net[0].weight),
    "decoder": (variational, lambda g: g.net[0].weight),
    "residual": (residual, lambda g: g.project.weight),
    "labels beside": (conditional, lambda g: of_convolution(g.network.project, 6)),
    "categories beside": (informed, lambda g: of_convolution(g.project, 6)),
}


@pytest.fixture(params=MODELS)
def case(request):
    make, weight = MODELS[request.param]
    torch.manual_seed(0)
    model = make()
    return model, weight(model.averaged(model.drawn_by)).detach().double()


def test_the_matrix_is_the_latent_vectors_part_of_the_first_weight(case):
    model, weight = case
    found = first_layer(model)
    assert found.shape[1] == model.latent(1).shape[1]
    # rows may come in another order: only their inner products count
    assert_close(found.T @ found, weight.T @ weight, rtol=1e-4, atol=1e-8)


def test_directions_are_orthonormal_and_the_strongest_first(case):
    model, weight = case
    vectors, shares = latent_directions(model)
    d = weight.shape[1]
    assert_close(vectors @ vectors.T, torch.eye(d), atol=1e-5, rtol=0)
    assert_close(shares.sum(), torch.tensor(1.0))
    assert shares.diff().le(0).all()
    moved = (weight @ vectors.double().T).square().sum(0)
    assert_close(moved / weight.square().sum(), shares.double(), rtol=1e-3, atol=1e-6)
    others = normalize(torch.randn(2000, d).double())
    assert (weight @ others.T).square().sum(0).max() <= moved[0] * (1 + 1e-6)
    few = latent_directions(model, 2)
    assert_close(few.vectors, vectors[:2])
    assert_close(few.shares, shares[:2])  # of all the variance, not of what is asked for


def test_the_first_direction_moves_the_layers_real_output_by_its_singular_value():
    model = conv()
    generator = model.averaged("generator")
    z, n = model.latent(1, seed=0), latent_directions(model, 1).vectors
    with torch.no_grad():
        moved = generator.project((z + 3 * n)[:, :, None, None]) - generator.project(z[:, :, None, None])
    assert_close(moved.norm(), 3 * torch.linalg.matrix_norm(first_layer(model), 2).float(), rtol=1e-4, atol=0)


def test_nothing_is_left_behind():
    model = conv().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    latent_directions(model)
    assert model.generator.training
    assert all(tensor.equal(before[name]) for name, tensor in model.state_dict().items())
    assert not any(layer._forward_pre_hooks for layer in model.averaged("generator").modules())


class Before(nn.Module):
    """A generator that does something to z before its first layer."""

    latent_dim, shape = 4, (2,)

    def __init__(self, change):
        super().__init__()
        self.change = change
        self.net = nn.Linear(4, 2)

    def forward(self, z):
        return self.net(self.change(z))


def test_a_latent_vector_may_be_scaled_but_not_bent_before_the_first_layer():
    judge = nn.Linear(2, 1)
    scaled = VanillaGAN(Before(normalize), judge)
    assert_close(first_layer(scaled), scaled.generator.net.weight.detach().double())
    with pytest.raises(GanzooError, match="Before has no linear layer or convolution that meets"):
        latent_directions(VanillaGAN(Before(torch.square), judge))


def test_factorise_draws_a_direction_to_a_row_with_the_image_itself_in_the_middle(digits_run, tmp_path):
    folder = digits_run.folder / "export"
    words = ["factorise", folder, "--directions", 2, "--steps", 3, "--span", 4, "--seed", 5, "-o", tmp_path / "a.png"]
    said = ganzoo(*words)
    assert (said.status, said.out, said.err) == (0, f"{tmp_path / 'a.png'}\n", "")
    sheet = np.asarray(Image.open(tmp_path / "a.png"))
    first, second = sheet[24:88, -24 - 196 + 2 : -24], sheet[-88:-24, -24 - 196 + 2 : -24]
    assert np.array_equal(first[:, 66:130], second[:, 66:130])
    model = load(folder)
    z, n = model.latent(1, seed=5), latent_directions(model, 1).vectors
    (last,) = ((model.render(z + 4 * n) + 1) * 127.5).round()[0].numpy()
    assert np.array_equal(first[:, 132:][::8, ::8], last)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--directions", "0"], ["--directions", "from 1 to"]),
        (["--directions", "1000"], ["--directions", "not 1000"]),
        (["--steps", "1"], ["--steps", "at least 2"]),
        (["--label", "1"], ["--label", "unconditional"]),
    ],
)
def test_what_cannot_be_factorised(digits_run, tmp_path, monkeypatch, words, parts):
    monkeypatch.chdir(tmp_path)
    error = ganzoo("factorise", digits_run.folder / "export", *words).error
    assert [part for part in parts if part not in error] == [], error
    assert [*tmp_path.iterdir()] == []
