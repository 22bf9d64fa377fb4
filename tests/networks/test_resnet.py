"""SNGAN's residual pair against the published parameter counts, its blocks against their definitions in plain steps."""

import pytest
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, relu
from torch.nn.utils.parametrize import is_parametrized

from ganzoo.common.errors import GanzooError
from ganzoo.networks.conditional import ConditionalBatchNorm2d, Projection
from ganzoo.networks.resample import DownConv2d, UpConv2d
from ganzoo.networks.resnet import (
    DiscriminatorBlock,
    GeneratorBlock,
    ResNetDiscriminator,
    ResNetGenerator,
)
from ganzoo.networks.sides import crop_or_pad


def count(module):
    return sum(p.numel() for p in module.parameters())


def weighted(network):
    return [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear | nn.Embedding)]


# resampling convolutions


def up(layer, x):
    return conv2d(interpolate(x, scale_factor=2, mode="nearest"), layer.weight, layer.bias, padding=1)


def down(layer, x):
    return avg_pool2d(conv2d(x, layer.weight, layer.bias, padding=1), 2)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("kind", "plain", "sides"), [(UpConv2d, up, (12, 20)), (DownConv2d, down, (3, 5))])
def test_one_convolution_equals_the_two_steps_and_so_do_its_gradients(kind, plain, sides, bias):
    torch.manual_seed(0)
    layer = kind(3, 4, bias=bias).double()
    x = torch.randn(2, 3, 6, 10, dtype=torch.double, requires_grad=True)
    wanted, found = plain(layer, x), layer(x)
    assert found.shape == (2, 4, *sides)
    torch.testing.assert_close(found, wanted)
    inputs, push = (x, *layer.parameters()), torch.randn_like(wanted)
    for a, b in zip(torch.autograd.grad(found, inputs, push), torch.autograd.grad(wanted, inputs, push), strict=True):
        torch.testing.assert_close(a, b)
    assert [tuple(p.shape) for p in layer.parameters()] == [(4, 3, 3, 3), (4,)][: 1 + bias]
    assert layer.state_dict().keys() == nn.Conv2d(3, 4, 3, bias=bias).state_dict().keys()


@pytest.mark.parametrize("side", [8, 32])
@pytest.mark.parametrize(("kind", "plain"), [(UpConv2d, up), (DownConv2d, down)])
def test_in_half_precision_it_stays_as_near_to_the_two_steps_as_rounding_allows(kind, plain, side):
    torch.manual_seed(0)
    layer, x = kind(8, 8), torch.randn(2, 8, side, side)
    with torch.autocast("cpu", torch.bfloat16):
        found = layer(x)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), plain(layer, x), rtol=0.02, atol=0.03)


@pytest.mark.parametrize("kind", [UpConv2d, DownConv2d])
def test_a_gradient_penalty_reaches_the_weights_through_it(kind):
    layer, x = kind(2, 2).double(), torch.randn(1, 2, 4, 4, dtype=torch.double, requires_grad=True)
    (slope,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
    slope.square().sum().backward()
    assert layer.weight.grad.abs().min() > 0


# blocks


def test_a_generator_block_in_plain_steps():
    torch.manual_seed(0)
    block, x = GeneratorBlock(4, 6), torch.randn(5, 4, 8, 8)
    h = up(block.conv1, relu(block.norm1(x)))
    h = block.conv2(relu(block.norm2(h)))
    torch.testing.assert_close(block(x), h + block.shortcut(interpolate(x, scale_factor=2)))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("before", "halve"), [(4, False), (6, False), (6, True)])
def test_a_discriminator_block_in_plain_steps(before, halve, first):
    torch.manual_seed(0)
    block, x = DiscriminatorBlock(before, 6, halve, first), torch.randn(5, before, 8, 8)
    given = x.clone()
    h = conv2d(relu(block.conv1(x if first else relu(x))), block.conv2.weight, block.conv2.bias, padding=1)
    wanted = h + block.shortcut(x)
    torch.testing.assert_close(block(x), avg_pool2d(wanted, 2) if halve else wanted)
    assert x.equal(given)  # no ReLU may cut what the shortcut passes on
    assert isinstance(block.shortcut, nn.Identity) == (before == 6 and not halve)


# the pair


@pytest.mark.parametrize(("n_classes", "g", "d"), [(0, 4_276_739, 1_053_825), (10, 4_304_387, 1_055_105)])
def test_parameter_counts_are_the_published_ones(n_classes, g, d):
    """Those of mimicry's SNGAN and of its cGAN with projection discriminator at 32 pixels."""
    assert count(ResNetGenerator(n_classes=n_classes)) == g
    for spectral in (True, False):
        discriminator = ResNetDiscriminator(spectral=spectral)
        assert count(Projection(discriminator, n_classes, spectral) if n_classes else discriminator) == d


@pytest.mark.parametrize("n_classes", [0, 3])
@pytest.mark.parametrize(
    ("size", "least"), [(16, 8), (28, 14), (32, 8), (50, 14), (64, 8), (96, 12), (99, 14), (128, 8)]
)
def test_the_pair_fits_every_size(size, least, n_classes):
    torch.manual_seed(0)
    generator = ResNetGenerator(size, 1, width=4, latent_dim=6, n_classes=n_classes)
    discriminator = ResNetDiscriminator(size, 1, width=4)
    y = (torch.tensor([0, 2]),) if n_classes else ()
    images = generator(torch.randn(2, 6), *y)
    assert images.shape == (2, 1, size, size) == (2, *generator.shape) == (2, *discriminator.shape)
    assert images.abs().max() <= 1
    assert discriminator.blocks(crop_or_pad(images, discriminator.whole)).shape == (2, 4, least, least)
    assert discriminator(images).shape == (2,)
    if n_classes:
        assert Projection(discriminator, n_classes)(images, *y).shape == (2,)
    assert generator.n_classes == n_classes


@pytest.mark.parametrize("network", [ResNetGenerator, ResNetDiscriminator])
def test_a_size_that_it_is_not_made_for_is_refused(network):
    with pytest.raises(GanzooError, match=r"size: 5 given, .* 8 pixels or more"):
        network(5)


def test_features_are_summed_over_all_places():
    torch.manual_seed(0)
    discriminator, x = ResNetDiscriminator(16, 1, width=4).eval(), torch.randn(3, 1, 16, 16)
    features = discriminator.features(x)
    assert features.shape == (3, 4) == (3, discriminator.n_features)
    torch.testing.assert_close(features, relu(discriminator.blocks(x)).sum((2, 3)))
    torch.testing.assert_close(discriminator(x), discriminator.linear(features)[:, 0])
    torch.testing.assert_close(discriminator(x), discriminator.head(features))


def test_a_class_adds_the_projection_of_the_features():
    torch.manual_seed(0)
    discriminator, x = Projection(ResNetDiscriminator(16, 1, width=4), 3).eval(), torch.randn(2, 1, 16, 16)
    features, embeddings = discriminator.features(x), discriminator.embed.weight
    for label in range(3):
        wanted = discriminator.head(features) + features @ embeddings[label]
        torch.testing.assert_close(discriminator(x, torch.full((2,), label)), wanted)


def test_classes_reach_the_generator_through_the_blocks_batch_norms_alone():
    generator = ResNetGenerator(16, 1, width=4, latent_dim=5, n_classes=3)
    assert sum(isinstance(m, ConditionalBatchNorm2d) for m in generator.modules()) == 2 * 2
    assert isinstance(generator.norm, nn.BatchNorm2d)
    z, y = torch.randn(1, 5).expand(3, 5), torch.arange(3)
    for block in generator.blocks:
        nn.init.normal_(block.norm1.embed.weight)
    images = generator.eval()(z, y)
    assert len({tuple(image.flatten().tolist()) for image in images}) == 3


@pytest.mark.parametrize(("kind", "options"), [(ResNetGenerator, {}), (ResNetDiscriminator, {"spectral": False})])
def test_initialisation_is_the_authors(kind, options):
    """Xavier: sqrt(2) times larger for the convolutions in a block than for shortcuts, first and last layers."""
    for name, layer in kind(16, 3, 32, **options).named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
            places = layer.weight[0, 0].numel()
            fans = sum(layer.weight.shape[:2]) * places
            bound = (2**0.5 if "conv" in name else 1) * (6 / fans) ** 0.5
            assert 0.93 * bound < layer.weight.abs().max() <= bound, name
            assert not getattr(layer, "bias", torch.zeros(1)).any()


def test_every_weight_of_the_discriminator_is_divided_by_its_largest_singular_value():
    torch.manual_seed(0)
    plain = Projection(ResNetDiscriminator(16, 1, 8, spectral=False), 3, spectral=False)
    initialised = [layer.weight for layer in weighted(plain)]
    torch.manual_seed(0)
    discriminator = Projection(ResNetDiscriminator(16, 1, 8), 3)
    layers = weighted(discriminator)
    assert len(layers) == 2 * 3 + 1 + 1 + 1  # three blocks, one with a shortcut to learn; the logit; the classes
    for layer, weight in zip(layers[:-1], initialised[:-1], strict=True):  # the classes' are drawn after other vectors
        assert layer.parametrizations.weight.original.equal(weight)
    for _ in range(30):
        discriminator(torch.randn(1, 1, 16, 16), torch.zeros(1, dtype=torch.long))  # each pass is a power iteration
    for layer in layers:
        assert torch.linalg.svdvals(layer.weight.flatten(1))[0].item() == pytest.approx(1, abs=0.02)


def test_without_spectral_norm_nothing_is_parametrised():
    assert not any(map(is_parametrized, ResNetDiscriminator(16, 1, 4, spectral=False).modules()))
    assert not any(map(is_parametrized, ResNetGenerator(16, 1, 4).modules()))
