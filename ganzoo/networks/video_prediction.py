"""Networks of multi-scale video prediction: Mathieu, Couprie and LeCun 2015, arXiv 1511.05440, section 3.1.

Earlier frames come to a predictor stacked on their channels, oldest first, and are mean-pooled to a pyramid. At each
scale, from the coarsest, a small network corrects the enlarged prediction of the scale below. Nothing is normalised,
and all convolutions of the predictor keep the size, so that it takes frames of any sides that its pyramid divides.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from ganzoo.common.data_spec import DataSpec
from ganzoo.common.errors import GanzooError


def mean_pyramid(images: Tensor, scales: int) -> list[Tensor]:
    """Returns images (N, C, H, W) at so many scales by mean pooling: the coarsest first, themselves last."""
    return [avg_pool2d(images, 2**halvings) if halvings else images for halvings in reversed(range(scales))]


def frames_of(spec: DataSpec) -> dict[str, Any]:
    """Returns the number of earlier frames that sources hold, stacked on their channels, as the argument `frames`."""
    return {"frames": spec.source_shape[0] // spec.shape[0]} if spec.source_shape and spec.shape else {}


class MultiScalePredictor(nn.Module):
    """Predictor of the next frame at several scales, of which each doubles the sides of the one before.

    Args:
        channels: of a frame.
        frames: number of earlier frames that it is shown.
        widths: channels of the hidden layers of each scale, the coarsest first.
        kernels: sides of the kernels of each scale, one more than hidden layers; odd.

    Attributes:
        multiple: what both sides of a frame must be divisible by.

    Raises:
        GanzooError: if widths and kernels do not fit each other.
    """

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the number of earlier frames in a source."""
        return frames_of(spec)

    def __init__(
        self,
        channels: int = 3,
        frames: int = 4,
        widths: Sequence[Sequence[int]] = (
            (128, 256, 128),
            (128, 256, 128),
            (128, 256, 512, 256, 128),
            (128, 256, 512, 256, 128),
        ),
        kernels: Sequence[Sequence[int]] = ((3, 3, 3, 3), (5, 3, 3, 5), (5, 3, 3, 3, 3, 5), (7, 5, 5, 5, 5, 7)),
    ) -> None:
        super().__init__()
        require_layers("kernels", widths, kernels, more=1)
        if even := [kernel for row in kernels for kernel in row if kernel % 2 == 0]:
            raise GanzooError(f"kernels: they must be odd to keep the size, not {even[0]}.")
        self.frames, self.scales = frames, len(widths)
        self.multiple = 2 ** (self.scales - 1)
        self.source_shape, self.shape = (frames * channels, None, None), (channels, None, None)
        self.nets = nn.ModuleList(
            _same(((frames + (scale > 0)) * channels, *hidden, channels), row)
            for scale, (hidden, row) in enumerate(zip(widths, kernels, strict=True))
        )

    def predictions(self, x: Tensor) -> list[Tensor]:
        """Maps earlier frames (N, frames * channels, H, W) to the next one at every scale, the coarsest first.

        Each is (N, channels, H / 2^k, W / 2^k) in [-1, 1]. The paper's figure ends in tanh; as in the authors' code it
        comes after the sum with the enlarged prediction (nearest pixels).
        """
        frames: list[Tensor] = []
        for net, seen in zip(self.nets, mean_pyramid(x, self.scales), strict=True):
            if frames:
                coarse = interpolate(frames[-1], scale_factor=2, mode="nearest")
                frames.append(torch.tanh(coarse + net(torch.cat([seen, coarse], 1))))
            else:
                frames.append(torch.tanh(net(seen)))
        return frames

    def forward(self, x: Tensor) -> Tensor:
        """Maps earlier frames (N, frames * channels, H, W) in [-1, 1] to the next one (N, channels, H, W)."""
        return self.predictions(x)[-1]


class MultiScaleDiscriminator(nn.Module):
    """Discriminators of a frame beside those before it, one to each scale of square patches.

    Convolutions without padding and ReLU, at the finest scale max pooling by 2, then fully connected layers.

    Args:
        channels: of a frame.
        frames: number of earlier frames.
        patch: side of what is judged, in pixels.
        widths: channels of the convolutions of each scale, the coarsest first.
        kernels: sides of their kernels.
        hidden: sizes of the fully connected hidden layers of each scale.

    Raises:
        GanzooError: if widths, kernels and hidden layers do not fit each other, or the patch is too small.
    """

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the number of earlier frames in a source."""
        return frames_of(spec)

    def __init__(
        self,
        channels: int = 3,
        frames: int = 4,
        patch: int = 32,
        widths: Sequence[Sequence[int]] = ((64,), (64, 128, 128), (128, 256, 256), (128, 256, 512, 128)),
        kernels: Sequence[Sequence[int]] = ((3,), (3, 3, 3), (5, 5, 5), (7, 7, 5, 5)),
        hidden: Sequence[Sequence[int]] = ((512, 256), (1024, 512), (1024, 512), (1024, 512)),
    ) -> None:
        super().__init__()
        require_layers("kernels", widths, kernels)
        if len(hidden) != len(widths):
            raise GanzooError(f"hidden: layers of {len(hidden)} scales given, but widths has {len(widths)}.")
        self.patch, self.frames, self.scales = patch, frames, len(widths)
        multiple = 2 ** (self.scales - 1)
        if patch % multiple:
            raise GanzooError(f"patch: {patch} given, but {self.scales} scales need a multiple of {multiple}.")
        self.nets = nn.ModuleList()
        for scale, (maps, row, sizes) in enumerate(zip(widths, kernels, hidden, strict=True)):
            finest = scale == self.scales - 1
            side = (patch >> (self.scales - 1 - scale)) - sum(kernel - 1 for kernel in row)
            side = side // 2 if finest else side
            if side < 1:
                raise GanzooError(f"patch: {patch} given, which the kernels {list(row)} of a scale do not fit into.")
            layers: list[nn.Module] = []
            for (before, after), kernel in zip(pairwise(((frames + 1) * channels, *maps)), row, strict=True):
                layers += [nn.Conv2d(before, after, kernel), nn.ReLU(inplace=True)]
            layers += [nn.MaxPool2d(2)] if finest else []
            layers.append(nn.Flatten())
            for before, after in pairwise((maps[-1] * side**2, *sizes)):
                layers += [nn.Linear(before, after), nn.ReLU(inplace=True)]
            self.nets.append(nn.Sequential(*layers, nn.Linear(sizes[-1], 1)))

    def forward(self, frame: Tensor, earlier: Tensor, *coarser: Tensor) -> Tensor:
        """Maps a frame at all scales, and the frames before it, to logits (N, scales), the coarsest first.

        Args:
            frame: at the finest scale, (N, channels, patch, patch).
            earlier: (N, frames * channels, patch, patch).
            *coarser: the frame at the other scales, the coarsest first.
        """
        both = zip(mean_pyramid(earlier, self.scales), (*coarser, frame), strict=True)
        return torch.cat([net(torch.cat(pair, 1)) for net, pair in zip(self.nets, both, strict=True)], 1)


def require_layers(
    field: str, widths: Sequence[Sequence[int]], kernels: Sequence[Sequence[int]], more: int = 0
) -> None:
    """Raises GanzooError unless every scale has as many kernels as widths, and so many more."""
    wanted, there = [len(row) + more for row in widths], [len(row) for row in kernels]
    if wanted != there or not wanted or not all(map(len, widths)):
        raise GanzooError(f"{field}: {there} given for the scales, but their widths need {wanted}, each at least one.")


def _same(channels: Sequence[int], kernels: Sequence[int]) -> nn.Sequential:
    """Returns convolutions that keep the size, with ReLU between them."""
    layers: list[nn.Module] = []
    for (before, after), kernel in zip(pairwise(channels), kernels, strict=True):
        layers += [nn.Conv2d(before, after, kernel, padding=kernel // 2), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])
