"""Tests for `ganzoo.networks.filtered`."""

import pytest
import torch
from torch.nn.functional import conv2d, pad

from ganzoo.networks.filtered import blurred, doubled, halved

LINE = torch.tensor([1.0, 3, 3, 1], dtype=torch.float64) / 8


def filtered(x, padding):
    """The filter written out, a channel at a time."""
    kernel = (LINE[:, None] * LINE)[None, None]
    return torch.cat([conv2d(pad(one, [padding] * 4), kernel) for one in x.split(1, 1)], 1)


def stuffed(x):
    """The pixels with a zero after each, in both directions."""
    out = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    out[:, :, ::2, ::2] = x
    return out


CASES = {
    "doubled": (doubled, lambda x: 4 * filtered(pad(stuffed(x), [1, 0, 1, 0]), 1)),
    "halved": (halved, lambda x: filtered(x, 1)[:, :, ::2, ::2]),
    **{f"blurred by {p}": (lambda x, p=p: blurred(x, p, 2.0), lambda x, p=p: 2 * filtered(x, p)) for p in range(4)},
}


@pytest.mark.parametrize("name", CASES)
def test_filters_compute_their_definition_and_have_derivatives_of_both_orders(name):
    function, definition = CASES[name]
    x = torch.randn(2, 3, 7, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    torch.testing.assert_close(function(x), definition(x))
    assert torch.autograd.gradcheck(function, x)
    assert torch.autograd.gradgradcheck(function, x)


@pytest.mark.parametrize("name", CASES)
def test_a_second_derivative_takes_one_convolution_rather_than_one_a_channel(name):
    function, _ = CASES[name]
    x = torch.randn(2, 8, 8, 8).requires_grad_()
    (slope,) = torch.autograd.grad(function(x).square().sum(), x, create_graph=True)
    with torch.profiler.profile() as profile:
        slope.square().sum().backward()
    count = sum(event.count for event in profile.key_averages() if event.key == "aten::convolution")
    assert count == 2  # the filter and its transpose, which the slope is made of the other way round
