"""Style-based generators: truncation, walks and directions in w, mixing of styles, and noise of every image's own."""

import pytest
import torch
from styled import Mixed, ToyStyles, styled
from tape import taped
from tiny import conv, digits, fit, mlp
from torch import nn
from torch.testing import assert_close

from ganzoo import GanzooError
from ganzoo.games.directions import latent_directions, style_weights
from ganzoo.games.interpolation import interpolate, latents_of_seeds, noise_of_seeds, walk
from ganzoo.games.noise_inputs import draw_noise, noise_seeds, split_noise
from ganzoo.games.styles import is_style_based, mix_at_random, mix_styles
from ganzoo.models.gan import VanillaGAN
from ganzoo.stabilisers.mode_seeking import ModeSeeking
from ganzoo.stabilisers.unrolled import Unrolled

EXACTLY = {"rtol": 0, "atol": 0}
NEARLY = {"rtol": 1e-5, "atol": 1e-6}


def test_a_style_based_generator_gives_its_model_the_space_w_before_z():
    model = styled()
    assert is_style_based(model.generator)
    assert not is_style_based(conv().generator)
    assert [(space.name, space.mode, space.dim) for space in model.spaces] == [
        ("w", "linear", 5),
        ("z", "spherical", 6),
    ]
    z = model.latent(4, seed=1)
    assert_close(model.space_named("z").draw(4, 1), z)
    assert_close(model.space.draw(4, 1), model.averaged("generator").styles(z), **NEARLY)
    images = [model.render(space.draw(4, 1), space=space) for space in model.spaces]
    assert_close(*images, **NEARLY)


def test_a_network_that_keeps_to_half_the_contract_is_told_the_rest():
    network = nn.Module()
    assert not is_style_based(network)
    network.mapping = network.synthesis = nn.Identity()
    network.latent_dim = network.w_dim = network.n_styles = 3
    with pytest.raises(GanzooError, match="has noise_shapes, style_affines, w_mean, cutoff, styles, too"):
        is_style_based(network)


def test_a_generator_may_have_noise_and_no_styles():
    class Noisy(nn.Module):
        latent_dim, shape, noise_shapes = 4, (2,), [(2,), (1,)]

        def forward(self, z, noise=None):
            return z[:, :2] + noise[0] + noise[1]

    model = VanillaGAN(Noisy(), nn.Linear(2, 1), ema=None)
    assert [space.name for space in model.spaces] == ["z"]
    drawn = model.sample(5, seed=3)
    assert_close(model.sample(2, seed=3), drawn[:2])
    first, second = split_noise(draw_noise(model.noise_seeds(5, 3), [(2,), (1,)]), [(2,), (1,)])
    assert_close(drawn, model.latent(5, 3)[:, :2] + first + second)
    assert_close(model.sample(1, seed=3, truncation=0.0), (first + second)[:1])


def test_both_networks_are_compiled_where_the_generator_is_to_be():
    model = styled(Mixed, compiled=["generator"])
    model.parts()["generator"].compile()
    assert model.generator.mapping._compiled_call_impl is not None
    assert model.generator.synthesis._compiled_call_impl is not None


def test_recorded_moves_mix_styles_as_eager_ones(tmp_path, monkeypatch):
    eager = styled(Mixed)
    fit(tmp_path / "eager", eager, digits(), 6)
    tape = taped(monkeypatch)
    recorded = styled(Mixed, capture=True)
    fit(tmp_path / "recorded", recorded, digits(), 6)
    assert tape.replayed
    for name, tensor in eager.state_dict().items():
        assert_close(recorded.state_dict()[name], tensor, **EXACTLY, msg=name)


def test_truncation_goes_towards_the_mean_of_w_not_of_z():
    model = styled()
    mean = model.averaged("generator").w_mean
    w = model.space.draw(4, 1)
    assert_close(model.space.draw(4, 1, 0.7), mean + 0.7 * (w - mean))
    assert_close(model.space.draw(4, 1, 0.0), mean.expand(4, 3, 5))
    assert_close(model.sample(4, seed=1, truncation=1.0), model.sample(4, seed=1), **EXACTLY)
    same = model.render(model.space.draw(6, 1, 0.0))  # under the same noise
    assert_close(same, same[:1].expand_as(same), **NEARLY)
    typical = model.sample(6, seed=1, truncation=0.0)  # each with its own
    assert (typical[0] - typical[1]).abs().max() > 1e-3
    assert (same - model.render(w[:1])).abs().max() > 1e-3  # and it is not the image of z = 0 or of any z


def test_truncation_may_end_at_a_layer():
    model = styled()
    mean, w = model.averaged("generator").w_mean, model.space.draw(4, 1)
    cut = model.space.cut_off(2).draw(4, 1, 0.5)
    assert_close(cut[:, :2], mean + 0.5 * (w[:, :2] - mean))
    assert_close(cut[:, 2:], w[:, 2:], **EXACTLY)
    assert_close(model.space.cut_off(0).draw(4, 1, 0.5), w, **EXACTLY)
    assert_close(model.space.cut_off(3).draw(4, 1, 0.5), model.space.draw(4, 1, 0.5), **EXACTLY)
    model.averages["generator"].module.cutoff = 2  # as the network says
    assert_close(model.space.draw(4, 1, 0.5), cut, **EXACTLY)
    with pytest.raises(GanzooError, match="cutoff: from 0 to 3 layers"):
        model.space.cut_off(4)


def test_an_image_depends_on_the_seed_and_its_place_alone_noise_included():
    model = styled()
    images = model.sample(130, seed=3)
    for n in (0, 1, 2, 65):
        assert_close(model.sample(n, seed=3), images[:n], **NEARLY)
    assert_close(torch.cat([model.sample(1, seed=s) for s in (4, 9)]), of_seeds(model, [4, 9]), **NEARLY)
    w = model.space.draw(1, 3).expand(2, -1, -1)
    one, two = model.render(w, noise=model.noise_seeds(2, 3))
    assert (one - two).abs().max() > 1e-3  # neighbours have other noise
    assert not torch.equal(model.sample(2), model.sample(2))
    assert_close(model.render(w)[0], model.render(w)[1], **NEARLY)  # without seeds all have the same
    assert conv().noise_seeds(3, 0) is None
    assert styled(noise=False).noise_seeds(3, 0) is None


def of_seeds(model, seeds):
    return model.render(latents_of_seeds(model, seeds), noise=noise_of_seeds(model, seeds))


def test_noise_is_standard_normal_and_of_every_layers_shape():
    shapes = [(1, 4, 4), (2, 8, 8)]
    seeds = noise_seeds(300, 5)
    assert_close(noise_seeds(7, 5), seeds[:7])
    noise = draw_noise(seeds, shapes)
    assert noise.shape == (300, 144)
    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 1) < 0.02
    assert abs(torch.corrcoef(noise)[~torch.eye(300, dtype=torch.bool)]).max() < 0.5  # no two alike
    first, second = split_noise(noise, shapes)
    assert (first.shape, second.shape) == ((300, 1, 4, 4), (300, 2, 8, 8))
    assert_close(torch.cat([first.flatten(1), second.flatten(1)], 1), noise, **EXACTLY)
    mixed = draw_noise(seeds[[4, 2, 4]], shapes)
    assert_close(mixed, noise[[4, 2, 4]], **EXACTLY)


def test_walks_go_straight_through_w_under_one_noise():
    model = styled()
    a, b = model.space.draw(2, 5).split(1)
    noise = model.noise_seeds(1, 5)
    way = walk(model, model.space.raw(2, 5), 5, noise=noise)
    assert way.shape == (1, 5, 1, 8, 8)
    assert_close(way[0, 2:3], model.render((a + b) / 2, noise=noise), **NEARLY)
    assert_close(way[0, :1], model.sample(1, seed=5), **NEARLY)
    assert_close(way, interpolate(model, a, b, 5, "linear", noise=noise), **NEARLY)
    half = walk(model, model.space.raw(2, 5), 3, truncation=0.5)
    near = model.space.truncate(torch.cat([a, b]), 0.5)
    assert_close(half[0, 1:2], model.render(near.mean(0, keepdim=True)), **NEARLY)


def test_conditions_enter_by_the_mapping():
    model = styled(n_classes=3)
    y = torch.tensor([2, 0, 1])
    images = model.sample(3, y, seed=1)
    for label in range(3):
        w = model.space.draw(3, 1, y=torch.full((3,), label))
        rendered = model.render(w, torch.full((3,), label), model.noise_seeds(3, 1))
        assert_close(rendered[y == label], images[y == label], **NEARLY)
    assert (model.space.draw(1, 1, y=y[:1]) - model.space.draw(1, 1, y=y[1:2])).abs().max() > 1e-3
    row = walk(model, model.space.raw(3, 1), 2, y=torch.tensor([1, 2]), noise=model.noise_seeds(1, 1))
    ends = [model.render(model.space.draw(3, 1, y=torch.full((3,), k)), torch.full((3,), k)) for k in (1, 2)]
    assert_close(walk(model, model.space.raw(3, 1), 2, y=torch.tensor([1, 2]))[1], ends[1][1:], **NEARLY)
    assert (row[0] - row[1]).abs().max() > 1e-3


def test_mixed_at_no_layer_or_at_all_an_image_is_either_parents():
    model = styled()
    rows, columns = latents_of_seeds(model, [1, 2]), latents_of_seeds(model, [3, 4, 5])
    table = mix_styles(rows, columns, [0, 2])
    assert table.shape == (2, 3, 3, 5)
    assert_close(table[1, 2, [0, 2]], columns[2, [0, 2]], **EXACTLY)
    assert_close(table[1, 2, 1], rows[1, 1], **EXACTLY)
    images = model.render(mix_styles(rows, columns, []).flatten(0, 1)).unflatten(0, (2, 3))
    assert_close(images, model.render(rows)[:, None].expand_as(images), **NEARLY)
    images = model.render(mix_styles(rows, columns, range(3)).flatten(0, 1)).unflatten(0, (2, 3))
    assert_close(images, model.render(columns)[None].expand_as(images), **NEARLY)


def test_in_training_styles_are_mixed_from_one_random_layer_on_for_the_whole_batch():
    styles, others = torch.zeros(6, 4, 2), torch.ones(6, 2)
    counts = dict.fromkeys(range(5), 0)
    torch.manual_seed(0)
    for _ in range(1000):
        mixed = mix_at_random(styles, others, 0.9)
        assert_close(mixed, mixed[:1].expand_as(mixed), **EXACTLY)
        layers = mixed[0, :, 0]
        assert layers.diff().ge(0).all()
        counts[int(layers.eq(0).sum())] += 1
    assert counts[0] == 0  # the first layer's style stays
    assert all(240 < counts[layer] < 360 for layer in (1, 2, 3))
    assert 60 < counts[4] < 140  # a tenth is not mixed
    assert_close(mix_at_random(styles, others, 0.0), styles, **EXACTLY)


class Watched(ToyStyles):
    """Notes whether the styles that it makes images of are one for all layers."""

    def __init__(self):
        super().__init__(noise=False)
        self.mixed = []
        self.synthesis.register_forward_pre_hook(lambda _, inputs: self.mixed.append(unlike(inputs[0])))


def unlike(styles):
    return bool((styles != styles[:, :1]).any())


@pytest.mark.parametrize("stabiliser", [None, lambda: ModeSeeking(), lambda: Unrolled(1)])
def test_all_that_draws_fakes_in_training_sees_mixed_styles_and_samples_do_not(stabiliser, tmp_path):
    judge = nn.Sequential(nn.Flatten(), nn.Linear(64, 1), nn.Flatten(0))
    model = Mixed(Watched(), judge, mixing=1.0, stabilisers=[stabiliser()] if stabiliser else [])
    fit(tmp_path, model, digits(), 2)
    assert len(model.generator.mixed) >= (4 if stabiliser is None else 6)
    assert all(model.generator.mixed)
    model.averages["generator"].module.mixed = model.generator.mixed = seen = []
    model.averages["generator"].module.synthesis.register_forward_pre_hook(lambda _, x: seen.append(unlike(x[0])))
    model.sample(2)
    assert seen
    assert not any(seen)


def test_only_styles_can_be_mixed():
    model = Mixed(conv().generator, conv().discriminator)
    with pytest.raises(GanzooError, match="mixing: only a style-based generator"):
        model.check((1, 8, 8))
    styled(Mixed).check((1, 8, 8))


def test_training_moves_the_mean_of_w_and_the_average_takes_it_over(tmp_path):
    model = styled(Mixed)
    model.generator.w_mean.zero_()
    batches = []
    model.generator.mapping.register_forward_hook(lambda _, inputs, w: batches.append(w.detach().mean(0)))
    fit(tmp_path, model, digits(), 3)
    # the mean follows what is kept before the cut: the mapping's other calls are for mixing
    followed = torch.zeros(5)
    orders = [batches[k::2] for k in (0, 1)]
    matches = []
    for order in orders:
        followed = torch.zeros(5)
        for w in order:
            followed = 0.9 * followed + 0.1 * w
        matches.append(torch.allclose(followed, model.generator.w_mean, atol=1e-6))
    assert sum(matches) == 1
    assert_close(model.averaged("generator").w_mean, model.generator.w_mean, **EXACTLY)
    assert model.generator.w_mean.abs().max() > 0
    before = model.generator.w_mean.clone()
    model.sample(5)
    model.space.draw(5)
    assert_close(model.generator.w_mean, before, **EXACTLY)


def test_the_strongest_direction_in_w_is_that_of_the_affine_layers():
    model = styled()
    for k, affine in enumerate(model.averaged("generator").style_affines):
        nn.init.normal_(affine.bias)  # plays no part
        with torch.no_grad():
            affine.weight.copy_(0.01 * torch.randn_like(affine.weight))
            affine.weight[:, k] += 1.0 + k  # each answers to an axis of its own, the last most
    for layers, axis in ((None, 2), ([0], 0), ([0, 1], 1), ([1, 2], 2)):
        found = latent_directions(model, 2, layers)
        assert found.vectors.shape == (2, 5)
        assert found.vectors[0, axis] > 0.98, (layers, found.vectors)
    affines = model.averaged("generator").style_affines
    joined = torch.cat([affines[0].weight, affines[2].weight]).detach().double()
    weights = style_weights(model, [0, 2])
    assert_close(weights, joined, rtol=1e-4, atol=1e-5)
    assert_close(latent_directions(model).shares.sum(), torch.tensor(1.0))
    with pytest.raises(GanzooError, match="3 is none of the layers 0 to 2"):
        latent_directions(model, 1, [3])
    with pytest.raises(GanzooError, match="only a style-based model has layers"):
        latent_directions(mlp(), 1, [0])


def test_a_direction_changes_the_styles_of_the_chosen_layers_alone():
    space = styled().space
    vector = torch.arange(5.0)[None]
    assert_close(space.spread(vector), vector[:, None].expand(1, 3, 5))
    some = space.spread(vector, [1])
    assert_close(some[:, 1], vector)
    assert some[:, [0, 2]].eq(0).all()
