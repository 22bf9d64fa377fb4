"""Minibatch layers, which show a discriminator how much the samples of a batch differ: a guard against collapse.

Both append what they find to their input, (N, C, ...) to (N, C + extra, ...), the same at every place of a map. The
logit of a sample then depends on the others in its batch, in evaluation, too: `mixes_samples` says so to penalties on
the slope of a single sample, which refuse them.
"""

from math import prod
from typing import Literal

import torch
from torch import Tensor, nn

Minibatch = Literal["none", "stddev", "discrimination"]


class MinibatchDiscrimination(nn.Module):
    """Appends how close each sample is to all others, in learned measures: Salimans et al. 2016, section 3.2.

    With M_i = f(x_i) T the b-th new feature of sample i is the sum over j of exp(-||M_ib - M_jb||_1): 1 for a sample
    far from all others, N for N equal ones. The authors' code leaves out j = i and adds a bias; we follow the paper.

    Args:
        in_features: numbers per sample in the input.
        out_features: measures, the paper's B; the authors' code has 100, for wider networks than ours.
        kernel_dim: numbers that a distance is measured in, the paper's C.
    """

    mixes_samples = True

    def __init__(self, in_features: int, out_features: int = 16, kernel_dim: int = 5) -> None:
        super().__init__()
        self.extra = out_features
        self.kernel_dim = kernel_dim
        self.kernels = nn.Linear(in_features, out_features * kernel_dim, bias=False)
        nn.init.normal_(self.kernels.weight, 0.0, in_features**-0.5)  # M as large as f: no distance begins out of reach

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, C, ...) to (N, C + out_features, ...)."""
        rows = self.kernels(x.flatten(1)).float().unflatten(1, (self.extra, self.kernel_dim))
        # number by number, in pieces that a cache holds; cdist's second derivative, for penalties, does not exist
        distances = torch.stack([(m[:, None] - m).abs() for m in rows.movedim(2, 0).contiguous()]).sum(0)
        return _append(x, torch.exp(-distances).sum(1))


class MinibatchStdDev(nn.Module):
    """Appends the mean of all features' standard deviations over the batch: Karras et al. 2018, section 3.

    Args:
        groups: neighbouring parts of a batch that are taken each for itself; 1 as in the paper. Samples of a part may
            change places.
    """

    extra = 1
    mixes_samples = True

    def __init__(self, groups: int = 1) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, C, ...) to (N, C + 1, ...)."""
        spreads = []
        for group in x.float().tensor_split(min(self.groups, len(x))):
            spread = (group.var(0, correction=0) + 1e-8).sqrt().mean()  # the root has no gradient at 0
            spreads.append(spread.expand(len(group), 1))
        return _append(x, torch.cat(spreads))


def minibatch_std(x: Tensor, group: int) -> Tensor:
    """Joins to maps (N, C, H, W) the standard deviation over groups of samples, a mean over all, as one more channel.

    Args:
        x: the maps.
        group: samples of a group, which lie N / group apart in the batch; fewer where it does not divide the batch; 0
            for the whole batch.
    """
    n, _, height, width = x.shape
    group = next(count for count in range(min(group or n, n), 0, -1) if n % count == 0)
    spread = x.unflatten(0, (group, -1)).float().var(0, correction=0)
    mean = (spread + 1e-8).sqrt().mean((1, 2, 3)).to(x.dtype)
    return torch.cat([x, mean.repeat(group)[:, None, None, None].expand(n, 1, height, width)], 1)


def minibatch_layers(kind: Minibatch, *shape: int) -> list[MinibatchDiscrimination | MinibatchStdDev]:
    """Returns the minibatch layer of this kind for samples of this shape in a list, which is empty for none."""
    if kind == "none":
        return []
    return [MinibatchStdDev() if kind == "stddev" else MinibatchDiscrimination(prod(shape))]


def _append(x: Tensor, feature: Tensor) -> Tensor:
    sides = x.shape[2:]
    return torch.cat([x, feature.to(x.dtype).view(*feature.shape, *[1] * len(sides)).expand(-1, -1, *sides)], 1)
