"""Sheets of images with captions below them."""

import numpy as np
import pytest
import torch

from ganzoo.drawing.captioned import LINE, LINES, captioned_grid, letters, wrapped


def test_every_image_stands_above_its_caption():
    images = torch.linspace(-1, 0.5, 5).view(5, 1, 1, 1).expand(5, 1, 16, 16)
    plain = np.asarray(captioned_grid(images, [""] * 5, columns=3))
    written = np.asarray(captioned_grid(images, ["one", "two", "", "four", "five"], columns=3))
    assert plain.shape[1] == written.shape[1]
    assert written.shape[0] == plain.shape[0] + 2 * LINE
    side = 112  # enlarged seven times
    for i, level in enumerate([0, 48, 96, 143, 191]):
        left, top = 10 + i % 3 * (side + 10), 10 + i // 3 * (side + LINE + 10)
        np.testing.assert_allclose(written[top : top + side, left : left + side], level, atol=1)
        below = written[top + side : top + side + LINE + 8, left : left + side]
        assert (below < 200).any() == (i != 2)
    colours = captioned_grid(torch.zeros(2, 3, 64, 64), ["a", "b"])
    assert colours.mode == "RGB"


def test_twenty_four_texts_make_six_columns():
    sheet = captioned_grid(torch.zeros(24, 3, 64, 64), ["x"] * 24)
    assert sheet.width == 2 * 10 + 6 * 128 + 5 * 10


@pytest.mark.parametrize("text", ["", "a cat", "a very long text of many words that goes on and on and on", "x" * 90])
def test_lines_fit_and_lose_nothing_but_the_end(text):
    lines = [*wrapped(text, 100)]
    assert len(lines) <= LINES
    assert all(letters().getlength(line) <= 100 for line in lines)
    joined = " ".join(lines)
    assert text.startswith(joined.rstrip("…"))
    assert joined == text or joined.endswith("…")
