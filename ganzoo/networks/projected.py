"""Discriminators on projected features: Sauer et al. 2021, arXiv 2111.01007, section 3 and appendix.

They compute what the authors' code does (https://github.com/autonomousvision/projected-gan, `pg_modules`) with
EfficientNet-Lite0, which that code has where the paper says Lite1. A frozen network's maps at four scales are mixed
across channels and scales by random projections, which are never trained, and a discriminator judges each. The code's
sides of 256 pixels, from which it counts the blocks of a discriminator, follow from what is judged unless stated.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise
from math import ceil, log2
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate

from ganzoo.common.errors import GanzooError
from ganzoo.networks.efficientnet import EfficientNetPyramid, load_efficientnet, weights_file
from ganzoo.networks.spectral import power_iteration

SCALES = 4
NARROWER = {8: 1, 16: 2, 32: 4, 64: 8, 128: 8, 256: 16, 512: 32}  # by side: the width is divided by it


class RandomProjection(nn.Module):
    """Random 1x1 convolution that is never trained: its numbers are buffers, saved with a checkpoint.

    Args:
        before: channels of the input.
        after: channels of the output.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        drawn = nn.Conv2d(before, after, 1)
        self.register_buffer("weight", drawn.weight.detach())
        self.register_buffer("bias", drawn.bias.detach())  # type: ignore[union-attr]  # it has one

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, H, W)."""
        return conv2d(x, self.weight, self.bias)


class FeatureMixing(nn.Module):
    """Random mixing of maps across channels, then across scales from the smallest maps on.

    Args:
        channels: of the maps, each of half the side of the one before.
        width: channels of the largest maps after mixing; twice as many for each next one inside.

    Attributes:
        mixed: channels of the mixed maps.
    """

    def __init__(self, channels: Sequence[int] = EfficientNetPyramid.channels, width: int = 64) -> None:
        super().__init__()
        inside = [width * 2**i for i in range(len(channels))]
        self.mixed = [width, *inside[:-1]]
        self.across_channels = nn.ModuleList(map(RandomProjection, channels, inside))
        self.across_scales = nn.ModuleList(map(RandomProjection, inside, self.mixed))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps a list of (N, channels, H, W) to one of (N, mixed, 2H, 2W)."""
        outputs: list[Tensor] = []
        for x, channels, scales in zip(maps[::-1], self.across_channels[::-1], self.across_scales[::-1], strict=True):
            h = channels(x) if not outputs else channels(x) + outputs[-1]
            # a projection and an interpolation may change places; so it costs a quarter
            outputs.append(interpolate(scales(h), scale_factor=2, mode="bilinear", align_corners=True))
        return outputs[::-1]


class DownBlock(nn.Module):
    """Block that halves the side: spectrally normalised convolution, BatchNorm, leaky ReLU.

    Args:
        before: channels of the input.
        after: channels of the output.
        separable: a 3x3 convolution of each channel, a 1x1 one and an average in the place of a 4x4 one.
    """

    def __init__(self, before: int, after: int, separable: bool = False) -> None:
        super().__init__()
        if separable:
            by_channel = power_iteration(nn.Conv2d(before, before, 3, padding=1, groups=before, bias=False))
            self.conv: nn.Module = nn.Sequential(by_channel, power_iteration(nn.Conv2d(before, after, 1, bias=False)))
        else:
            self.conv = power_iteration(nn.Conv2d(before, after, 4, stride=2, padding=1))
        self.norm = nn.BatchNorm2d(after)
        self.activation = nn.LeakyReLU(0.2, inplace=True)
        self.pool = nn.AvgPool2d(2) if separable else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, H / 2, W / 2)."""
        return self.pool(self.activation(self.norm(self.conv(x))))


class MapDiscriminator(nn.Module):
    """Discriminator of maps: blocks that halve the side, then a 4x4 convolution to logits.

    Args:
        channels: of the maps, and after each block.
        separable: see `DownBlock`.
        n_classes: number of classes; 0 for none. A logit then is an inner product with the embedded class.
        projected_dim: length of that product's vectors.
        embed_dim: length of an embedded class before a linear layer.
    """

    def __init__(
        self,
        channels: Sequence[int],
        separable: bool = False,
        n_classes: int = 0,
        projected_dim: int = 64,
        embed_dim: int = 128,
    ) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(DownBlock(*pair, separable) for pair in pairwise(channels)))
        outputs = projected_dim if n_classes else 1
        self.last = power_iteration(nn.Conv2d(channels[-1], outputs, 4, bias=False))
        self.embed = None
        if n_classes:
            linear = nn.Linear(embed_dim, projected_dim)
            self.embed = nn.Sequential(nn.Embedding(n_classes, embed_dim), linear, nn.LeakyReLU(0.2))
        self.scale = outputs**-0.5

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Maps (N, channels, H, W), and labels (N,) if there are classes, to logits (N, places)."""
        h = self.last(self.blocks(x))
        if self.embed is not None and y is not None:
            h = (h * self.embed(y)[:, :, None, None]).sum(1) * self.scale
        return h.flatten(1)


class ProjectedGANDiscriminator(nn.Module):
    """Discriminators of images, one for each scale of a frozen network's maps after random mixing.

    The network is EfficientNet-Lite0 with the weights of the extra `imagenet`. It is no submodule: neither trained, nor
    counted, nor saved, and built when the first images are judged.

    Args:
        size: side of the images in pixels.
        channels: channels of the images: 3, or 1, which is repeated.
        resolution: images of a smaller side are enlarged to it, in pixels.
        mixing: channels of the largest maps after mixing.
        width: channels of the discriminators at 8x8, half as many at 16 and so on down to an eighth.
        separable: separable convolutions, the code's choice beside StyleGAN2's generator.
        n_classes: number of classes; 0 for none.
        counted: side in pixels, a power of two, from which the blocks of a discriminator are counted; None for that of
            the images that it sees. The code's is 256 for all.

    Attributes:
        changes_maps: that the frozen network's maps can be changed before they are mixed.

    Raises:
        GanzooError: if the larger of `size` and `resolution` is no multiple of 32 or below 64.
    """

    changes_maps = True

    def __init__(
        self,
        size: int = 256,
        channels: int = 3,
        resolution: int = 224,
        mixing: int = 64,
        width: int = 512,
        separable: bool = False,
        n_classes: int = 0,
        counted: int | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.n_classes, self.resolution = (channels, size, size), n_classes, resolution
        seen = max(size, resolution)
        if seen < 64 or seen % 32:
            raise GanzooError(
                f"resolution: images are judged at {seen} pixels, but it must be a multiple of 32 from 64."
            )
        self.mixing = FeatureMixing(width=mixing)
        nominal = counted or 2 ** ceil(log2(seen))
        self.discriminators = nn.ModuleList()
        for i, mixed in enumerate(self.mixing.mixed):
            sides = [2**j for j in range(3, int(log2(nominal)) - i)][::-1]
            widths = [mixed, *(width // NARROWER[side] for side in sides[1:])]
            self.discriminators.append(MapDiscriminator(widths, separable, n_classes))

    @cached_property
    def backbone(self) -> EfficientNetPyramid:
        """The frozen network, with the device and precision of the projections.

        Raises:
            GanzooError: if the packages that ship it are missing.
        """
        with torch.inference_mode(False):  # else no gradient could pass it later
            network = EfficientNetPyramid(load_efficientnet(weights_file("model.discriminator")))
            return network.to(next(self.mixing.buffers())).to(memory_format=torch.channels_last)

    def _apply(self, fn: Any, recurse: bool = True) -> "ProjectedGANDiscriminator":
        if "backbone" in self.__dict__:
            self.backbone._apply(fn)
        return super()._apply(fn, recurse)

    def forward(self, x: Tensor, y: Tensor | None = None, change: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """Maps images (N, channels, size, size) in [-1, 1] to logits (N, L).

        Args:
            x: the images.
            y: labels (N,) if there are classes.
            change: what is done to the frozen network's maps (N, C, H, W) before they are mixed; None for nothing.
        """
        x = x.expand(-1, 3, -1, -1)
        if x.shape[-1] < self.resolution:
            x = interpolate(x, (self.resolution, self.resolution), mode="bilinear")
        maps = self.backbone(x.contiguous(memory_format=torch.channels_last))
        mixed = self.mixing(maps if change is None else [change(each) for each in maps])
        return torch.cat([judge(h, y) for judge, h in zip(self.discriminators, mixed, strict=True)], 1)
