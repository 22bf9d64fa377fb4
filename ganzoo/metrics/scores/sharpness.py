"""Sharpness of predicted frames on the pixels that move, in decibels: how like the truth's their steps are."""

from torch import Tensor

from ganzoo.metrics.frames import OfMovingPixels, sharpness_where


class Sharpness(OfMovingPixels):
    """See `ganzoo.metrics.frames.sharpness_where`."""

    def where(self, made: Tensor, truth: Tensor, last: Tensor, where: Tensor) -> Tensor:
        """Returns the value (N,) of each frame."""
        return sharpness_where(made, truth, where)
