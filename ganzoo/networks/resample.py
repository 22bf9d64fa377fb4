"""Convolutions that double or halve the side, at 4/9 of the multiplications of doing so in two steps.

Repeating every pixel before a 3x3 convolution, or averaging every 2x2 block after one, is a linear map like the
convolution itself. The two together are one 4x4 convolution of stride 2, whose kernel is the 3x3 one smeared over 2x2
places: the same function of the same parameters, up to rounding.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, conv_transpose2d, interpolate

# In half precision, where matrix units multiply, the larger kernel costs more than it saves on maps of a smaller side.
LEAST_SIDE = 16


class UpConv2d(nn.Conv2d):
    """Nearest-neighbour upsampling by 2, then a 3x3 convolution with padding 1.

    Args:
        before: channels of the input.
        after: channels of the output.
        bias: whether the convolution adds one.
    """

    smear: Tensor

    def __init__(self, before: int, after: int, bias: bool = True) -> None:
        super().__init__(before, after, 3, padding=1, bias=bias)
        self.register_buffer("smear", up_smear(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, 2H, 2W)."""
        return up_conv(x, self.weight, self.bias, self.smear)


class DownConv2d(nn.Conv2d):
    """3x3 convolution with padding 1, then the mean of every 2x2 block.

    Args:
        before: channels of the input.
        after: channels of the output.
        bias: whether the convolution adds one.
    """

    smear: Tensor

    def __init__(self, before: int, after: int, bias: bool = True) -> None:
        super().__init__(before, after, 3, padding=1, bias=bias)
        self.register_buffer("smear", down_smear(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, H / 2, W / 2)."""
        return down_conv(x, self.weight, self.bias, self.smear)


def up_conv(x: Tensor, weight: Tensor, bias: Tensor | None, smear: Tensor) -> Tensor:
    """Doubles the sides of maps (N, C, H, W) by repeating pixels, then convolves them with padding 1.

    Args:
        x: the maps.
        weight: of a 3x3 convolution, (after, C, 3, 3).
        bias: (after,), or None.
        smear: `up_smear()`, on the device.
    """
    if not _saves(x.shape[-1], x):
        return conv2d(interpolate(x, scale_factor=2), weight, bias, padding=1)
    y = conv_transpose2d(x, _smeared(weight, smear).transpose(0, 1), stride=2, padding=1)
    # added by itself: on CPUs the gradient of a transposed convolution's own bias takes longer than all the rest
    return y if bias is None else y.add_(bias.to(y.dtype)[:, None, None])


def down_conv(x: Tensor, weight: Tensor, bias: Tensor | None, smear: Tensor) -> Tensor:
    """Convolves maps (N, C, H, W) with padding 1, then takes the means of blocks of 2x2 pixels.

    Args:
        x: the maps.
        weight: of a 3x3 convolution, (after, C, 3, 3).
        bias: (after,), or None.
        smear: `down_smear()`, on the device.
    """
    if not _saves(x.shape[-1] // 2, x):
        return avg_pool2d(conv2d(x, weight, bias, padding=1), 2)
    return conv2d(x, _smeared(weight, smear), bias, stride=2, padding=1)


def up_smear() -> Tensor:
    """Returns the matrix (9, 16) by which `up_conv` makes a 4x4 kernel of a 3x3 one."""
    return _smear().flip(0)  # a transposed convolution turns its kernel


def down_smear() -> Tensor:
    """Returns the matrix (9, 16) by which `down_conv` makes a 4x4 kernel of a 3x3 one."""
    return _smear() / 4


def _saves(side: int, x: Tensor) -> bool:
    return side >= LEAST_SIDE or not torch.is_autocast_enabled(x.device.type)


def _smear() -> Tensor:
    """Returns the matrix (9, 16) that adds a 3x3 kernel to itself at the four places of a 4x4 one."""
    line = torch.eye(3, 4) + torch.eye(3, 4).roll(1, 1)
    return torch.einsum("ac,bd->abcd", line, line).reshape(9, 16)


def _smeared(weight: Tensor, smear: Tensor) -> Tensor:
    with torch.autocast(weight.device.type, enabled=False):  # one rounding, of the sums, is enough
        rows = weight.permute(0, 2, 3, 1).flatten(1, 2)  # (after, 9, before): no copy if weights lie channels last
        return (smear.T @ rows).unflatten(1, (4, 4)).permute(0, 3, 1, 2)
