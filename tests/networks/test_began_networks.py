"""The networks of BEGAN's figure 1."""

import pytest
import torch
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.networks.autoencoder import Autoencoder
from ganzoo.networks.began import BEGANDecoder, BEGANEncoder


def convolutions(network):
    return [m for m in network.modules() if isinstance(m, nn.Conv2d)]


@pytest.mark.parametrize("size", [16, 28, 30, 32, 63, 64, 96, 100, 128, 256])
def test_the_halves_fit_every_size(size):
    discriminator = Autoencoder(BEGANEncoder(size, 3, 4, 6), BEGANDecoder(size, 3, 4, 6))
    assert discriminator(torch.zeros(2, 3, size, size)).shape == (2, 3, size, size)


@pytest.mark.parametrize("network", [BEGANEncoder, BEGANDecoder])
def test_a_size_that_it_is_not_made_for_is_refused(network):
    with pytest.raises(GanzooError, match=r"size: .*16 pixels or more"):
        network(15)


def test_filters_grow_linearly_in_the_encoder_and_stay_in_the_decoder():
    """Figure 1 at 64 pixels, n = 8: n, n, 2n, 2n, 3n, 3n, 4n, 4n, 4n and eight times n."""
    assert [m.out_channels // 8 for m in convolutions(BEGANEncoder(64, 3, 8, 6))] == [1, 1, 2, 2, 3, 3, 4, 4, 4]
    assert [m.out_channels for m in convolutions(BEGANDecoder(64, 3, 8, 6))] == [8] * 8 + [3]


def test_parameter_counts_of_the_mnist_recipe():
    """3x3 convolutions of n = 32 filters, a linear layer each between 8x8 maps and codes of 32."""
    conv = lambda before, after: 9 * before * after + after  # noqa: E731
    decoder = (32 + 1) * 64 * 32 + 6 * conv(32, 32) + conv(32, 1)
    encoder = conv(1, 32) + conv(32, 32) + conv(32, 64) + conv(64, 64) + conv(64, 96) + 2 * conv(96, 96)
    encoder += 64 * 96 * 32 + 32
    assert sum(p.numel() for p in BEGANDecoder(32, 1, 32, 32).parameters()) == decoder
    assert sum(p.numel() for p in BEGANEncoder(32, 1, 32, 32).parameters()) == encoder


def test_codes_and_images_are_linear_in_the_last_layers():
    """Neither half ends in a function that saturates."""
    for network in (BEGANEncoder(16, 1, 4, 6), BEGANDecoder(16, 1, 4, 6)):
        assert isinstance(list(network.modules())[-1], nn.Linear | nn.Conv2d)
    decoder = BEGANDecoder(16, 1, 4, 6)
    nn.init.constant_(convolutions(decoder)[-1].bias, 7.0)
    assert decoder(torch.zeros(1, 6)).mean() > 5
