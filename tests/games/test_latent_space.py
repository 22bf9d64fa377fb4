"""Latent spaces of models that draw: how points are drawn, truncated, gone between and rendered."""

import pytest
import torch
from coders import EVERY, aae, vae
from tiny import conditional, conv
from torch.testing import assert_close

from ganzoo import GanzooError
from ganzoo.games.latent import draw_latent
from ganzoo.games.priors import Flower, Gaussian
from ganzoo.models.infogan import InfoGAN
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator

CPU = torch.device("cpu")


def infogan(codes=2, **options):
    torch.manual_seed(0)
    generator = DCGANGenerator(8, 1, width=8, latent_dim=10)
    return InfoGAN(generator, DCGANDiscriminator(8, 1, width=8), categories=3, codes=codes, **options)


MODELS = {"gan": conv, "uniform": lambda: conv(prior="uniform"), "labels": conditional, "infogan": infogan} | EVERY


@pytest.mark.parametrize("name", MODELS)
def test_samples_are_rendered_points_of_the_space(name):
    model = MODELS[name]()
    y = model.conditions(5)
    for truncation in (1.0, 0.5):
        points = model.space.draw(5, 3, truncation, y)
        assert_close(model.render(points, y), model.sample(5, seed=3, truncation=truncation), rtol=0, atol=0)
    assert_close(model.latent(5, seed=3), model.space.draw(5, 3), rtol=0, atol=0)
    assert model.latent(5).shape == (5, model.space.dim)


@pytest.mark.parametrize("name", MODELS)
def test_a_point_depends_on_the_seed_and_its_place_alone(name):
    space = MODELS[name]().space
    assert_close(space.draw(100, 7)[:3], space.draw(3, 7), rtol=0, atol=0)
    assert not space.draw(3, 7).equal(space.draw(3, 8))
    assert not space.draw(3).equal(space.draw(3))


@pytest.mark.parametrize(
    ("make", "name", "mode"),
    [
        (conv, "z", "spherical"),
        (conditional, "z", "spherical"),
        (lambda: conv(prior="uniform"), "z", "linear"),
        (lambda: infogan(prior="normal"), "z", "linear"),  # codes in [-1, 1] beside the noise
        (vae, "codes", "spherical"),
        (aae, "codes", "linear"),
    ],
)
def test_normal_noise_is_gone_through_along_arcs_and_all_else_straight(make, name, mode):
    model = make()
    assert (model.space.name, model.space.mode) == (name, mode)
    assert [space.name for space in model.spaces] == [name]
    assert model.space_named(name).dim == model.space.dim
    with pytest.raises(GanzooError, match=f"has {name}, not 'w'"):
        model.space_named("w")


def test_infogans_noise_and_codes_come_from_streams_of_their_own():
    model = infogan(prior="normal")
    z = model.space.draw(4, 5)
    assert_close(z[:, :5], draw_latent(4, 5, "normal", CPU, 5))
    assert z[:, 5:].abs().max() <= 1
    assert model.space.texts == {"z": "5 numbers standard normal, and after them 2 codes uniform on [-1, 1]"}
    assert not z[:, :2].equal(z[:, 5:])


def test_codes_are_truncated_towards_the_middles_of_the_priors_parts():
    petals = aae(prior=Flower(4, petals=5)).space
    middles = petals.draw(50, 1, 0.0)
    assert len(middles.round(decimals=4).unique(dim=0)) == 5
    assert_close(petals.draw(50, 1, 0.5) - middles, (petals.draw(50, 1) - middles) / 2)
    assert petals.texts.keys() == {"z", "u"}
    assert aae(prior=Gaussian(3.0)).space.texts.keys() == {"z"}


def test_only_styles_have_layers():
    space = conv().space
    vectors = torch.randn(2, 6)
    assert space.spread(vectors) is vectors
    for choose in (lambda: space.spread(vectors, [0]), lambda: space.layers([0]), lambda: space.cut_off(1)):
        with pytest.raises(GanzooError, match="only a style-based model has layers"):
            choose()
