"""The pair of constant width, and what it was made for: no checkerboard."""

import pytest
import torch
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.networks.resample import UpConv2d
from ganzoo.networks.upsample import UpsampleDiscriminator, UpsampleGenerator


def convolutions(network):
    return [m for m in network.modules() if isinstance(m, nn.Conv2d)]


@pytest.mark.parametrize("size", [8, 11, 16, 28, 30, 32, 63, 64, 96, 100, 128, 256])
def test_the_pair_fits_every_size_at_one_width(size):
    generator = UpsampleGenerator(size, 3, width=4, latent_dim=6)
    images = generator(torch.randn(2, 6))
    assert images.shape == (2, 3, size, size) == (2, *generator.shape)
    assert images.abs().max() <= 1
    *hidden, last = convolutions(generator)
    assert {(m.in_channels, m.out_channels) for m in hidden} == {(4, 4)}
    assert (last.in_channels, last.out_channels) == (4, 3)
    for norm in ("batch", "layer", "none"):
        discriminator = UpsampleDiscriminator(size, 3, width=4, norm=norm)
        assert discriminator.shape == generator.shape
        features = discriminator.eval().features(images)
        assert features.flatten(1).shape == (2, discriminator.n_features)
        torch.testing.assert_close(discriminator(images), discriminator.head(features))
        assert discriminator(images).shape == (2,)
        assert {m.out_channels for m in convolutions(discriminator)[:-1]} == {4}


@pytest.mark.parametrize("network", [UpsampleGenerator, UpsampleDiscriminator])
def test_a_size_that_it_is_not_made_for_is_refused(network):
    with pytest.raises(GanzooError, match=r"size: 7 given, .* 8 pixels or more"):
        network(7)


def test_parameter_counts_of_the_default_pair():
    """G: 100 to 128x4x4, 3x3 convolutions and BatchNorms of 128. D: 4x4 convolutions to 128x4x4, then one logit."""
    generator, discriminator = UpsampleGenerator(), UpsampleDiscriminator()
    g = 100 * 2048 + 3 * 9 * 128**2 + 4 * 2 * 128 + (9 * 128 + 1)
    d = (16 + 1) * 128 + 2 * (16 * 128**2 + 2 * 128) + (2048 + 1)
    assert sum(p.numel() for p in generator.parameters()) == g
    assert sum(p.numel() for p in discriminator.parameters()) == d


def test_constant_maps_stay_constant_where_transposed_convolutions_make_a_checkerboard():
    torch.manual_seed(0)
    layer = UpConv2d(4, 4)
    y = layer(torch.ones(1, 4, 8, 8)).detach()[..., 2:-2, 2:-2]
    assert y.std((2, 3)).max() < 1e-6
    other = nn.ConvTranspose2d(4, 4, 4, 2, 1)
    assert other(torch.ones(1, 4, 8, 8)).detach()[..., 2:-2, 2:-2].std((2, 3)).max() > 0.01


def test_the_discriminators_kernels_cover_every_pixel_equally_often():
    for layer in convolutions(UpsampleDiscriminator(32, 1, 4))[:-1]:
        assert layer.kernel_size[0] % layer.stride[0] == 0


def test_batch_norm_and_biases_are_where_dcgan_has_them():
    for norm in ("batch", "none"):
        first, *inner, last = convolutions(UpsampleDiscriminator(32, 1, 4, norm=norm))
        assert first.bias is not None
        assert last.bias is not None
        assert all((layer.bias is None) == (norm == "batch") for layer in inner)


def test_spectral_norm_bounds_every_weight():
    torch.manual_seed(0)
    discriminator = UpsampleDiscriminator(16, 1, 8, norm="none", spectral=True)
    for _ in range(30):
        discriminator(torch.randn(2, 1, 16, 16))
    for layer in convolutions(discriminator):
        assert torch.linalg.svdvals(layer.weight.flatten(1))[0].item() == pytest.approx(1, abs=0.02)
        assert layer.parametrizations.weight.original.std().item() == pytest.approx(0.02, rel=0.3)


def test_it_draws_no_sample_at_all_when_asked_for_none():
    assert UpsampleGenerator(16, 1, 4, 5).eval()(torch.empty(0, 5)).shape == (0, 1, 16, 16)
