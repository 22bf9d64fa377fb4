"""Sliced Wasserstein distance between Laplacian pyramids: image quality without a network."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo.common.errors import GanzooError

# The plastic number: the powers of its inverse spread points evenly over the unit square (the R2 sequence).
PLASTIC = 1.32471795724474602596


@dataclass(frozen=True)
class SlicedWasserstein:
    """Distance between patches of real and generated images, one value for each level of a Laplacian pyramid.

    Karras et al. 2018, "Progressive Growing of GANs for Improved Quality, Stability, and Variation", section 5
    (https://arxiv.org/abs/1710.10196): 7x7 patches of every level from the full resolution down to 16 pixels, each set
    normalised by its own mean and standard deviation in each channel, are projected on random directions, where the
    Wasserstein-1 distance is a matter of sorting. Values are multiplied by 1,000, as in the paper.

    Departures: patches lie on a low-discrepancy sequence, so that equal images give equal patches and exactly 0; images
    of less than 16 pixels have one level and 5x5 patches; sets of different sizes are compared by their quantiles.

    Memory: `patches` x levels x 49 x C x 4 bytes an image, about 40 kB for 64 grey pixels. Time: `patches` are thinned
    out evenly to `limit` for each level and set before they are sorted.

    Args:
        patches: Patches taken from an image at each level.
        directions: Random projections.
        limit: The most patches of each set that are projected at a level.
        seed: Of the projections.
        alike: Whether both sets are normalised by the real one's mean and standard deviation, so that contrast counts.
    """

    patches: int = 64
    directions: int = 256
    limit: int = 2**16
    seed: int = 0
    alike: bool = False

    def cut(self, images: Tensor, first: int = 0) -> Tensor:
        """Returns the patches (N, levels, patches, C, k, k) of images (N, C, H, W), H and W at least 8 pixels.

        Args:
            images: A batch.
            first: Number of images of their set that came before.

        Raises:
            GanzooError: The images are smaller.
        """
        size = min(images.shape[-2:])
        if size < 8:
            raise GanzooError(f"swd: images of {size} pixels given, but they must have at least 8.")
        patch = 7 if size >= 16 else 5
        levels = laplacian_pyramid(images.detach().float())
        return torch.stack([self._sample(level, patch, first) for level in levels], dim=1)

    def distance(self, real: Tensor, fake: Tensor) -> Tensor:
        """Returns the mean distance over the levels, times 1,000, of patches (N, levels, patches, C, k, k)."""
        return self.levels(real, fake).mean()

    def levels(self, real: Tensor, fake: Tensor) -> Tensor:
        """Returns the distance at each level, times 1,000, finest first."""
        return torch.stack([self._distance(real[:, i], fake[:, i]) for i in range(real.shape[1])]) * 1000

    def resampled(self, real: Tensor, fake: Tensor, often: Tensor, fake_often: Tensor, directions: int = 16) -> Tensor:
        """Returns the distance of many resamples of images at once, for bootstrap intervals.

        Whitening stays that of all images; fewer directions tell as much about the spread.

        Args:
            real: Patches (N, levels, patches, C, k, k).
            fake: Likewise (M, ...).
            often: How often each real image was drawn (resamples, N).
            fake_often: Likewise (resamples, M).
            directions: Random projections.
        """
        total = torch.zeros(len(often), device=real.device)
        levels = real.shape[1]
        for level in range(levels):
            pairs = ((real[:, level], often), (fake[:, level], fake_often))
            patches = self._normalise(*(x for x, _ in pairs))
            sides = [(y, self._weights(x, times)) for y, (x, times) in zip(patches, pairs, strict=True)]
            weights = torch.cat([sides[0][1], -sides[1][1]], 1)
            generator = torch.Generator().manual_seed(self.seed)
            for direction in F.normalize(torch.randn(directions, sides[0][0].shape[1], generator=generator), dim=1):
                values, order = torch.cat([patches @ direction.to(patches) for patches, _ in sides]).sort()
                # the area between both distribution functions, whose steps these weights are
                total += weights[:, order].cumsum(1)[:, :-1].abs() @ values.diff()
        return total / (levels * directions) * 1000

    def _sample(self, level: Tensor, size: int, first: int) -> Tensor:
        """Cuts patches (N, patches, C, size, size) out of (N, C, H, W); `first` is the number of images before."""
        n, channels, height, width = level.shape
        index = torch.arange(first * self.patches, (first + n) * self.patches, dtype=torch.float64) + 1
        top = (index / PLASTIC % 1 * (height - size + 1)).long()
        left = (index / PLASTIC**2 % 1 * (width - size + 1)).long()
        offsets = torch.arange(size)
        rows = (top[:, None, None] + offsets[:, None]).view(n, -1, size, 1)
        columns = (left[:, None, None] + offsets).view(n, -1, 1, size)
        # Flat positions serve all channels of an image at once.
        flat = (rows * width + columns).view(n, 1, -1).to(level.device).expand(-1, channels, -1)
        patches = level.flatten(2).gather(2, flat)
        return patches.view(n, channels, self.patches, size, size).transpose(1, 2)

    def _distance(self, real: Tensor, fake: Tensor) -> Tensor:
        real, fake = self._normalise(real, fake)
        generator = torch.Generator().manual_seed(self.seed)
        directions = F.normalize(torch.randn(self.directions, real.shape[1], generator=generator), dim=1)
        total = torch.zeros((), dtype=torch.float64)
        for chunk in directions.to(real).split(32):
            a, b = ascending(chunk @ real.T), ascending(chunk @ fake.T)
            count = min(a.shape[1], b.shape[1])
            total += (_quantiles(a, count) - _quantiles(b, count)).abs().mean(dim=1).sum().double().cpu()
        return (total / self.directions).float()

    def _weights(self, patches: Tensor, often: Tensor) -> Tensor:
        """Returns the weights (resamples, P), sum 1, of those patches of images that are projected."""
        images, each = patches.shape[:2]
        chosen = torch.arange(0, images * each, self._step(images * each), device=patches.device) // each
        weights = often[:, chosen]
        return weights / weights.sum(1, keepdim=True)

    def _step(self, count: int) -> int:
        return -(-count // self.limit)

    def _normalise(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Whitens each channel of (N, patches, C, k, k) and flattens to at most (limit, C * k * k)."""
        sets = [x.flatten(0, 1) for x in (real, fake)]
        sets = [x[:: self._step(len(x))] for x in sets]
        scales = [torch.std_mean(x, dim=(0, 2, 3), keepdim=True) for x in sets]
        if self.alike:
            scales[1] = scales[0]
        # A constant channel stays zero.
        a, b = (((x - mean) / std.clamp_min(1e-8)).flatten(1) for x, (std, mean) in zip(sets, scales, strict=True))
        return a, b


def ascending(x: Tensor) -> Tensor:
    """Returns a tensor with its last dimension sorted."""
    if x.device.type != "cpu":
        return x.sort().values
    return torch.from_numpy(np.sort(x.numpy()))  # with vector instructions, which PyTorch's lacks: 15 times as fast


def laplacian_pyramid(images: Tensor) -> list[Tensor]:
    """Splits (N, C, H, W) into band-pass levels, finest first, and the low-pass rest of at least 16 pixels."""
    levels = []
    while min(images.shape[-2:]) >= 32:
        smaller = _blur(images)[..., ::2, ::2]
        levels.append(images - _enlarge(smaller, images.shape[-2:]))
        images = smaller
    return [*levels, images]


def _enlarge(images: Tensor, size: tuple[int, ...] | torch.Size) -> Tensor:
    spaced = images.new_zeros(*images.shape[:2], *size)
    spaced[..., ::2, ::2] = images
    return _blur(spaced) * 4


def _blur(images: Tensor) -> Tensor:
    """Blurs with Burt and Adelson's 5-tap filter, mirrored at the border."""
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], dtype=images.dtype, device=images.device) / 16
    n, channels, height, width = images.shape
    padded = F.pad(images, (2, 2, 2, 2), mode="reflect").view(n * channels, 1, height + 4, width + 4)
    return F.conv2d(padded, taps.outer(taps)[None, None]).view(n, channels, height, width)


def _quantiles(values: Tensor, count: int) -> Tensor:
    """Returns `count` evenly spaced quantiles of sorted values (D, N), linear between neighbours."""
    n = values.shape[1]
    if n == count:
        return values
    position = (torch.arange(count, dtype=torch.float64, device=values.device) + 0.5) * n / count - 0.5
    low = position.floor().clamp(0, n - 1).long()
    share = (position - low).to(values.dtype)
    return torch.lerp(values[:, low], values[:, (low + 1).clamp(max=n - 1)], share)


def cut_frames(metric: SlicedWasserstein, clips: Tensor, first: int = 0) -> Tensor:
    """Returns patches (N, levels, patches, C, k, k) of clips (N, C, T, H, W), shared out to their frames.

    Args:
        metric: says how many patches there are of a clip; of more frames there is one each.
        clips: a batch.
        first: number of clips of their set that came before.
    """
    frames = clips.shape[2]
    each = replace(metric, patches=max(1, metric.patches // frames))
    patches = each.cut(clips.transpose(1, 2).flatten(0, 1), first * frames)
    return patches.unflatten(0, (len(clips), frames)).transpose(1, 2).flatten(2, 3)
