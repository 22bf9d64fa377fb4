"""VGAN's networks: published sizes and weights, the two streams, and the softmax of two."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from ganzoo.common.errors import GanzooError
from ganzoo.losses.objectives import NONSATURATING
from ganzoo.networks.vgan import Streams, VGANDiscriminator, VGANGenerator

SHAPE = (3, 8, 16, 16)


def small(**options):
    torch.manual_seed(0)
    return VGANGenerator(**{"shape": SHAPE, "latent_dim": 6, "widths": (8, 4)} | options)


def test_published_sizes():
    with torch.device("meta"):
        g, d = VGANGenerator(), VGANDiscriminator()
        assert sum(p.numel() for p in g.parameters()) == 16_245_383
        assert sum(p.numel() for p in d.parameters()) == 11_057_858
        x, frames = torch.empty(2, 100, 1, 1, 1), []
        for layer in g.front:
            x = layer(x)
            if isinstance(layer, nn.ConvTranspose3d):
                frames.append(x.shape[2])
        streams = g.streams(torch.empty(2, 100))
        assert [*frames, streams.mask.shape[2]] == [2, 4, 8, 16, 32]
        assert [tuple(part.shape) for part in streams] == [(2, 3, 32, 64, 64), (2, 1, 32, 64, 64), (2, 3, 1, 64, 64)]
        assert g(torch.empty(2, 100)).shape == (2, 3, 32, 64, 64)
        assert d(torch.empty(2, 3, 32, 64, 64)).shape == (2,)
        assert d.features(torch.empty(2, 3, 32, 64, 64)).shape == (2, 512, 2, 4, 4)
        assert d.n_features == 512 * 2 * 4 * 4
    norms = [layer for layer in d.modules() if isinstance(layer, nn.BatchNorm3d)]
    assert [(norm.num_features, norm.eps) for norm in norms] == [(128, 1e-3), (256, 1e-3), (512, 1e-3)]


def test_weights_begin_narrow():
    g, d = small(latent_dim=64, widths=(64, 32)), VGANDiscriminator(SHAPE, (32, 64))
    for layer in [*g.modules(), *d.modules()]:
        if isinstance(layer, nn.Conv3d | nn.ConvTranspose3d | nn.ConvTranspose2d):
            assert layer.weight.std().item() == pytest.approx(0.01, rel=0.1)
            assert not layer.bias.any()
        elif isinstance(layer, nn.BatchNorm3d | nn.BatchNorm2d):
            assert layer.weight.mean().item() == pytest.approx(1, abs=0.02)


def test_clips_are_composed_within_their_ranges():
    generator = small()
    for part in (generator.to_foreground, generator.to_mask, generator.back[-2]):
        nn.init.normal_(part.weight, 0.0, 3.0)
    foreground, mask, background = streams = generator.streams(torch.randn(5, 6))
    assert 0 <= mask.min() < 0.1 < 0.9 < mask.max() <= 1
    for part in (foreground, background, streams.compose()):
        assert -1 <= part.min() < -0.5 < 0.5 < part.max() <= 1
    x = generator(torch.randn(2, 6))
    assert x.shape == (2, *SHAPE)
    one = mask[:, :, 3, 5, 7]
    assert torch.allclose(
        streams.compose()[:, :, 3, 5, 7], one * foreground[:, :, 3, 5, 7] + (1 - one) * background[:, :, 0, 5, 7]
    )


def test_an_empty_mask_stands_still_and_a_full_one_hides_the_background():
    generator = small()
    foreground, _, background = generator.streams(torch.randn(3, 6))
    still = Streams(foreground, torch.zeros(3, 1, 8, 16, 16), background).compose()
    assert all(torch.equal(still[:, :, time], still[:, :, 0]) for time in range(8))
    moving = Streams(foreground, torch.ones(3, 1, 8, 16, 16), background).compose()
    gradients = torch.autograd.grad(moving.square().sum(), [*generator.back.parameters()])
    assert all(not gradient.any() for gradient in gradients)
    assert not torch.equal(moving[:, :, 0], moving[:, :, 1])


def test_the_logit_is_a_softmax_of_two():
    torch.manual_seed(0)
    d = VGANDiscriminator(SHAPE, (4, 8))
    nn.init.normal_(d.net[-1].weight)
    real, fake = torch.randn(2, 6, *SHAPE)
    two = [d.net[-1](d.features(x)).flatten(1) for x in (real, fake)]
    generated, true = torch.zeros(6, dtype=torch.long), torch.ones(6, dtype=torch.long)
    expected = cross_entropy(two[0], true) + cross_entropy(two[1], generated)
    logits = [d.head(d.features(x)) for x in (real, fake)]
    assert NONSATURATING.d(*logits).item() == pytest.approx(expected.item(), rel=1e-5)
    assert NONSATURATING.g(None, logits[1]).item() == pytest.approx(cross_entropy(two[1], true).item(), rel=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shape": (3, 8, 16)}, "a clip has"),
        ({"shape": (3, 6, 16, 16)}, "2 numbers in widths halve it 2 times"),
        ({"widths": ()}, "at least one number"),
        ({"back_widths": (4,)}, "1 given, but there must be 2"),
    ],
)
def test_shapes_and_widths_that_do_not_fit_are_refused(options, words):
    with pytest.raises(GanzooError, match=words):
        small(**options)
