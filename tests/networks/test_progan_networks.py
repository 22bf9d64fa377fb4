"""ProGAN's networks against another implementation's, published sizes, and properties of the paper."""

import json
import math

import numpy as np
import pytest
import torch
import yaml
from official import FOLDER, official
from torch import nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, linear

from ganzoo.common import registry
from ganzoo.common.errors import GanzooError
from ganzoo.networks import progan
from ganzoo.networks.minibatch import minibatch_std
from ganzoo.networks.progan import GAIN, ProGANDiscriminator, ProGANGenerator, ScaledConv2d, settled

WIDTHS = {4: 8, 8: 6, 16: 4}
UNBIASED = math.sqrt(4 / 3)  # of the standard deviation of four samples
SHARES = {"alpha 0": 1.0, "alpha 0.3": 0.7, "alpha 1": 0.0}  # of the newest layers; in the files, of the old ones


def scaled(state, name, gain=GAIN):
    """A layer of pytorch_GAN_zoo, whose weights and biases are all scaled by sqrt(2 / fan in), as one of ours."""
    weight, bias = state[f"{name}.module.weight"], state[f"{name}.module.bias"]
    return {"weight": weight * GAIN / gain, "bias": bias * (2 / weight[0].numel()) ** 0.5}


def named(layers):
    return {f"{name}.{kind}": tensor for name, layer in layers.items() for kind, tensor in layer.items()}


@pytest.fixture
def widths(monkeypatch):
    """Widths of the reference's networks, which no base leads to."""
    monkeypatch.setattr(progan, "channels_at", lambda side, base, largest: WIDTHS[side])


class Format(nn.Module):
    """First layer of pytorch_GAN_zoo, which has a bias for each pixel where the authors have one for each channel."""

    def __init__(self, layer, conv):
        super().__init__()
        self.layer, self.conv = layer, conv

    def forward(self, z):
        weight = self.layer["weight"] / z.shape[1] ** 0.5
        x = linear(z, weight * GAIN, self.layer["bias"]).unflatten(1, (-1, 4, 4))
        return settled(self.conv(settled(x)))


@pytest.mark.parametrize("alpha", SHARES)
def test_the_generator_is_that_of_pytorch_gan_zoo(alpha, widths):
    said = official("pgan_generator")
    network = ProGANGenerator(16, 3, 8)
    layers = {"first.conv": scaled(said.state, "groupScale0.0")}
    for i in range(3):
        layers[f"to_image.{i}"] = scaled(said.state, f"toRGBLayers.{i}", gain=1)
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        layers[f"blocks.{i}.conv{j}"] = scaled(said.state, f"scaleLayers.{i}.{j}")
    network.first = Format(scaled(said.state, "formatLayer"), network.first.conv)
    network.load_state_dict({**named(layers), "stage": network.stage})
    count = sum(p.numel() for p in network.parameters()) + sum(p.numel() for p in network.first.layer.values())
    assert count == said.parameter_count
    network.grow(2, SHARES[alpha])
    with torch.no_grad():
        said.check(f"image, {alpha}", network(said.x))


@pytest.mark.parametrize("alpha", SHARES)
def test_the_discriminator_is_that_of_pytorch_gan_zoo(alpha, widths):
    said = official("pgan_discriminator")
    network = ProGANDiscriminator(16, 3)
    layers = {"out": scaled(said.state, "decisionLayer", gain=1)}
    layers |= {"last": scaled(said.state, "groupScaleZero.0"), "linear": scaled(said.state, "groupScaleZero.1")}
    layers["last"]["weight"][:, -1] *= UNBIASED
    for i in range(3):
        layers[f"from_image.{i}"] = scaled(said.state, f"fromRGBLayers.{i}")
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        layers[f"blocks.{i}.conv{j}"] = scaled(said.state, f"scaleLayers.{i}.{j}")
    network.load_state_dict({**named(layers), "stage": network.stage})
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count
    network.grow(2, SHARES[alpha])
    with torch.no_grad():
        said.check(f"logits, {alpha}", network(said.x))


def test_the_standard_deviation_is_that_of_pytorch_gan_zoo():
    """It groups neighbours and divides by 3 for four samples; ours, as the authors', are N / 4 apart."""
    said = json.loads((FOLDER / "pgan_minibatch_stddev.json").read_text())
    x = torch.from_numpy(np.sin(0.3 * np.arange(64) + 1).astype(np.float32)).view(8, 2, 2, 2)
    apart = x.unflatten(0, (2, 4)).transpose(0, 1).flatten(0, 1)
    found = UNBIASED * minibatch_std(apart, 4)[:, 2, 0, 0].unflatten(0, (4, 2)).T.flatten()
    torch.testing.assert_close(found.tolist(), said["appended_channel_of_each_of_8_samples"], rtol=1e-6, atol=1e-6)
    whole = math.sqrt(6 / 5) * minibatch_std(x[:6], 0)[:, 2, 0, 0]
    six = said["of_the_first_6_samples (6 is not divisible by 4: one group of 6)"]
    torch.testing.assert_close(whole.tolist(), six, rtol=1e-6, atol=1e-6)


def count(network):
    return sum(p.numel() for p in network.parameters())


# the paper's on CIFAR-10; at 128 pixels those of pytorch_GAN_zoo, whose generator has 15 x 512 biases more
@pytest.mark.parametrize(
    ("name", "sizes"),
    [("progan_cifar10", (1_296_908, 1_298_689)), ("progan_faces", (22_941_074 - 15 * 512, 22_941_313))],
)
def test_published_sizes(name, sizes):
    said = yaml.safe_load((registry.RECIPES / f"{name}.yaml").read_text())
    model, data = said["model"]["init_args"], said["data"]["init_args"]
    with torch.device("meta"):
        generator = ProGANGenerator(data["size"], 3, **model["generator"].get("init_args", {}))
        discriminator = ProGANDiscriminator(data["size"], 3, **model["discriminator"].get("init_args", {}))
    assert (count(generator), count(discriminator)) == sizes
    assert generator.sides == discriminator.sides == model["growth"]["sides"]


def test_each_level_trains_its_own_layers():
    """On CIFAR-10: 410,243 and 411,649 numbers at 4x4, and 295,168 more of either network for each doubling."""
    networks = ProGANGenerator(32, 3, 128, largest=128), ProGANDiscriminator(32, largest=128)
    inputs = torch.randn(2, 128), torch.randn(2, 3, 4, 4)
    heads = (387, 512)
    for network, x, first, head in zip(networks, inputs, (410_243, 411_649), heads, strict=True):
        for level in range(4):
            for share in (1.0, 0.5)[: level + 1]:
                network.grow(level, share)
                network.zero_grad()
                image = interpolate(x, scale_factor=2**level) if x.dim() == 4 else x
                network(image).sum().backward()
                moved = sum(p.numel() for p in network.parameters() if p.grad is not None)
                assert moved == first + level * 295_168 + head * (share < 1), (level, share)


def test_where_a_level_comes_in_the_old_images_are_enlarged_and_then_the_new_ones_are_all_there():
    torch.manual_seed(0)
    generator, discriminator = ProGANGenerator(16, 3, 8, 64, 8), ProGANDiscriminator(16, 3, 64, 8)
    z = torch.randn(4, 8)
    with torch.no_grad():
        for level in (0, 1):
            generator.grow(level, 1.0)
            discriminator.grow(level, 1.0)
            old = generator(z)
            scores = discriminator(old)
            larger = interpolate(old, scale_factor=2)
            generator.grow(level + 1, 0.0)
            discriminator.grow(level + 1, 0.0)
            torch.testing.assert_close(generator(z), larger)
            torch.testing.assert_close(discriminator(larger), scores)
            generator.grow(level + 1, 0.25)
            faded = generator(z)
            generator.grow(level + 1, 1.0)
            assert generator(z).shape == larger.shape
            torch.testing.assert_close(faded, 0.75 * larger + 0.25 * generator(z))
            assert (generator(z) - larger).abs().max() > 0.1


@pytest.mark.parametrize("resample", ["none", "double", "halve"])
def test_convolutions_are_scaled_at_run_time_and_their_gradients_with_them(resample):
    layer, x = ScaledConv2d(6, 5, resample=resample), torch.randn(2, 6, 8, 8)
    scale = 2**0.5 / 54**0.5
    nn.init.normal_(layer.bias)
    weight = (layer.weight.detach() * scale).requires_grad_()
    out = conv2d(interpolate(x, scale_factor=2) if resample == "double" else x, weight, layer.bias.detach(), padding=1)
    out = avg_pool2d(out, 2) if resample == "halve" else out
    torch.testing.assert_close(layer(x), out, rtol=1e-4, atol=1e-5)
    layer(x).square().sum().backward()
    out.square().sum().backward()
    torch.testing.assert_close(layer.weight.grad, scale * weight.grad, rtol=1e-3, atol=1e-3)


def test_only_layers_before_activations_have_a_gain():
    generator, discriminator = ProGANGenerator(8, 3, 8, 64, 8), ProGANDiscriminator(8, 3, 64, 8)
    convs = {name: m for net in (generator, discriminator) for name, m in net.named_modules() if hasattr(m, "scale")}
    gains = {name: m.scale * (m.weight[0].numel()) ** 0.5 for name, m in convs.items()}
    plain = {"to_image.0", "to_image.1", "out"}
    assert {name for name, gain in gains.items() if gain == pytest.approx(1)} == plain
    assert gains["first"] == pytest.approx(2**0.5 / 4)
    others = {name: gain for name, gain in gains.items() if name not in plain | {"first"}}
    assert [*others.values()] == pytest.approx([2**0.5] * len(others))


def test_pixels_of_the_generator_have_unit_length():
    torch.manual_seed(0)
    network, seen = ProGANGenerator(16, 3, 8, 256, 16), []
    for block in (network.first, *network.blocks):
        block.register_forward_hook(lambda module, inputs, output: seen.append(output))
    with torch.no_grad():
        torch.testing.assert_close(network(torch.full((1, 8), 3.0)), network(torch.full((1, 8), 0.5)))  # z as well
    for x in seen:
        torch.testing.assert_close(x.square().mean(1), torch.ones_like(x[:, 0]), rtol=1e-3, atol=1e-3)


def test_the_standard_deviation_of_equal_images_is_none_and_the_whole_batch_may_be_one_group():
    x = torch.randn(1, 3, 4, 4).expand(6, -1, -1, -1)
    assert minibatch_std(x, 0)[:, 3].max() < 1e-3
    torch.manual_seed(0)
    images = torch.randn(6, 3, 8, 8)
    network = ProGANDiscriminator(8, 3, 64, 8, group=0)
    pairs = ProGANDiscriminator(8, 3, 64, 8, group=2)
    pairs.load_state_dict(network.state_dict())
    changed = torch.cat([images[:5], 3 * images[5:]])  # the last image's partner is the third
    with torch.no_grad():
        others = [net(changed)[:5] - net(images)[:5] for net in (network, pairs)]
    assert others[0].abs().min() > 0
    assert (others[1] != 0).tolist() == [False, False, True, False, False]


def test_a_fused_discriminator_takes_means_before_the_activation():
    torch.manual_seed(0)
    plain, fused = (ProGANDiscriminator(8, 1, 64, 8, fused=each) for each in (False, True))
    fused.load_state_dict(plain.state_dict())
    for network in (plain, fused):
        nn.init.constant_(network.blocks[0].conv1.bias, 100)  # all activations positive: no difference
    x = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(fused(x), plain(x), rtol=1e-4, atol=1e-4)
        nn.init.zeros_(plain.blocks[0].conv1.bias)
        nn.init.zeros_(fused.blocks[0].conv1.bias)
        assert (fused(x) - plain(x)).abs().max() > 1e-3


def test_only_powers_of_two_are_made():
    with pytest.raises(GanzooError, match="size: 48 given, but ProGAN is for powers of 2 from 8 pixels on"):
        ProGANGenerator(48)
