"""Coloured pictures of shares: palettes, means of colours, and the strongest alone."""

import pytest
import torch
from torch.testing import assert_close

from ganzoo.drawing.shares import colour_shares, palette, swatches


@pytest.mark.parametrize("count", [1, 8, 16, 40])
def test_colours_are_different(count):
    colours = palette(count)
    assert colours.shape == (count, 3)
    assert colours.abs().max() <= 1
    assert len(colours.unique(dim=0)) == count


def test_a_place_has_the_mean_of_the_colours_by_their_shares():
    shares = torch.tensor([1.0, 0.0, 0.25, 0.75, 0.5, 0.5]).view(3, 2).T.view(1, 2, 1, 3)
    a, b = palette(2)
    assert_close(colour_shares(shares)[0, :, 0].T, torch.stack([a, (a + 3 * b) / 4, (a + b) / 2]))
    assert_close(colour_shares(shares, hard=True)[0, :, 0, :2].T, torch.stack([a, b]))


def test_swatches_have_their_colour_and_a_number_in_it():
    drawn = swatches(3, 32)
    assert drawn.shape == (3, 3, 32, 32)
    assert_close(drawn[:, :, 0, 0], palette(3), atol=0.01, rtol=0)
    assert (drawn.flatten(2).std(2).amax(1) > 0.1).all()
