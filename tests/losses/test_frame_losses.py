"""Losses of predicted frames: closed forms, and what they do not see."""

import pytest
import torch

from ganzoo.losses.frames import gradient_difference, lp_loss


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_distance_of_pixels_is_a_mean_of_powers():
    x, y = torch.zeros(2, 1, 4, 4), torch.full((2, 1, 4, 4), -0.5)
    assert [lp_loss(x, y, p).item() for p in (1, 2, 3)] == [0.5, 0.25, 0.125]


def test_gradients_are_compared_by_their_size():
    x = randn(2, 3, 6, 5)
    assert gradient_difference(x, x).item() == 0
    assert gradient_difference(x + 0.3, x).item() == pytest.approx(0, abs=1e-6)  # a constant offset
    assert gradient_difference(-x, x).item() == 0  # not signed
    assert gradient_difference(x, x + randn(2, 3, 6, 5, seed=1)).item() > 0.1


@pytest.mark.parametrize(("alpha", "wanted"), [(1, 0.5 + 0.25), (2, 0.25 + 0.0625)])
def test_a_plane_against_nothing(alpha, wanted):
    rows, columns = torch.meshgrid(torch.arange(5.0), torch.arange(4.0), indexing="ij")
    plane = (0.5 * rows - 0.25 * columns)[None, None]
    assert gradient_difference(plane, torch.zeros_like(plane), alpha).item() == pytest.approx(wanted)
    larger = gradient_difference(plane.expand(7, 2, -1, -1), torch.zeros(7, 2, 5, 4), alpha)
    assert larger.item() == pytest.approx(wanted)  # a mean, whatever the batch


def test_halves_are_compared_in_single_precision():
    x, y = randn(1, 1, 8, 8).bfloat16(), randn(1, 1, 8, 8, seed=1)
    assert lp_loss(x, y, 2).dtype == gradient_difference(x, y).dtype == torch.float32
