"""Decibels by which predicted frames are nearer to what followed than the last frame is, on the pixels that move."""

from torch import Tensor

from ganzoo.metrics.frames import OfMovingPixels, psnr_where


class GainOverLast(OfMovingPixels):
    """See `ganzoo.metrics.frames.psnr_where`."""

    def where(self, made: Tensor, truth: Tensor, last: Tensor, where: Tensor) -> Tensor:
        """Returns the value (N,) of each frame."""
        return psnr_where(made, truth, where) - psnr_where(last, truth, where)
