"""What a content loss compares: closed forms for each network, where gradients flow, one line for what is missing."""

import sys

import pytest
import torch
from enlargers import Ramps, srgan
from projecting import needs_extra
from torch import nn
from torch.nn.functional import interpolate, mse_loss

from ganzoo.common.errors import GanzooError
from ganzoo.losses import perceptual
from ganzoo.networks import efficientnet
from ganzoo.networks.classifiers import load_classifier, shipped
from ganzoo.networks.efficientnet import EfficientNetPyramid, load_efficientnet, weights_file

IMAGENET = [pytest.param("imagenet", channels, marks=needs_extra) for channels in (3, 1)]


@pytest.mark.parametrize(("name", "channels"), [("cifar10", 3), ("cifar10", 1), ("mnist", 3), ("pixels", 1), *IMAGENET])
def test_content_is_zero_for_equal_images_and_its_gradient_flows_to_what_is_made(name, channels):
    loss = perceptual.content_loss(name)
    torch.manual_seed(0)
    truth, made = torch.rand(2, 2, channels, 32, 32) * 2 - 1
    assert loss(truth, truth) == 0
    truth.requires_grad_()
    made.requires_grad_()
    value = loss(made, truth)
    value.backward()
    assert value > 0
    assert made.grad.abs().sum() > 0
    assert truth.grad is None
    assert not any(p.requires_grad for p in loss.parameters())


def test_content_of_pixels_is_the_squared_error_and_of_a_classifier_the_relative_one_of_each_scale():
    made, truth = torch.rand(2, 2, 3, 40, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    torch.testing.assert_close(perceptual.content_loss("pixels")(made, truth), mse_loss(made, truth))
    network = load_classifier(shipped("cifar10"))
    with torch.no_grad():
        ours, theirs = network.maps(made), network.maps(truth)
        assert [tuple(maps.shape) for maps in ours] == [(2, 32, 40, 32), (2, 64, 20, 16), (2, 128, 10, 8)]
        torch.testing.assert_close(theirs[-1].mean((2, 3)), network(truth)[0])
        errors = [(a - b).square().sum() / b.square().sum() for a, b in zip(ours, theirs, strict=True)]
    torch.testing.assert_close(perceptual.content_loss("cifar10")(made, truth), sum(errors) / 3 / 40)
    torch.testing.assert_close(perceptual.content_loss(str(shipped("cifar10")))(made, truth), sum(errors) / 3 / 40)


@needs_extra
def test_content_of_imagenet_is_the_relative_error_at_four_scales_of_images_enlarged_to_64_pixels():
    made, truth = torch.rand(2, 2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    loss = perceptual.content_loss("imagenet")
    network = EfficientNetPyramid(load_efficientnet(weights_file("test")))
    with torch.no_grad():
        ours, theirs = (network(interpolate(x, (64, 64), mode="bilinear")) for x in (made, truth))
        assert [maps.shape[1:] for maps in ours] == [(24, 16, 16), (40, 8, 8), (112, 4, 4), (320, 2, 2)]
        errors = [(a - b).square().sum() / b.square().sum() for a, b in zip(ours, theirs, strict=True)]
    torch.testing.assert_close(loss(made, truth), sum(errors) / 4 / 40)
    torch.testing.assert_close(perceptual.content_loss("imagenet", weight=1.0)(made, truth), sum(errors) / 4)


def test_a_missing_extra_is_one_line_before_any_training(monkeypatch):
    for module in efficientnet.PACKAGES:
        monkeypatch.setitem(sys.modules, module, None)
    perceptual.require_content("vgg19")
    with pytest.raises(GanzooError, match=r"^model\.content needs timm"):
        perceptual.require_content("imagenet")
    with pytest.raises(GanzooError, match=r"^model\.content needs timm"):
        srgan(content="imagenet").fits(Ramps())


def test_content_of_vgg19_is_relu5_4_on_pixels_scaled_as_in_imagenet(monkeypatch):
    from torchvision.models import VGG19_Weights, vgg19

    torch.manual_seed(0)
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in vgg19().state_dict().items()}
    state = {name: torch.randn(shape) / 30 for name, shape in shapes.items() if name.startswith("features.")}
    monkeypatch.setattr(VGG19_Weights, "get_state_dict", lambda self, **options: state)
    loss = perceptual.content_loss("vgg19")
    convolutions = [layer for layer in loss.network if isinstance(layer, nn.Conv2d)]
    assert len(convolutions) == 16
    assert isinstance(loss.network[-1], nn.ReLU)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1) * 2 - 1
    (maps,) = loss.maps(mean.expand(1, 3, 32, 32))  # the mean colour is 0 there: only biases are left
    assert maps.shape == (1, 512, 2, 2)
    h = torch.zeros(1, 3, 32, 32)
    for layer in loss.network:
        h = layer(h)
    torch.testing.assert_close(maps, h)
    a, b = torch.rand(2, 1, 1, 32, 32)
    wanted = mse_loss(loss.maps(a.expand(-1, 3, -1, -1))[0], loss.maps(b.expand(-1, 3, -1, -1))[0]) / 12.75**2
    torch.testing.assert_close(loss(a, b), wanted)


def test_unknown_contents_are_one_line(tmp_path):
    for name, message in [
        ("vgg", "Did you mean 'vgg19'"),
        (str(tmp_path / "no.safetensors"), "model.content: no file"),
    ]:
        with pytest.raises(GanzooError, match=message) as error:
            perceptual.content_loss(name)
        assert "\n" not in str(error.value)
