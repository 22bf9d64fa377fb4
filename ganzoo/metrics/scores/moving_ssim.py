"""Structural similarity of predicted frames and what followed, on the pixels that move."""

from torch import Tensor

from ganzoo.metrics.frames import OfMovingPixels, ssim_where
from ganzoo.metrics.pairs import WINDOW


class MovingSimilarity(OfMovingPixels):
    """See `ganzoo.metrics.frames.ssim_where`."""

    least = WINDOW

    def where(self, made: Tensor, truth: Tensor, last: Tensor, where: Tensor) -> Tensor:
        """Returns the value (N,) of each frame."""
        return ssim_where(made, truth, where)
