"""Scores of generated points in the plane, where everything can be counted exactly.

With centres (a mixture of Gaussians) modes and good points are those of Srivastava et al. 2017, "VEEGAN: Reducing Mode
Collapse in GANs using Implicit Variational Learning", section 4.1 (https://arxiv.org/abs/1705.07761), as in PacGAN: a
sample is good when it lies within 3 standard deviations of its nearest centre, and a mode is covered when it is the
nearest of at least one good sample. Of the true distribution 98.9% is good.

Without centres (a curve with noise) there are no modes to count, and a sample is good when it lies within 3 standard
deviations of its nearest real point.

The Wasserstein-1 distance, in the units of the coordinates, is that of the optimal assignment between equally many real
and generated points, picked with a fixed seed. It is exact for these points; between two finite draws of one
distribution it is small, but not zero.
"""

from typing import Any

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from ganzoo.common.errors import GanzooError

RADIUS = 3.0


def keep_points(x: Tensor, first: int, datamodule: Any) -> Tensor:
    """Keeps points (N, 2) as they are."""
    return x.detach().float()


def require_spread(std: float) -> None:
    """Raises GanzooError unless points have a positive standard deviation, by which they are called good."""
    if std <= 0:
        raise GanzooError(f"data.std: {std} given, but scores of points need a positive one; 0.02, for example.")


def good(fake: Tensor, targets: Tensor, std: float) -> Tensor:
    """Returns which points (N, 2) are good (N,): within 3 standard deviations of their nearest target (M, 2)."""
    return _nearest(fake, targets)[0] <= RADIUS * std


def modes(fake: Tensor, centres: Tensor, std: float) -> Tensor:
    """Returns the number of centres (K, 2) that are the nearest one of at least one good point (N, 2)."""
    distance, index = _nearest(fake, centres)
    return torch.tensor(float(index[distance <= RADIUS * std].unique().numel()))


def wasserstein(a: Tensor, b: Tensor, limit: int = 1000) -> Tensor:
    """Returns the Wasserstein-1 distance between two sets of points (N, D) and (M, D), at most `limit` of each."""
    count = min(len(a), len(b), limit)
    costs = torch.cdist(_pick(a, count), _pick(b, count)).numpy()
    rows, columns = linear_sum_assignment(costs)
    return torch.tensor(costs[rows, columns].mean(), dtype=torch.float32)


def _pick(points: Tensor, count: int) -> Tensor:
    """Returns random points, not the first ones: data may be stored mode by mode."""
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(0))
    return points.cpu().double()[order[:count]]


def _nearest(points: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the distance to the nearest target and its index, in chunks, as the whole matrix may take gigabytes."""
    nearest = [torch.cdist(chunk, targets).min(dim=1) for chunk in points.split(1024)]
    return torch.cat([f.values for f in nearest]), torch.cat([f.indices for f in nearest])
