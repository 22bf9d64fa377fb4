"""PatchGAN: receptive fields from the layers and from gradients, layers of the authors' code, the smallest image."""

import pytest
import torch
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.networks.patch import FIELDS, PatchGAN, receptive_field


@pytest.mark.parametrize("field", [1, 16, 34, 70, 142, 286])
def test_the_receptive_field_of_the_layers_is_the_one_asked_for(field):
    assert field in FIELDS
    assert receptive_field(PatchGAN(3, 2, field)) == field


@pytest.mark.parametrize("field", [1, 16, 70, 286])
def test_a_logit_has_a_gradient_in_its_patch_and_nowhere_else(field):
    network = PatchGAN(1, 2, field, norm="none")  # a normalisation looks at the whole map
    for parameter in network.parameters():
        nn.init.constant_(parameter, 0.1)  # so that nothing cancels out
    image = torch.ones(1, 1, 3 * field + 32, 3 * field + 32, requires_grad=True)
    logits = network(image)
    middle = logits.shape[-1] // 2
    logits[0, 0, middle, middle].backward()
    seen = image.grad[0, 0] != 0
    assert seen.any(0).sum() == seen.any(1).sum() == field
    assert seen.sum() == field**2


@pytest.mark.parametrize(
    ("field", "widths", "side"),
    [
        (1, [64, 128], 256),
        (16, [64, 128], 126),
        (70, [64, 128, 256, 512], 30),
        (286, [64, 128, 256, 512, 512, 512], 6),
    ],
)
def test_layers_are_those_of_appendix_6_1_2(field, widths, side):
    network = PatchGAN(6, width=4, field=field)  # of 64
    assert network(torch.randn(2, 6, 256, 256)).shape == (2, 1, side, side)
    *hidden, last = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert [16 * layer.out_channels for layer in hidden] == widths
    assert (hidden[0].in_channels, last.out_channels) == (6, 1)
    kinds = [type(layer) for layer in network.net]
    assert kinds[:2] == [nn.Conv2d, nn.LeakyReLU]  # "BatchNorm is not applied to the first C64 layer"
    assert kinds[2:-1] == [nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU] * (len(widths) - 1)
    assert all((layer.bias is None) == (layer in hidden[1:]) for layer in [*hidden, last])


@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
@pytest.mark.parametrize("field", [field for field in FIELDS if field > 1])
def test_the_smallest_image_has_one_logit(field, norm):
    network = PatchGAN(2, 2, field, norm)
    assert network(torch.randn(2, 2, network.smallest, network.smallest)).shape == (2, 1, 1, 1)
    with pytest.raises((RuntimeError, ValueError)):
        network(torch.randn(2, 2, network.smallest - 1, network.smallest - 1))


@pytest.mark.parametrize(("norm", "mixes"), [("batch", True), ("instance", False), ("none", False)])
def test_only_batch_norm_mixes_samples(norm, mixes):
    network, x = PatchGAN(2, 8, 16, norm), torch.randn(4, 2, 16, 16)
    assert torch.allclose(network(x[:2]), network(x)[:2], rtol=1e-4, atol=1e-6) != mixes


def test_batch_norm_of_one_image_is_instance_norm():
    """Section 3.3: with a batch size of 1 the two are the same, on the image's own statistics."""
    torch.manual_seed(0)
    one = PatchGAN(2, 8, 70, "batch")
    torch.manual_seed(0)
    other = PatchGAN(2, 8, 70, "instance")
    other.load_state_dict(one.state_dict(), strict=False)
    x = torch.randn(1, 2, 32, 32)
    torch.testing.assert_close(one(x), other(x))


def test_another_field_is_refused():
    with pytest.raises(GanzooError, match="field: a patch has a side of 1, 16, 34, 70, 142, 286 pixels, not 64"):
        PatchGAN(field=64)
