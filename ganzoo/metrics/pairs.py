"""Differences of images from what they should be, one by one, over all channels and the whole image.

Publications on super-resolution often take the brightness alone and leave out a border.
"""

from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

DECIBELS = 100.0  # of a perfect image, whose noise is nothing
WINDOW = 11  # pixels of a side that ssim looks at


def psnr(images: Tensor, truth: Tensor) -> Tensor:
    """Returns the peak signal-to-noise ratio (N,) in decibels, at most 100, of images (N, C, H, W) in [-1, 1]."""
    ours, theirs = _unit(images), _unit(truth)
    return peak_signal_noise_ratio(ours, theirs, data_range=1.0, dim=(1, 2, 3), reduction="none").clamp(max=DECIBELS)


def ssim(images: Tensor, truth: Tensor) -> Tensor:
    """Returns the structural similarity (N,) of images (N, C, H, W) in [-1, 1] of at least 11 pixels.

    Wang et al. 2004: Gaussian windows of 11 pixels with a standard deviation of 1.5.
    """
    similarity = structural_similarity_index_measure(_unit(images), _unit(truth), data_range=1.0, reduction="none")
    return similarity.flatten()  # type: ignore[union-attr]  # of one image it is no vector


def l1(images: Tensor, truth: Tensor) -> Tensor:
    """Returns the mean absolute difference (N,) of images (N, C, H, W) on the scale of [-1, 1]."""
    return (images.float() - truth.float()).abs().flatten(1).mean(1)


def _unit(images: Tensor) -> Tensor:
    """Returns images in [-1, 1] on the scale of [0, 1], in float32."""
    return (images.float() + 1) / 2
