"""Resampling of images and maps by the filter [1, 3, 3, 1] in both directions: Karras et al. 2020, arXiv 1912.04958.

Applied before halving and after doubling it keeps frequencies from folding over, unlike averages and repeated pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn.functional import conv2d, conv_transpose2d


def doubled(x: Tensor) -> Tensor:
    """Doubles the sides of maps (N, C, H, W): zeros between the pixels, then the filter, which keeps constants."""
    return _resampled(x, Spread(gain=4.0, stride=2, padding=1))


def halved(x: Tensor) -> Tensor:
    """Halves the sides of maps (N, C, H, W): the filter, then every second pixel."""
    return _resampled(x, Gather(gain=1.0, stride=2, padding=1))


def blurred(x: Tensor, padding: int, gain: float = 1.0) -> Tensor:
    """Applies the filter to maps (N, C, H, W) with a border of zeros; sides grow by 2 `padding` - 3.

    Args:
        x: the maps.
        padding: width of the border in pixels, at most 3.
        gain: factor on the result.
    """
    return _resampled(x, Gather(gain=gain, stride=1, padding=padding))


@dataclass(frozen=True)
class Gather:
    """Filter with a border of zeros, of whose results every `stride`-th stays."""

    gain: float
    stride: int
    padding: int

    def __call__(self, x: Tensor) -> Tensor:
        """Maps (N, C, H, W) to (N, C, H', W')."""
        kernel = _kernel(x, self.gain)
        return conv2d(x, kernel, stride=self.stride, padding=self.padding, groups=x.shape[1])

    def transposed(self, x: Tensor) -> Gather | Spread:
        """Returns the transposed map, which carries gradients back to x (N, C, H, W)."""
        if self.stride == 1:
            return Gather(self.gain, 1, 3 - self.padding)  # the filter is symmetric
        height, width = ((side + 2 * self.padding) % self.stride for side in x.shape[2:])
        return Spread(self.gain, self.stride, self.padding, (height, width))


@dataclass(frozen=True)
class Spread:
    """Transposed map of `Gather`: zeros between the pixels, then the filter, less `padding` pixels of border."""

    gain: float
    stride: int
    padding: int
    rest: tuple[int, int] = (0, 0)  # rows and columns at the end that `Gather` leaves out

    def __call__(self, x: Tensor) -> Tensor:
        """Maps (N, C, H, W) to (N, C, H', W')."""
        kernel = _kernel(x, self.gain)
        if x.device.type == "cpu":  # half the time, the copy included
            x = x.contiguous(memory_format=torch.channels_last)
        return conv_transpose2d(x, kernel, None, self.stride, self.padding, self.rest, x.shape[1])

    def transposed(self, x: Tensor) -> Gather:
        """Returns the transposed map, which carries gradients back to x."""
        return Gather(self.gain, self.stride, self.padding)


class _Resampling(Function):
    """Filter whose gradient is filtered, too, as are that one's own.

    PyTorch's second derivative of a convolution in groups takes a convolution a channel, most of them for the gradient
    of the kernel, which here is a constant.
    """

    @staticmethod
    def forward(x: Tensor, how: Gather | Spread) -> Tensor:
        return how(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Gather | Spread], output: Tensor) -> None:
        ctx.back = inputs[1].transposed(inputs[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return _resampled(gradients[0], ctx.back), None


def _resampled(x: Tensor, how: Gather | Spread) -> Tensor:
    if torch.is_grad_enabled() and x.requires_grad:
        return _Resampling.apply(x, how)
    return how(x)


def _kernel(x: Tensor, gain: float) -> Tensor:
    # [1, 3, 3, 1] / 8, made on the device: a copy from the host would wait for it, and cannot be recorded
    line = (2 - (torch.arange(4, device=x.device, dtype=x.dtype) - 1.5).abs()) / 4
    return (gain * line[:, None] * line).expand(x.shape[1], 1, 4, 4)
