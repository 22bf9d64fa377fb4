"""Layers with an equalised learning rate: Karras et al. 2018, arXiv 1710.10196, section 4.1.

Weights are drawn from N(0, 1) and scaled at run time by 1 / sqrt(fan in), so that all have the same learning rate.
Leaky ReLUs have a slope of 0.2 and a gain of sqrt(2), as in StyleGAN2's code, which the layers that halve follow, too.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu, linear

from ganzoo.networks.filtered import blurred, halved


def activated(x: Tensor, gain: float = 2**0.5) -> Tensor:
    """Returns the leaky ReLU of x, times a gain."""
    return leaky_relu(x, 0.2) * gain


def normalised(x: Tensor) -> Tensor:
    """Divides vectors (N, D), or each pixel's of maps (N, D, H, W), by the root of their mean square."""
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class EqualLinear(nn.Module):
    """Linear layer with a learning rate that does not depend on its width.

    Args:
        before: length of the input.
        after: length of the output.
        rate: factor on the learning rate: weights are stored larger by it, and scaled at run time.
        bias: what the bias begins with; None for none.
        activate: whether a leaky ReLU follows.
        gain: factor on the weights at run time.
    """

    def __init__(
        self,
        before: int,
        after: int,
        rate: float = 1.0,
        bias: float | None = 0.0,
        activate: bool = False,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before) / rate)
        self.bias = None if bias is None else nn.Parameter(torch.full((after,), bias / rate))
        self.rate, self.scale, self.activate = rate, gain * rate * before**-0.5, activate

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before) to (N, after)."""
        x = linear(x, self.weight * self.scale, None if self.bias is None else self.bias * self.rate)
        return activated(x) if self.activate else x


class EqualConv2d(nn.Module):
    """Convolution with a learning rate that does not depend on its width; it may halve the side, filtered.

    Args:
        before: channels of the input.
        after: channels of the output.
        kernel: side of the kernel.
        halve: whether the side is halved.
        bias: whether there is one.
        gain: factor on the output after a leaky ReLU; 0 for no activation.
    """

    def __init__(
        self, before: int, after: int, kernel: int = 3, halve: bool = False, bias: bool = True, gain: float = 2**0.5
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(after)) if bias else None
        self.scale, self.halve, self.gain = (before * kernel**2) ** -0.5, halve, gain

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, H, W), or half of H and W."""
        weight, kernel = self.weight * self.scale, self.weight.shape[-1]
        if not self.halve:
            x = conv2d(x, weight, self.bias, padding=kernel // 2)
        elif kernel == 1:
            x = conv2d(halved(x), weight, self.bias)
        else:
            x = conv2d(blurred(x, 2), weight, self.bias, stride=2)
        return activated(x, self.gain) if self.gain else x
