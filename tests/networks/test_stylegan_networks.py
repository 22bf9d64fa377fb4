"""StyleGAN's networks against GenForce's, published sizes, and properties of the paper."""

import pytest
import torch
from official import official
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.games.styles import Styles
from ganzoo.networks.stylegan import Mapping, StyledLayer, StyleGANDiscriminator, StyleGANGenerator, Synthesis


def of_generator(state):
    """GenForce's tensors under our names, and the noise of its layers."""
    ours, noise = {}, []
    for key, value in state.items():
        room, *path, last = key.split(".")
        name = ".".join(path)
        if room == "truncation":
            ours["w_mean"] = value
        elif room == "mapping":
            ours[f"mapping.layers.{name.removeprefix('dense')}.{last}"] = value
        elif last == "noise":
            noise.append(value)
        elif last == "const":
            ours["synthesis.const"] = value[0]
        elif name.startswith("output"):
            ours[f"synthesis.to_image.{name.removeprefix('output')}.{last}"] = value
        elif last not in {"lod", "kernel"}:
            layer = name.partition(".")[0].removeprefix("layer")
            inside = {"apply_noise": "noise_strength", "style": f"affine.{last}"}.get(path[-1])
            ours[f"synthesis.layers.{layer}.{inside or {'weight': 'conv.weight'}.get(last, last)}"] = value
    return ours, noise


def generator(said):
    layers = said.arguments["mapping_layers"]
    network = StyleGANGenerator(16, 3, 8, 8, layers, 64, 8).eval()
    state, noise = of_generator(said.state)
    network.load_state_dict({**state, "synthesis.stage": network.synthesis.stage})
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count
    return network, [each.expand(len(said.x), -1, -1, -1) for each in noise]


def test_the_generator_is_genforces():
    said = official("stylegan1_generator")
    network, noise = generator(said)
    assert [tuple(each.shape[1:]) for each in noise] == network.noise_shapes
    with torch.no_grad():
        said.check("w", network.mapping(said.x))
        said.check("image", network(said.x, noise=noise))
        space = Styles(network, None, None, None, cutoff=4)
        styles = space.truncate(network.styles(said.x), 0.7)
        said.check("image, trunc_psi 0.7, trunc_layers 4", network.synthesis(styles, noise))
        network.grow(1, 0.7)
        said.check("image, lod 0.3", network(said.x, noise=noise))


def test_the_generator_is_genforces_with_fused_convolutions():
    """A transposed convolution, as the code has from 128 pixels on and here everywhere, turns its kernel: no more."""
    said = official("stylegan1_generator_fused")
    network, noise = generator(said)
    for i in (2, 4):
        weight = network.synthesis.layers[i].conv.weight
        weight.data = weight.data.flip(2, 3)
    with torch.no_grad():
        said.check("image", network(said.x, noise=noise))


@pytest.mark.parametrize("name", ["stylegan1_discriminator", "stylegan1_discriminator_fused"])
def test_the_discriminator_is_genforces(name):
    said = official(name)
    network = StyleGANDiscriminator(16, 3, 64, 8, group=2)
    state = {"stage": network.stage}
    for key, value in said.state.items():
        place, _, last = key.partition(".")
        if last in {"weight", "bias"}:
            kind, number = place[:5], int(place[5:])
            block = (
                f"blocks.{1 - number // 2}.conv{number % 2}" if number < 4 else ["last", "linear", "out"][number - 4]
            )
            state[f"from_image.{2 - number}.{last}" if kind == "input" else f"{block}.{last}"] = value
    network.load_state_dict(state)
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count
    with torch.no_grad():
        said.check("logits", network(said.x))
        network.grow(1, 0.7)
        said.check("logits, lod 0.3", network(said.x))


@pytest.mark.parametrize(
    ("size", "sizes"),
    [(32, (22_841_356, 20_726_785)), (64, (25_137_935, 22_498_049)), (1024, (26_219_627, 23_087_249))],
)
def test_published_sizes(size, sizes):
    with torch.device("meta"):
        networks = StyleGANGenerator(size), StyleGANDiscriminator(size)
    assert tuple(sum(p.numel() for p in network.parameters()) for network in networks) == sizes
    assert networks[0].sides == networks[1].sides == [2**i for i in range(3, size.bit_length())]


def small(**options):
    torch.manual_seed(0)
    return StyleGANGenerator(32, 1, 4, 6, 2, 64, 4, **options).eval()


def test_images_do_not_depend_on_noise_at_the_start_and_later_channel_by_channel():
    network, z = small(), torch.randn(2, 4)
    with torch.no_grad():
        assert torch.equal(network(z), network(z))
        layer, w = network.synthesis.layers[1], torch.zeros(1, 6)
        layer.noise_strength[2] = 1
        x, noise = torch.randn(1, 4, 4, 4), torch.randn(2, 1, 1, 4, 4)
        changes = (layer(x, w, noise[0]) - layer(x, w, noise[1])).abs().amax((0, 2, 3))
        assert (changes > 0).tolist() == [False, False, True, False]
        assert not torch.equal(network(z), network(z))


def test_normalised_layers_have_the_styles_means_and_deviations():
    torch.manual_seed(0)
    layer, w = StyledLayer(5, 6, 4), torch.randn(3, 4)
    nn.init.normal_(layer.affine.bias)
    with torch.no_grad():
        out = layer(torch.randn(3, 5, 8, 8), w, torch.randn(3, 1, 8, 8))
        scale, shift = (layer.affine.weight @ w.T / 2 + layer.affine.bias[:, None]).T.chunk(2, 1)
        torch.testing.assert_close(out.mean((2, 3)), shift, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(out.std((2, 3), correction=0), (scale + 1).abs(), rtol=1e-4, atol=1e-4)
        nn.init.zeros_(layer.affine.weight)
        nn.init.zeros_(layer.affine.bias)
        plain = layer(torch.randn(3, 5, 8, 8), w, torch.randn(3, 1, 8, 8))  # a style of zeros changes nothing
        torch.testing.assert_close(plain.std((2, 3), correction=0), torch.ones(3, 6), rtol=1e-4, atol=1e-4)


def test_the_constant_begins_with_ones():
    assert torch.equal(Synthesis(8, 1, 4, 64, 8).const, torch.ones(8, 4, 4))


def test_layers_of_the_mapping_learn_at_a_hundredth_of_the_rate():
    """The same function with and without, whose gradients' effect on the output differs by 0.01 squared."""
    torch.manual_seed(0)
    slow, fast = Mapping(16, 16, 1), Mapping(16, 16, 1, rate=1.0)
    assert slow.layers[0].weight.std().item() == pytest.approx(100, rel=0.2)
    fast.layers[0].weight.data = slow.layers[0].weight.data / 100
    z, target = torch.randn(8, 16), torch.randn(8, 16)
    torch.testing.assert_close(slow(z), fast(z))
    for network in (slow, fast):
        (network(z) * target).sum().backward()
    for name in ("weight", "bias"):
        one, other = (getattr(network.layers[0], name).grad for network in (slow, fast))
        torch.testing.assert_close(one, 0.01 * other)


def test_z_and_its_class_are_normalised_together():
    torch.manual_seed(0)
    network = Mapping(8, 8, 2, n_classes=3)
    assert network.embed.weight.std().item() == pytest.approx(1, rel=0.4)
    z, y = torch.randn(4, 8), torch.tensor([0, 1, 2, 0])
    with torch.no_grad():
        w = network(z, y)
        network.embed.weight *= 5
        torch.testing.assert_close(network(5 * z, y), w, rtol=1e-4, atol=1e-5)
        assert (network(z, y) - w).abs().max() > 0.1
        assert (network(5 * z, (y + 1) % 3) - w).abs().max() > 0.1


def test_the_label_chooses_the_score():
    torch.manual_seed(0)
    network, x = StyleGANDiscriminator(8, 1, 64, 8, n_classes=3), torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        every = network.out(network.features(x))
        y = torch.tensor([0, 1, 2, 0])
        assert torch.equal(network(x, y), every[torch.arange(4), y])


def test_layers_in_use_are_those_of_the_present_side():
    network, z = small(), torch.randn(3, 4)
    for level, side in enumerate((8, 16, 32)):
        network.grow(level, 0.5 if level else 1.0)
        assert (network.level, network.n_styles, len(network.style_affines)) == (level, 4 + 2 * level, 4 + 2 * level)
        assert [shape[1] for shape in network.noise_shapes] == [4, 4, 8, 8, 16, 16, 32, 32][: 4 + 2 * level]
        assert network.styles(z).shape == (3, 4 + 2 * level, 6)
        assert network(z).shape == (3, 1, side, side)


def test_only_powers_of_two_are_made():
    with pytest.raises(GanzooError, match="size: 48 given, but StyleGAN is for powers of 2 from 8 pixels on"):
        StyleGANGenerator(48)
