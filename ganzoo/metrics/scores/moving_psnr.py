"""Peak signal-to-noise ratio of predicted frames on the pixels that move, in decibels, at most 100."""

from torch import Tensor

from ganzoo.metrics.frames import OfMovingPixels, psnr_where


class MovingSignalToNoise(OfMovingPixels):
    """See `ganzoo.metrics.frames.psnr_where`."""

    def where(self, made: Tensor, truth: Tensor, last: Tensor, where: Tensor) -> Tensor:
        """Returns the value (N,) of each frame."""
        return psnr_where(made, truth, where)
