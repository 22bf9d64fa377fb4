"""Generator and discriminator of SRGAN: Ledig et al. 2017, arXiv 1609.04802, section 2.1 and figure 4.

The generator, SRResNet, does its work at the small size and enlarges at the end, by sub-pixel convolutions (Shi et
al. 2016, arXiv 1609.05158). The discriminator follows VGG.
"""

from collections.abc import Mapping
from math import ceil
from typing import Any

from torch import Tensor, nn

from ganzoo.common.data_spec import DataSpec
from ganzoo.common.errors import GanzooError
from ganzoo.networks.sides import require_side

FACTORS = (2, 4, 8)


class SRResNetGenerator(nn.Module):
    """Generator that enlarges images: k9, `blocks` residual blocks, k3 with a skip over all of them, x2 ..., k9.

    It is fully convolutional, and its last layer is linear, as in the paper's figure. Parametric ReLUs have a slope for
    each map.

    Args:
        channels: channels of the images.
        width: channels of the hidden layers; four times as many in front of each pixel shuffle.
        blocks: number of residual blocks.
        factor: how many times as high and as wide the images get: 2, 4 or 8.

    Attributes:
        reach: how many pixels of the source to each side a pixel depends on, in evaluation mode.

    Raises:
        GanzooError: for any other factor.
    """

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the factor: the ratio of the targets' side to the sources'."""
        if not spec.source_shape or spec.shape[-1] % spec.source_shape[-1]:
            return {}
        return {"factor": spec.shape[-1] // spec.source_shape[-1]}

    def __init__(self, channels: int = 3, width: int = 64, blocks: int = 16, factor: int = 4) -> None:
        super().__init__()
        if factor not in FACTORS:
            raise GanzooError(f"factor: it must be one of {', '.join(map(str, FACTORS))}, not {factor}.")
        self.source_shape = self.shape = (channels, None, None)
        self.factor = factor
        doublings = factor.bit_length() - 1
        # pixels of the source: the convolutions in front, those of the doublings, ever finer, and the last one
        self.reach = 4 + 2 * blocks + 1 + ceil(sum(2**-i for i in range(doublings)) + 4 / factor)
        self.first = nn.Sequential(nn.Conv2d(channels, width, 9, padding=4), nn.PReLU(width))
        self.body = nn.Sequential(*[ResidualBlock(width) for _ in range(blocks)], *_normed(width, width))
        self.enlarge = nn.Sequential(*[layer for _ in range(doublings) for layer in _doubled(width)])
        self.last = nn.Conv2d(width, channels, 9, padding=4)

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, H, W) in [-1, 1] to (N, channels, factor * H, factor * W), not clamped."""
        h = self.first(x)
        return self.last(self.enlarge(h + self.body(h)))


class ResidualBlock(nn.Module):
    """Residual block: k3, BatchNorm, PReLU, k3, BatchNorm (Gross and Wilber 2016), no activation after the sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(*_normed(width, width), nn.PReLU(width), *_normed(width, width))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, width, H, W) to the same shape."""
        return x + self.net(x)


class SRGANDiscriminator(nn.Module):
    """Discriminator of large images: eight 3x3 convolutions with LeakyReLU, every other of stride 2, two dense layers.

    Args:
        size: side of the images in pixels: the dense layers see where everything is, as in the paper.
            None takes any size: they see the average of each map. The paper's own has 96 pixels and 18,432 maps' values
            in front of the first dense layer, which would be most of a small discriminator.
        channels: channels of the images.
        width: channels of the first two layers, then twice, four and eight times as many.
        hidden: units of the first dense layer.

    Raises:
        GanzooError: if the images are smaller than 16 pixels.
    """

    def __init__(self, size: int | None = 96, channels: int = 3, width: int = 64, hidden: int = 1024) -> None:
        super().__init__()
        if size is not None:
            require_side(size, 16, "SRGAN's discriminator")
        self.shape = (channels, size, size)
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.LeakyReLU(0.2, inplace=True)]
        for before, after, stride in ((1, 1, 2), (1, 2, 1), (2, 2, 2), (2, 4, 1), (4, 4, 2), (4, 8, 1), (8, 8, 2)):
            layers += [*_normed(before * width, after * width, stride), nn.LeakyReLU(0.2, inplace=True)]
        places = 1 if size is None else (-(-size // 16)) ** 2  # each halving rounds up
        gathered = nn.AdaptiveAvgPool2d(1) if size is None else nn.Identity()
        dense = [nn.Linear(8 * width * places, hidden), nn.LeakyReLU(0.2, inplace=True), nn.Linear(hidden, 1)]
        self.net = nn.Sequential(*layers, gathered, nn.Flatten(), *dense)

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, H, W) to logits (N,)."""
        return self.net(x).flatten()


def require_factor(generator: nn.Module, shape: tuple[int, ...], source_shape: tuple[int, ...] | None) -> None:
    """Checks that a generator with a `factor` enlarges sources of one shape to targets of the other.

    Raises:
        GanzooError: if it does not.
    """
    factor = getattr(generator, "factor", None)
    if factor is None or source_shape is None:
        return
    sides = tuple(factor * side for side in source_shape[1:])
    if sides != tuple(shape[1:]):
        raise GanzooError(
            f"model.generator.factor: {factor} makes {'x'.join(map(str, sides))} pixels of the data's sources, whose "
            f"targets have {'x'.join(map(str, shape[1:]))}."
        )


def _normed(before: int, after: int, stride: int = 1) -> list[nn.Module]:
    """Returns a 3x3 convolution, without the bias that its BatchNorm would subtract again, and the BatchNorm."""
    return [nn.Conv2d(before, after, 3, stride, padding=1, bias=False), nn.BatchNorm2d(after)]


def _doubled(width: int) -> list[nn.Module]:
    """Returns layers that double height and width: four times the maps, shuffled into pixels."""
    return [nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2), nn.PReLU(width)]
