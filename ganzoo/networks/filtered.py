"""Resampling of images and maps by the filter [1, 3, 3, 1] in both directions: Karras et al. 2020, arXiv 1912.04958.

Applied before halving and after doubling it keeps frequencies from folding over, unlike averages and repeated pixels.
"""

import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d


def doubled(x: Tensor) -> Tensor:
    """Doubles the sides of maps (N, C, H, W): zeros between the pixels, then the filter, which keeps constants."""
    return conv_transpose2d(x, _kernel(x, 4.0), stride=2, padding=1, groups=x.shape[1])


def halved(x: Tensor) -> Tensor:
    """Halves the sides of maps (N, C, H, W): the filter, then every second pixel."""
    return conv2d(x, _kernel(x, 1.0), stride=2, padding=1, groups=x.shape[1])


def blurred(x: Tensor, padding: int, gain: float = 1.0) -> Tensor:
    """Applies the filter to maps (N, C, H, W) with a border of zeros; sides grow by 2 `padding` - 3.

    Args:
        x: the maps.
        padding: width of the border in pixels.
        gain: factor on the result.
    """
    return conv2d(x, _kernel(x, gain), padding=padding, groups=x.shape[1])


def _kernel(x: Tensor, gain: float) -> Tensor:
    # [1, 3, 3, 1] / 8, made on the device: a copy from the host would wait for it, and cannot be recorded
    line = (2 - (torch.arange(4, device=x.device, dtype=x.dtype) - 1.5).abs()) / 4
    return (gain * line[:, None] * line).expand(x.shape[1], 1, 4, 4)
