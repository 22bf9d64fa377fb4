"""ConvGAN's networks: those of the book at 32 pixels, and others for larger images."""

import pytest
import torch
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.networks.conv_gan import ConvGANDiscriminator, ConvGANGenerator


def layers(network):
    """Parameters of each layer that has some."""
    return [sum(p.numel() for p in m.parameters()) for m in network.net if [*m.parameters()]]


def test_layer_by_layer_as_large_as_the_books_at_32_pixels():
    with torch.device("meta"):
        generator, discriminator = ConvGANGenerator(32), ConvGANDiscriminator(32, width=128)
    assert layers(generator) == [1_081_344, 819_456, 1_048_832, 1_638_656, 1_638_656, 37_635]
    assert layers(discriminator) == [3_584, 262_272, 262_272, 262_272, 513]


def test_faces_of_128_pixels_take_three_doublings():
    with torch.device("meta"):
        generator, discriminator = ConvGANGenerator(), ConvGANDiscriminator()
        assert generator(torch.empty(2, 32)).shape == (2, 3, 128, 128)
        assert discriminator.features(torch.empty(2, 3, 128, 128)).shape == (2, discriminator.n_features)
    assert discriminator.n_features == 256 * 14 * 14
    assert len([m for m in generator.net if isinstance(m, nn.ConvTranspose2d)]) == 3
    assert {m.out_channels for m in discriminator.net if isinstance(m, nn.Conv2d)} == {256}
    assert [m.p for m in discriminator.net if isinstance(m, nn.Dropout)] == [0.4]


@pytest.mark.parametrize("size", [24, 28, 32, 33, 64, 100])
def test_the_pair_fits_images_of_any_side(size):
    generator, discriminator = ConvGANGenerator(size, 1, 4, 5), ConvGANDiscriminator(size, 1, 4)
    images = generator(torch.randn(2, 5))
    assert images.shape == (2, *generator.shape) == (2, 1, size, size)
    assert images.abs().max() <= 1
    assert discriminator(images).shape == (2,)
    with pytest.raises(GanzooError, match="takes images of 24 pixels or more"):
        ConvGANGenerator(23)


def test_weights_begin_as_kerass_do():
    for module in ConvGANGenerator(32, 3, 32).net:
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            most = (6 / sum(module.weight.shape[:2]) / module.weight[0][0].numel()) ** 0.5
            assert 0.95 * most < module.weight.abs().max() <= most
            assert not module.bias.any()
