"""The U-Net: shapes in every size, the paper's layers, skips that are used, and noise that can be given."""

import pytest
import torch
from torch import nn
from torch.nn.functional import leaky_relu, relu

from ganzoo.common.errors import GanzooError
from ganzoo.networks.unet import DROPPED, UNet


@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
@pytest.mark.parametrize("size", [16, 31, 32, 64, 96, 100, 128, 256])
def test_images_of_every_size_become_images_of_it(size, norm):
    network = UNet(size, 2, 3, width=2, norm=norm)
    assert (network.source_shape, network.shape) == ((2, size, size), (3, size, size))
    images = network(torch.randn(2, 2, size, size))
    assert images.shape == (2, 3, size, size)
    assert images.abs().max() <= 1
    alone = network(torch.randn(1, 2, size, size))  # one image at a time is the paper's batch
    assert alone.isfinite().all()


def test_layers_are_those_of_appendix_6_1_1():
    """Encoder 64-128-256-512-512-512-512-512, decoder CD512-CD1024-CD1024-C1024-C1024-C512-C256-C128 as its inputs."""
    network = UNet(width=8)  # of 64
    downs = [m for m in network.down.modules() if isinstance(m, nn.Conv2d)]
    ups = [m for m in network.up.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert [8 * m.out_channels for m in downs] == [64, 128, 256, 512, 512, 512, 512, 512]
    assert [8 * m.out_channels for m in ups[:-1]] == [512, 512, 512, 512, 256, 128, 64]
    assert [8 * m.in_channels for m in ups] == [512, 1024, 1024, 1024, 1024, 512, 256, 128]
    assert (downs[0].in_channels, ups[-1].out_channels) == (3, 3)
    assert [any(isinstance(m, nn.BatchNorm2d) for m in block) for block in network.down] == [False, *[True] * 6, False]
    assert [any(isinstance(m, nn.BatchNorm2d) for m in block) for block in network.up] == [*[True] * 7, False]
    assert 8 * network.noise_dim == 512 * (2 * 2 + 4 * 4 + 8 * 8)
    assert network.dropout == 0.5


def test_every_skip_hands_the_encoders_map_to_the_decoder():
    network, given, made = UNet(32, 1, 1, width=2).eval(), [], []
    for block in network.up:
        block.register_forward_pre_hook(lambda module, inputs: given.append(inputs[0]))
    for block in network.down:
        block.register_forward_hook(lambda module, inputs, output: made.append(output))
    network(torch.randn(3, 1, 32, 32)).square().sum().backward()
    assert torch.equal(given[0], relu(made[-1]))
    for block, decoded, encoded in zip(network.up[1:], given[1:], made[-2::-1], strict=True):
        half = decoded.shape[1] // 2
        assert torch.equal(decoded[:, half:], relu(encoded))
        assert block[0].weight.grad[half:].abs().max() > 0


def test_a_pixel_reaches_the_image_past_a_silent_bottleneck():
    network = UNet(32, 1, 1, width=4).eval()
    with torch.no_grad():
        network.up[0][0].weight.zero_()
    x = torch.randn(1, 1, 32, 32, requires_grad=True)
    network(x)[0, 0, 16, 16].backward()
    assert x.grad.abs().max() > 0


def test_an_activation_before_the_skip_is_lost_on_a_relu():
    """Why the encoder's maps are kept activated, where the authors' code keeps them raw."""
    x = torch.randn(1000)
    assert torch.equal(relu(leaky_relu(x, 0.2)), relu(x))


def test_noise_decides_what_drops_in_evaluation_too():
    network = UNet(32, 1, 1, width=4, norm="instance").eval()  # else, untrained, its depths are near 0
    x = torch.randn(2, 1, 32, 32)
    noise = torch.rand(2, network.noise_dim) * 2 - 1
    plain, noisy = network(x), network(x, noise)
    assert torch.equal(network(x), plain)
    assert torch.equal(network(x, noise), noisy)
    for other in (plain, network(x, -noise)):
        assert (noisy - other).abs().mean() > 1e-3 * plain.std()
    network.dropout = 0.0
    torch.testing.assert_close(network(x, noise), plain)


@pytest.mark.parametrize("dropout", [0.2, 0.5])
def test_drops_the_share_and_keeps_the_mean_as_torchs_dropout(dropout):
    network, x = UNet(32, width=2, dropout=dropout), torch.ones(50, 4, 5, 5)
    given = network.drop(x, torch.rand(50, 100) * 2 - 1)
    for dropped in (given, network.drop(x, None)):
        assert (dropped == 0).float().mean().item() == pytest.approx(dropout, abs=0.02)
        torch.testing.assert_close(dropped.max(), torch.tensor(1 / (1 - dropout)))
    assert torch.equal(network.eval().drop(x, None), x)


def test_noise_of_one_image_changes_no_other():
    network = UNet(32, 1, 1, width=4).eval()
    x, noise = torch.randn(2, 1, 32, 32), torch.rand(2, network.noise_dim) * 2 - 1
    other = torch.stack([noise[0], -noise[1]])
    before, after = network(x, noise), network(x, other)
    assert torch.equal(before[0], after[0])
    assert not torch.equal(before[1], after[1])


def test_weights_start_small_and_normal():
    network = UNet(64, width=16)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.1)
            assert module.bias is None or not module.bias.any()
    assert len(network.noises) == DROPPED


def test_another_size_is_refused():
    with pytest.raises(GanzooError, match="size: 15 given, but a U-Net takes images of 16 pixels or more"):
        UNet(15)
