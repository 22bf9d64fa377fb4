"""VQGAN's adaptive weight against the authors' worked example, and what it makes equal."""

import json
from zlib import crc32

import numpy as np
import pytest
import torch
from official import FOLDER, wave
from torch import nn

from ganzoo.losses.adaptive import LARGEST, adaptive_weight, differentiated

SAID = json.loads((FOLDER / "vqgan_quantiser.json").read_text())["adaptive_weight"]["worked_example"]


def example():
    """The example's layer, and its two losses."""
    layer = nn.Conv2d(3, 3, 3, padding=1)
    for name, parameter in layer.named_parameters():
        parameter.data = torch.from_numpy(filled(name, parameter.shape, 0.1, 1.3 if name == "weight" else 0.7))
    h = wave((2, 3, 6, 6))
    output = layer(h)
    nll = (h.flip(0) - output).abs().mean()
    return layer, nll, -(output * torch.from_numpy(filled("critic", (3, 6, 6), 1.0, 1.3))).tanh().mean()


def filled(name, shape, amplitude, step):
    numbers = amplitude * np.sin(step * np.arange(np.prod(shape)) + crc32(name.encode()) % 1000)
    return numbers.astype(np.float32).reshape(shape)


def test_the_weight_is_that_of_the_authors():
    layer, nll, adversarial = example()
    torch.testing.assert_close(nll.item(), SAID["nll_value"], rtol=1e-5, atol=0)
    torch.testing.assert_close(adversarial.item(), SAID["g_loss_value"], rtol=1e-4, atol=0)
    weight = adaptive_weight(nll, adversarial, layer.weight)
    torch.testing.assert_close(weight.item() * SAID["disc_weight"], SAID["weight"], rtol=1e-5, atol=0)


def test_gradients_become_equal_and_the_weight_has_none():
    layer, nll, adversarial = example()
    weight = adaptive_weight(nll, adversarial, layer.weight)
    assert not weight.requires_grad
    (one,) = torch.autograd.grad(nll, layer.weight, retain_graph=True)
    (other,) = torch.autograd.grad(weight * adversarial, layer.weight, retain_graph=True)
    torch.testing.assert_close(other.norm(), one.norm(), rtol=2e-3, atol=0)  # but for the 1e-4 in it
    assert adaptive_weight(nll, 0 * adversarial, layer.weight).item() == pytest.approx(one.norm().item() / 1e-4)
    assert adaptive_weight(10 * nll, 0 * adversarial, layer.weight) == LARGEST


def test_means_over_many_pixels_do_not_vanish_in_half_precision():
    weight = torch.ones(1, requires_grad=True)
    pixels = (weight.half() * torch.ones(10).half()).float()  # a gradient of 2e-8 each, which float16 rounds to 0
    ratio = adaptive_weight(2e-8 * pixels.sum(), 1e-3 * weight.sum(), weight)
    assert ratio.item() == pytest.approx(2e-7 / (1e-3 + 1e-4), rel=0.01)


def test_a_loss_differentiated_at_once_has_its_value_and_gradients_without_its_graph():
    x = wave((2, 3, 4)).requires_grad_()
    passes = []

    def loss(x):
        x.register_hook(lambda gradient: passes.append(gradient))
        return (x**3).mean()

    image = 2 * x
    value = differentiated(loss, image)
    (wanted,) = torch.autograd.grad(((2 * x) ** 3).mean(), x)
    for _ in range(2):
        (found,) = torch.autograd.grad(5 * value, x, retain_graph=True)
        torch.testing.assert_close(found, 5 * wanted)
    assert value == ((2 * x) ** 3).mean()
    assert len(passes) == 1
