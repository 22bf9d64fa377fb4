"""Encoders, decoders and autoencoders: shapes, the scale that the initialisation keeps, and that they learn."""

import pytest
import torch
from tiny import digits
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.networks.autoencoder import Autoencoder, ConvDecoder, ConvEncoder, MLPEncoder
from ganzoo.networks.dcgan import DCGANGenerator
from ganzoo.networks.mlp import MLPGenerator


def pair(size=16, channels=1, width=4, code_dim=5, norm="layer"):
    return Autoencoder(
        ConvEncoder(size, channels, width, code_dim, norm), ConvDecoder(size, channels, width, code_dim, norm)
    )


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
@pytest.mark.parametrize("size", [8, 11, 16, 28, 30, 32, 63, 64, 96, 100, 128, 256])
def test_images_go_to_codes_and_back_in_every_size(size, norm):
    autoencoder = pair(size, 3, 2, norm=norm)
    x = torch.rand(2, 3, size, size) * 2 - 1
    codes = autoencoder.encode(x)
    assert codes.shape == (2, 5) == (2, autoencoder.n_features)
    redrawn = autoencoder.decode(codes)
    assert redrawn.shape == x.shape == (2, *autoencoder.shape)
    assert redrawn.abs().max() <= 1
    assert torch.equal(autoencoder.eval()(x), autoencoder.decode(autoencoder.encode(x)))
    assert torch.equal(autoencoder.features(x), autoencoder.encode(x))


def test_a_decoder_that_does_not_squash_says_what_the_tanh_would_be_taken_of():
    torch.manual_seed(0)
    squashed = ConvDecoder(8, 1, 4, 5)
    torch.manual_seed(0)
    unbounded, z = ConvDecoder(8, 1, 4, 5, squash=False), torch.randn(3, 5)
    assert (squashed.squash, unbounded.squash) == (True, False)
    torch.testing.assert_close(unbounded(z).tanh(), squashed(z))


def test_points_go_to_codes_and_back():
    autoencoder = Autoencoder(MLPEncoder([2], 3, (8, 4)), MLPGenerator([2], 3, (4, 8), squash=False))
    x = torch.randn(7, 2)
    assert autoencoder.encode(x).shape == (7, 3)
    assert autoencoder(x).shape == x.shape


def test_any_generator_is_a_decoder():
    assert Autoencoder(ConvEncoder(16, 1, 4, 6), DCGANGenerator(16, 1, 4, 6))(torch.zeros(2, 1, 16, 16)).shape[1:] == (
        1,
        16,
        16,
    )


@pytest.mark.parametrize(
    ("decoder", "complaint"),
    [
        (ConvDecoder(16, 1, 4, 7), "codes of length 7, the encoder's are 5 long"),
        (ConvDecoder(32, 1, 4, 5), r"samples of shape \(1, 32, 32\), the encoder takes \(1, 16, 16\)"),
    ],
)
def test_a_decoder_that_does_not_fit_is_refused(decoder, complaint):
    with pytest.raises(GanzooError, match=f"decoder: .*{complaint}"):
        Autoencoder(ConvEncoder(16, 1, 4, 5), decoder)


@pytest.mark.parametrize("network", [ConvEncoder, ConvDecoder])
def test_a_size_that_does_not_fit_is_refused(network):
    with pytest.raises(GanzooError, match=r"size: 7 given, .* 8 pixels or more"):
        network(7)


@pytest.mark.parametrize(("norm", "mixes"), [("batch", True), ("layer", False), ("none", False)])
def test_only_batch_norm_mixes_samples(norm, mixes):
    autoencoder, x = pair(width=8, norm=norm), torch.randn(4, 1, 16, 16)
    assert torch.allclose(autoencoder(x[:2]), autoencoder(x)[:2], atol=1e-5) != mixes


def test_the_initialisation_keeps_a_signals_scale_without_any_normalisation():
    torch.manual_seed(0)
    autoencoder, scales = pair(64, 3, 16, 32, "none"), []
    for module in autoencoder.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            module.register_forward_hook(lambda module, x, y: scales.append(y.std().item()))
            assert module.bias is not None
            assert not module.bias.any()
    autoencoder(torch.randn(8, 3, 64, 64))
    assert len(scales) == 2 * 5
    assert min(scales) > 0.4
    assert max(scales) < 2.5


def test_it_learns_to_redraw():
    torch.manual_seed(0)
    data = digits()
    data.setup("fit")
    x = torch.cat([batch for batch, _ in data.train_dataloader()])[:200]
    autoencoder = pair(8, 1, 16, 16)
    optimizer, errors = torch.optim.Adam(autoencoder.parameters(), 3e-3), []
    for _ in range(60):
        errors.append((autoencoder(x) - x).abs().mean())
        optimizer.zero_grad()
        errors[-1].backward()
        optimizer.step()
    blank = (x.median() - x).abs().mean()  # what L1 alone could fall to without looking
    assert errors[-1] < 0.5 * blank
