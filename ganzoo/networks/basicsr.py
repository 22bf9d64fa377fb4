"""Generators of BasicSR that enlarge images: MSRResNet, and ESRGAN's RRDBNet (Wang et al. 2018, arXiv 1809.00219).

They compute what https://github.com/XPixelGroup/BasicSR does (`archs/srresnet_arch.py` and `archs/rrdbnet_arch.py`), so
that its weights can be taken over. Neither has any normalisation. Inside images are in [0, 1], as there.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, pixel_shuffle, pixel_unshuffle, relu

from ganzoo.common.errors import GanzooError

DAMPED = 0.2  # factor on what blocks add


class Enlarger(nn.Module):
    """Base of generators that enlarge images: their range, and their shapes.

    Args:
        channels: channels of the sources.
        out_channels: channels of the images that it makes.
        factor: how many times as high and as wide the images get.
        factors: those that there are.

    Raises:
        GanzooError: for another factor.
    """

    def __init__(self, channels: int, out_channels: int, factor: int, factors: tuple[int, ...]) -> None:
        super().__init__()
        if factor not in factors:
            raise GanzooError(f"factor: it must be one of {', '.join(map(str, factors))}, not {factor}.")
        self.source_shape, self.shape = (channels, None, None), (out_channels, None, None)
        self.factor = factor

    def enlarge(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, H, W) in [0, 1] to (N, out_channels, factor * H, factor * W), not clamped."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, H, W) in [-1, 1] to (N, out_channels, factor * H, factor * W), not clamped."""
        return 2 * self.enlarge((x + 1) / 2) - 1


class PlainBlock(nn.Module):
    """Residual block: k3, ReLU, k3.

    Args:
        width: channels of the maps.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, width, H, W) to the same shape."""
        return x + self.conv2(relu(self.conv1(x)))


class MSRResNet(Enlarger):
    """Generator that enlarges images: residual blocks, sub-pixel convolutions, and the source, interpolated, added.

    Args:
        channels: channels of the sources.
        out_channels: channels of the images that it makes, as many.
        width: channels of the hidden layers.
        blocks: number of residual blocks.
        factor: how many times as high and as wide the images get: 2, 3 or 4.
    """

    def __init__(
        self, channels: int = 3, out_channels: int = 3, width: int = 64, blocks: int = 16, factor: int = 4
    ) -> None:
        super().__init__(channels, out_channels, factor, (2, 3, 4))
        self.conv_first = nn.Conv2d(channels, width, 3, padding=1)
        self.body = nn.Sequential(*(PlainBlock(width) for _ in range(blocks)))
        self.step = 3 if factor == 3 else 2
        self.upconv1 = nn.Conv2d(width, width * self.step**2, 3, padding=1)
        self.upconv2 = nn.Conv2d(width, width * 4, 3, padding=1) if factor == 4 else None
        self.conv_hr = nn.Conv2d(width, width, 3, padding=1)
        self.conv_last = nn.Conv2d(width, out_channels, 3, padding=1)

    def enlarge(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, H, W) in [0, 1] to (N, out_channels, factor * H, factor * W), not clamped."""
        h = self.body(leaky_relu(self.conv_first(x), 0.1))
        h = leaky_relu(pixel_shuffle(self.upconv1(h), self.step), 0.1)
        if self.upconv2 is not None:
            h = leaky_relu(pixel_shuffle(self.upconv2(h), 2), 0.1)
        h = self.conv_last(leaky_relu(self.conv_hr(h), 0.1))
        return h + interpolate(x, scale_factor=self.factor, mode="bilinear", align_corners=False)


class DenseBlock(nn.Module):
    """Block of five convolutions, each of which sees what all before it have made: section 3.1 of ESRGAN.

    Args:
        width: channels of the maps.
        growth: channels that each convolution adds.
    """

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, growth, 3, padding=1)
        self.conv2 = nn.Conv2d(width + growth, growth, 3, padding=1)
        self.conv3 = nn.Conv2d(width + 2 * growth, growth, 3, padding=1)
        self.conv4 = nn.Conv2d(width + 3 * growth, growth, 3, padding=1)
        self.conv5 = nn.Conv2d(width + 4 * growth, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, width, H, W) to the same shape."""
        maps = x
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            maps = torch.cat([maps, leaky_relu(conv(maps), 0.2)], 1)
        return x + DAMPED * self.conv5(maps)


class DenseTrio(nn.Module):
    """Residual block of three dense ones.

    Args:
        width: channels of the maps.
        growth: see `DenseBlock`.
    """

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (DenseBlock(width, growth) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, width, H, W) to the same shape."""
        return x + DAMPED * self.rdb3(self.rdb2(self.rdb1(x)))


class RRDBNet(Enlarger):
    """Generator that enlarges images: residual blocks of dense ones, pixels repeated and convolved.

    Args:
        channels: channels of the sources.
        out_channels: channels of the images that it makes.
        width: channels of the hidden layers.
        blocks: number of residual blocks, of three dense ones each.
        growth: channels that each convolution of a dense block adds.
        factor: how many times as high and as wide the images get: 1, 2 or 4. Below 4 the source's pixels, in squares of
            4 / factor, become channels first.
    """

    def __init__(
        self,
        channels: int = 3,
        out_channels: int = 3,
        width: int = 64,
        blocks: int = 23,
        growth: int = 32,
        factor: int = 4,
    ) -> None:
        super().__init__(channels, out_channels, factor, (1, 2, 4))
        self.square = 4 // factor
        self.multiple = self.square  # sides of the source must be divisible by it
        self.conv_first = nn.Conv2d(channels * self.square**2, width, 3, padding=1)
        self.body = nn.Sequential(*(DenseTrio(width, growth) for _ in range(blocks)))
        self.conv_body = nn.Conv2d(width, width, 3, padding=1)
        self.conv_up1, self.conv_up2, self.conv_hr = (nn.Conv2d(width, width, 3, padding=1) for _ in range(3))
        self.conv_last = nn.Conv2d(width, out_channels, 3, padding=1)

    def enlarge(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, H, W) in [0, 1] to (N, out_channels, factor * H, factor * W), not clamped."""
        h = self.conv_first(pixel_unshuffle(x, self.square))
        h = h + self.conv_body(self.body(h))
        for conv in (self.conv_up1, self.conv_up2):
            h = leaky_relu(conv(interpolate(h, scale_factor=2)), 0.2)
        return self.conv_last(leaky_relu(self.conv_hr(h), 0.2))
