"""The residual image translator: layers as in the paper, any size that divides by 4."""

import pytest
import torch
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.networks.resnet_translator import ResidualBlock, ResNetTranslator


def convolutions(network):
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    return [
        (layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0])
        for layer in network.modules()
        if isinstance(layer, kinds)
    ]


@pytest.mark.parametrize("blocks", [6, 9])
def test_the_layers_are_those_of_the_paper(blocks):
    network = ResNetTranslator(blocks=blocks)
    assert convolutions(network) == [
        (3, 64, 7, 1),
        (64, 128, 3, 2),
        (128, 256, 3, 2),
        *[(256, 256, 3, 1)] * (2 * blocks),
        (256, 128, 3, 2),
        (128, 64, 3, 2),
        (64, 3, 7, 1),
    ]
    # the authors' nine blocks: 11.378 million with the biases that normalisation subtracts again
    if blocks == 9:
        biases = 64 + 128 + 256 + 18 * 256 + 128 + 64
        assert sum(p.numel() for p in network.parameters()) + biases == 11_378_179


@pytest.mark.parametrize(("height", "width"), [(8, 8), (12, 20), (32, 32)])
def test_any_size_that_divides_by_4_is_kept(height, width):
    network = ResNetTranslator(1, 2, width=4, blocks=1)
    y = network(torch.rand(2, 1, height, width) * 2 - 1)
    assert y.shape == (2, 2, height, width)
    assert y.abs().max() <= 1
    assert (network.source_shape, network.shape, network.multiple) == ((1, None, None), (2, None, None), 4)


def test_images_of_a_batch_do_not_see_each_other():
    torch.manual_seed(0)
    network = ResNetTranslator(1, 1, width=4, blocks=2)
    x = torch.rand(3, 1, 16, 16)
    torch.testing.assert_close(network(x)[1:2], network(x[1:2]))
    torch.testing.assert_close(network.eval()(x), network.train()(x))


def test_borders_are_reflected_not_black():
    """A constant image stays constant: zeros beyond the border would show."""
    torch.manual_seed(0)
    block = ResidualBlock(3)
    convolved = block.net[0](torch.ones(1, 3, 6, 6))
    torch.testing.assert_close(convolved, convolved[:, :, :1, :1].expand_as(convolved))


def test_a_block_without_weights_passes_its_input():
    block = ResidualBlock(3)
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    x = torch.rand(2, 3, 5, 5)
    torch.testing.assert_close(block(x), x)


@pytest.mark.parametrize("bad", [{"channels": 0}, {"width": 0}, {"blocks": -1}])
def test_impossible_numbers_are_refused(bad):
    with pytest.raises(GanzooError, match=next(iter(bad))):
        ResNetTranslator(**bad)
