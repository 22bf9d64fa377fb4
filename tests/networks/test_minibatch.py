"""What the minibatch layers append, worked out by hand, and the discriminators that use them."""

import math

import pytest
import torch

from ganzoo.networks.dcgan import DCGANDiscriminator
from ganzoo.networks.minibatch import MinibatchDiscrimination, MinibatchStdDev, minibatch_layers
from ganzoo.networks.mlp import MLPDiscriminator

DISCRIMINATORS = {
    "mlp": lambda **options: MLPDiscriminator([1, 8, 8], hidden=(16, 8), dropout=0.0, **options),
    "dcgan": lambda **options: DCGANDiscriminator(8, 1, 4, **options),
    "spectral dcgan": lambda **options: DCGANDiscriminator(16, 1, 4, norm="none", spectral=True, **options),
}


def test_minibatch_discrimination_by_hand():
    """Two measures of two numbers each, T the identity: L1 distances between halves of the features."""
    layer = MinibatchDiscrimination(4, out_features=2, kernel_dim=2)
    layer.kernels.weight.data = torch.eye(4)
    x = torch.tensor([[0.0, 0.0, 1.0, 1.0], [1.0, -0.5, 1.0, 1.0], [0.0, 2.0, 0.0, 1.0]])
    closeness = [
        [1 + math.exp(-1.5) + math.exp(-2), 1 + 1 + math.exp(-1)],
        [math.exp(-1.5) + 1 + math.exp(-3.5), 1 + 1 + math.exp(-1)],
        [math.exp(-2) + math.exp(-3.5) + 1, math.exp(-1) + math.exp(-1) + 1],
    ]
    torch.testing.assert_close(layer(x), torch.cat([x, torch.tensor(closeness)], 1))


def test_minibatch_discrimination_counts_equal_samples_and_ignores_distant_ones():
    layer = MinibatchDiscrimination(3, out_features=4)
    same = layer(torch.ones(5, 3))
    torch.testing.assert_close(same[:, 3:], torch.full((5, 4), 5.0))
    far = layer(1e4 * torch.randn(5, 3))
    torch.testing.assert_close(far[:, 3:], torch.ones(5, 4))


def test_minibatch_stddev_by_hand():
    """Deviations over the batch are 1 and 3, their mean is 2."""
    x = torch.tensor([[0.0, -3.0], [2.0, 3.0]])
    torch.testing.assert_close(MinibatchStdDev()(x), torch.tensor([[0.0, -3.0, 2.0], [2.0, 3.0, 2.0]]))


def test_minibatch_stddev_of_maps_is_one_constant_map():
    x = torch.randn(6, 3, 4, 5)
    found = MinibatchStdDev()(x)
    assert found.shape == (6, 4, 4, 5)
    assert found[:, :3].equal(x)
    torch.testing.assert_close(found[:, 3], x.std(0, correction=0).mean().expand(6, 4, 5))


def test_minibatch_stddev_in_groups():
    x = torch.randn(7, 3)
    found, one = MinibatchStdDev(groups=2)(x), MinibatchStdDev()
    torch.testing.assert_close(found, torch.cat([one(x[:4]), one(x[4:])]))
    torch.testing.assert_close(MinibatchStdDev(groups=4)(x[:1]), one(x[:1]))  # fewer samples than groups


def test_equal_samples_have_no_deviation_and_a_finite_gradient():
    x = torch.ones(4, 3, requires_grad=True)
    found = MinibatchStdDev()(x)
    torch.testing.assert_close(found[:, 3], torch.zeros(4), atol=2e-4, rtol=0)
    assert torch.autograd.grad(found.sum(), x)[0].isfinite().all()


@pytest.mark.parametrize("layer", [MinibatchDiscrimination(12), MinibatchStdDev()])
def test_the_order_of_a_batch_does_not_matter(layer):
    torch.manual_seed(0)
    x, order = torch.randn(9, 3, 2, 2), torch.randperm(9)
    torch.testing.assert_close(layer(x)[order], layer(x[order]))


@pytest.mark.parametrize("layer", [MinibatchDiscrimination(3), MinibatchStdDev()])
def test_a_gradient_penalty_passes_through(layer):
    x = torch.randn(4, 3, requires_grad=True)
    (slope,) = torch.autograd.grad(layer(x)[:, 3:].sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(slope.square().sum(), x)
    assert second.isfinite().all()
    assert second.any()


@pytest.mark.parametrize("layer", [MinibatchDiscrimination(12), MinibatchStdDev()])
def test_half_precision_in_half_precision_out_but_computed_in_full(layer):
    torch.manual_seed(0)
    x = torch.randn(9, 12)
    with torch.autocast("cpu", torch.bfloat16):
        found = layer(x.bfloat16())
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), layer(x), rtol=0.05, atol=0.05)


def test_none_is_no_layer():
    assert minibatch_layers("none", 4, 2, 2) == []


@pytest.mark.parametrize("kind", ["stddev", "discrimination"])
@pytest.mark.parametrize("network", DISCRIMINATORS)
def test_discriminators_take_a_minibatch_layer_before_their_last(network, kind):
    torch.manual_seed(0)
    make = DISCRIMINATORS[network]
    plain, told = make(), make(minibatch=kind)
    x = torch.randn(5, *told.shape)
    for discriminator in (plain, told):
        features = discriminator.eval().features(x)
        assert features.flatten(1).shape[1] == discriminator.n_features
        torch.testing.assert_close(discriminator.head(features), discriminator(x))
    assert told.n_features > plain.n_features
    # alone a sample is judged otherwise than in company
    torch.testing.assert_close(plain(x)[:2], plain(x[:2]))
    assert not torch.allclose(told.features(x)[:2], told.features(x[:2]))


@pytest.mark.parametrize("network", DISCRIMINATORS)
def test_without_one_the_weights_keep_their_names(network):
    plain, none = DISCRIMINATORS[network](), DISCRIMINATORS[network](minibatch="none")
    assert plain.state_dict().keys() == none.state_dict().keys()
    assert list(plain.state_dict())[-1].startswith(f"net.{len(plain.net) - 1}.")


def test_spectral_norm_reaches_the_measures():
    torch.manual_seed(0)
    discriminator = DISCRIMINATORS["spectral dcgan"](minibatch="discrimination")
    for _ in range(40):
        discriminator(torch.randn(2, 1, 16, 16))
    weights = [m.kernels.weight for m in discriminator.modules() if isinstance(m, MinibatchDiscrimination)]
    assert [torch.linalg.svdvals(w)[0].item() for w in weights] == pytest.approx([1], abs=0.02)


def test_a_collapsed_batch_stands_out():
    """The property that both were made for: a batch of one picture, repeated, differs from one of many."""
    torch.manual_seed(0)
    varied = torch.randn(16, 6)
    collapsed = varied[:1].expand(16, 6)
    for layer, sign in ((MinibatchStdDev(), -1), (MinibatchDiscrimination(6), 1)):
        gap = layer(collapsed)[:, 6:].mean() - layer(varied)[:, 6:].mean()
        assert sign * gap > 0.5
