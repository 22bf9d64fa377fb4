"""GANsformer: its lazy steps, truncation and mixing of several latents, and maps of which latent paints what."""

import math

import pytest
import torch
from attending import gansformer
from tiny import conv, digits, fit
from torch.testing import assert_close

from ganzoo.common.errors import GanzooError
from ganzoo.games.directions import latent_directions
from ganzoo.games.interpolation import interpolate
from ganzoo.games.latent_maps import attending_layers, last_of_each_side, latent_maps


def test_optimizers_are_corrected_for_lazy_steps_as_in_the_code(tmp_path):
    model = gansformer(r1_every=2)
    run = fit(tmp_path, model, digits(), 4)
    d, g = (optimizer.param_groups[0] for optimizer in run.optimizers)
    assert (d["lr"], g["lr"]) == (pytest.approx(0.002 * 2 / 3), pytest.approx(0.002 * 4 / 5))
    assert g["betas"] == (0, pytest.approx(0.99**0.8))
    assert [player.name for player in model.line_up] == ["d", "r1", "g"]
    assert all(math.isfinite(number) for number in model.notes.means().values())


def test_path_lengths_are_an_option(tmp_path):
    model = gansformer(path_weight=2.0, path_every=2)
    run = fit(tmp_path, model, digits(), 2)
    assert run.optimizers[1].param_groups[0]["lr"] == pytest.approx(0.002 * 2 / 3)  # once, not twice
    assert model.notes.means()["pl/length"] > 0


@pytest.mark.parametrize("attention", ["simplex", "duplex", "carried"])
def test_every_weight_that_decides_anything_is_trained(tmp_path, attention):
    model = gansformer(attention, ema=None)
    before = {name: p.detach().clone() for name, p in model.generator.named_parameters()}
    fit(tmp_path, model, digits(), 1)
    still = {name for name, p in model.generator.named_parameters() if torch.equal(p, before[name])}
    # of keys that centroids stand in for, and, of simplex attention, what all keys have in common
    silent = (".key.", ".key_place.") if attention != "simplex" else (".key.bias", ".key_place.bias")
    # self-attention of the mapping is a simplex one
    mapping = (".key.bias", ".key_place.bias")
    for name in still:
        parts = mapping if name.startswith("mapping.") else silent
        assert any(part in name for part in parts), name


def test_truncation_leads_to_the_mean_of_each_component():
    model = gansformer()
    mean = torch.randn(16)
    for network in (model.generator, model.averaged("generator")):
        network.w_mean.copy_(mean)
    w = model.space.draw(3, seed=0)
    assert w.shape == (3, 5, 16)
    assert_close(model.space.truncate(w, 0.5), (w + mean) / 2)
    still = model.sample(4, seed=0, truncation=0.0)
    assert_close(still[1:], still[:1].expand(3, -1, -1, -1))


def test_the_mean_of_w_follows_each_component(tmp_path):
    model = gansformer()
    fit(tmp_path, model, digits(), 2)
    parts = model.generator.w_mean.view(4, 4)
    assert parts.abs().amax(1).min() > 0
    assert not torch.allclose(parts[0], parts[1])


def test_walks_and_directions_go_through_all_components():
    model = gansformer()
    assert (model.space.name, model.space.dim, len(model.space.layers())) == ("w", 16, 5)
    a, b = model.space.draw(2, seed=0).split(1)
    way = interpolate(model, a, b, steps=3)
    assert way.shape == (1, 3, 1, 8, 8)
    assert not torch.equal(way[0, 0], way[0, 2])
    vectors = latent_directions(model).vectors
    assert_close(vectors @ vectors.T, torch.eye(16), atol=1e-5, rtol=0)
    local, shared = (latent_directions(model, 1, [layer]).vectors[0].view(4, 4) for layer in (0, 4))
    assert local[:3].abs().max() > 0.01
    assert shared[:3].abs().max() < 1e-6  # the image's layer has a style of the global component alone


def test_latent_maps_are_those_of_the_samples():
    model = gansformer()
    assert attending_layers(model) == {0: 4, 1: 8, 2: 8}
    assert last_of_each_side(attending_layers(model)) == [0, 2]
    points, noise = model.space.draw(3, seed=0), model.noise_seeds(3, 0)
    first, last = latent_maps(model, points, noise=noise)
    assert [(each.layer, *each.maps.shape) for each in (first, last)] == [(0, 3, 3, 4, 4), (2, 3, 3, 8, 8)]
    assert_close(last.maps.sum(1), torch.ones(3, 8, 8))
    (middle,) = latent_maps(model, points, noise=noise, layers=[1])
    network = model.averaged("generator")
    with torch.no_grad():
        maps = network.synthesis.attention(points, [torch.zeros(3, *shape) for shape in network.noise_shapes])
    assert_close(middle.maps, maps[1][:, 0])  # noise has no strength yet
    with pytest.raises(GanzooError, match="layers: 3 is none of the layers 0 to 2 that attend"):
        latent_maps(model, points, layers=[3])


def test_models_without_such_maps_say_so():
    with pytest.raises(GanzooError, match="no maps of which latent paints what: the places of its DCGANGenerator"):
        attending_layers(conv())
