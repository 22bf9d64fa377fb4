"""Residual generator of CycleGAN: Zhu et al. 2017, arXiv 1703.10593, appendix 7.2.

It is the style-transfer network of Johnson et al. 2016 with instance normalisation. As in the authors' code that
has neither scale nor shift, so that the bias of the convolution before it would be subtracted again: there is none.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ganzoo.common.data_spec import DataSpec
from ganzoo.common.errors import GanzooError
from ganzoo.networks.dcgan import init_dcgan


class ResNetTranslator(nn.Module):
    """Generator of images from images: c7s1-64, d128, d256, R256 x `blocks`, u128, u64, c7s1-3 for `width` 64.

    It is fully convolutional: both sides must be divisible by 4, and at least 8.

    Args:
        channels: channels of the sources.
        out_channels: channels of the images that it makes.
        width: channels of the first hidden layer; the residual blocks have four times as many.
        blocks: number of residual blocks; the paper has 6 for 128 pixels, 9 from 256 pixels on.

    Raises:
        GanzooError: if one of these is below 1 (for `blocks`: below 0).
    """

    multiple = 4
    least = 8  # the residual blocks reflect one pixel of two

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the number of channels: the sources'."""
        return {"channels": spec.source_shape[0]} if spec.source_shape else {}

    def __init__(self, channels: int = 3, out_channels: int = 3, width: int = 64, blocks: int = 9) -> None:
        super().__init__()
        if min(channels, out_channels, width) < 1 or blocks < 0:
            arguments = f"channels={channels}, out_channels={out_channels}, width={width}, blocks={blocks}"
            raise GanzooError(f"generator: no such network: {arguments}.")
        self.source_shape = (channels, None, None)
        self.shape = (out_channels, None, None)
        self.net = nn.Sequential(
            *_layer(nn.Conv2d(channels, width, 7, padding=3, padding_mode="reflect", bias=False)),
            *_layer(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=False)),
            *_layer(nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1, bias=False)),
            *[ResidualBlock(4 * width) for _ in range(blocks)],
            *_layer(nn.ConvTranspose2d(4 * width, 2 * width, 3, stride=2, padding=1, output_padding=1, bias=False)),
            *_layer(nn.ConvTranspose2d(2 * width, width, 3, stride=2, padding=1, output_padding=1, bias=False)),
            nn.Conv2d(width, out_channels, 7, padding=3, padding_mode="reflect"),
            nn.Tanh(),
        )
        self.apply(init_dcgan)

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, H, W) to images (N, out_channels, H, W) in [-1, 1]."""
        return self.net(x)


class ResidualBlock(nn.Module):
    """Residual block: two 3x3 convolutions with reflection padding and instance normalisation, a ReLU between them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        convolve = [nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect", bias=False) for _ in range(2)]
        self.net = nn.Sequential(*_layer(convolve[0]), convolve[1], nn.InstanceNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, channels, H, W) to the same shape."""
        return x + self.net(x)


def _layer(convolution: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    """Returns a convolution, its normalisation, and a ReLU."""
    return [convolution, nn.InstanceNorm2d(convolution.out_channels), nn.ReLU(inplace=True)]
