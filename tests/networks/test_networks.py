"""Shapes, initialisation and size of the shared networks."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator

SIDES = (8, 11, 16, 28, 30, 32, 63, 64, 96, 100, 128, 256)


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIDES)
def test_dcgan_pair_fits_every_size(size, channels):
    generator = DCGANGenerator(size, channels, width=4, latent_dim=10)
    images = generator(torch.randn(3, 10))
    assert images.shape == (3, channels, size, size) == (3, *generator.shape)
    assert images.abs().max() <= 1
    for norm in ("batch", "layer", "none"):
        discriminator = DCGANDiscriminator(size, channels, width=4, norm=norm)
        assert discriminator.shape == generator.shape
        assert discriminator(images).shape == (3,)


@pytest.mark.parametrize("network", [DCGANGenerator, DCGANDiscriminator])
@pytest.mark.parametrize("size", [0, 7])
def test_a_size_that_dcgan_is_not_made_for_is_refused(network, size):
    with pytest.raises(GanzooError, match=rf"size: {size} given, .* 8 pixels or more; the nearest is 8"):
        network(size, 1)


def test_the_papers_64_pixel_networks():
    """Figure 1: 100 -> 1024x4x4 -> 512x8x8 -> 256x16x16 -> 128x32x32 -> 3x64x64."""
    with torch.device("meta"):
        generator, discriminator = DCGANGenerator(), DCGANDiscriminator()
    wide = [m for m in generator.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert [m.in_channels for m in wide] == [100, 1024, 512, 256, 128]
    assert wide[-1].out_channels == 3
    narrow = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d)]
    assert [m.in_channels for m in narrow] == [3, 64, 128, 256, 512]
    assert narrow[-1].out_channels == 1
    weights = 16 * (100 * 1024 + 1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3)
    assert count(generator) == weights + 2 * (1024 + 512 + 256 + 128) + 3


def test_256_pixels_take_six_layers_from_4_pixels_and_back():
    with torch.device("meta"):
        generator, discriminator = DCGANGenerator(256, 3, width=16), DCGANDiscriminator(256, 3, width=16)
    ups = [m.out_channels for m in generator.modules() if isinstance(m, nn.ConvTranspose2d)]
    downs = [m.in_channels for m in discriminator.modules() if isinstance(m, nn.Conv2d)]
    assert ups == downs[::-1] == [512, 256, 128, 64, 32, 16, 3]
    assert discriminator.n_features == 512 * 4 * 4


@pytest.mark.parametrize("network", [DCGANGenerator(32, 3, 64), DCGANDiscriminator(32, 3, 64)])
def test_dcgan_initialisation(network):
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            assert abs(module.weight.mean()) < 2e-3
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.1)
            assert module.bias is None or not module.bias.any()
        elif isinstance(module, nn.BatchNorm2d):
            assert module.weight.mean().item() == pytest.approx(1, abs=0.01)
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.4)
            assert not module.bias.any()


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_no_convolution_before_a_normalisation_has_a_bias(norm):
    for network in (DCGANGenerator(32, 1, 4), DCGANDiscriminator(32, 1, 4, norm=norm)):
        layers = [m for m in network.modules() if not list(m.children())]
        for layer, after in pairwise(layers):
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                assert (layer.bias is None) == isinstance(after, nn.BatchNorm2d | nn.GroupNorm)


def test_neither_first_nor_last_layer_of_the_discriminator_is_normalised():
    layers = list(DCGANDiscriminator(32, 1, 4).net)
    kinds = [type(layer) for layer in layers if isinstance(layer, nn.Conv2d | nn.BatchNorm2d)]
    assert kinds == [nn.Conv2d, nn.Conv2d, nn.BatchNorm2d, nn.Conv2d, nn.BatchNorm2d, nn.Conv2d]


@pytest.mark.parametrize(("norm", "mixes"), [("batch", True), ("layer", False), ("none", False)])
def test_only_batch_norm_mixes_samples(norm, mixes):
    discriminator = DCGANDiscriminator(16, 1, 8, norm=norm)
    x = torch.randn(4, 1, 16, 16)
    alone, together = discriminator(x[:2])[0], discriminator(x)[0]
    assert torch.isclose(alone, together, rtol=1e-4, atol=1e-6) != mixes


def test_spectral_norm_bounds_every_weight_of_the_initialised_network():
    discriminator = DCGANDiscriminator(16, 3, 32, norm="none", spectral=True)
    convolutions = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 3
    for _ in range(30):
        discriminator(torch.randn(2, 3, 16, 16))  # each forward pass is one power iteration
    for convolution in convolutions:
        assert convolution.parametrizations.weight.original.std().item() == pytest.approx(0.02, rel=0.15)
        assert torch.linalg.svdvals(convolution.weight.flatten(1))[0].item() == pytest.approx(1, abs=0.02)
        assert not convolution.bias.any()
    assert not any("parametrizations" in name for name in DCGANDiscriminator(16).state_dict())


def test_dropout_follows_every_hidden_layer_and_acts_in_training_alone():
    discriminator = DCGANDiscriminator(32, 1, 8, norm="none", dropout=0.5)
    assert sum(isinstance(m, nn.Dropout2d) for m in discriminator.modules()) == 3
    x = torch.randn(2, 1, 32, 32)
    assert not torch.equal(discriminator(x), discriminator(x))
    discriminator.eval()
    assert torch.equal(discriminator(x), discriminator(x))


def test_customary_mnist_perceptrons():
    """G 100-256-512-1024-784, D 784-1024-512-256-1."""
    generator, discriminator = MLPGenerator([1, 28, 28]), MLPDiscriminator([1, 28, 28])
    assert count(generator) == 101 * 256 + 257 * 512 + 513 * 1024 + 1025 * 784
    assert count(discriminator) == 785 * 1024 + 1025 * 512 + 513 * 256 + 257
    dropouts = [m.p for m in discriminator.modules() if isinstance(m, nn.Dropout)]
    assert dropouts == [0.3] * 3
    images = generator(torch.randn(5, 100))
    assert images.shape == (5, 1, 28, 28)
    assert images.abs().max() <= 1
    assert discriminator(images).shape == (5,)


def test_toy_perceptrons_are_not_squashed():
    generator = MLPGenerator([2], latent_dim=2, hidden=(16, 32), squash=False)
    assert count(generator) == 3 * 16 + 17 * 32 + 33 * 2
    with torch.no_grad():
        generator.net[-2].bias.fill_(40.0)
    points = generator(torch.randn(7, 2))
    assert points.shape == (7, 2)
    assert points.min() > 1
    discriminator = MLPDiscriminator([2], hidden=(256, 128, 64), dropout=0)
    assert discriminator(points).shape == (7,)
    assert not any(isinstance(m, nn.Dropout) for m in discriminator.modules())


@pytest.mark.parametrize("network", [DCGANGenerator(8, 1, 4, 5), MLPGenerator([1, 8, 8], 5, (16,))])
def test_generators_draw_no_sample_at_all_when_asked_for_none(network):
    assert network.eval()(torch.empty(0, 5)).shape == (0, 1, 8, 8)
