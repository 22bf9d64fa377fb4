"""Scores of generated points in the plane, where everything can be counted exactly."""

from typing import Any

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from ganzoo.common.errors import GanzooError

RADIUS = 3.0


class PointScores(Metric):
    """Modes covered, share of good samples and Wasserstein distance of generated 2-D points.

    With centres (a mixture of Gaussians) the first two follow Srivastava et al. 2017, "VEEGAN: Reducing Mode Collapse
    in GANs using Implicit Variational Learning", section 4.1 (https://arxiv.org/abs/1705.07761), as PacGAN does: a
    sample is good when it lies within 3 standard deviations of its nearest centre, and a mode is covered when it is
    the nearest of at least one good sample. Of the true distribution 98.9% is good.

    Without centres (a curve with noise) there are no modes to count, and a sample is good when it lies within 3
    standard deviations of its nearest real point.

    The Wasserstein-1 distance, in the units of the coordinates, is that of the optimal assignment between equally many
    real and generated points, at most `limit` of each, picked with a fixed seed. It is exact for these points; between
    two finite draws of one distribution it is small, but not zero.

    Args:
        centres: The modes (K, 2), or None.
        std: Standard deviation of the data around its centres or its curve, in each coordinate.
        limit: The most points of each kind that are assigned to one another.
        reset_real: Whether `reset` forgets the real points, too.
        kwargs: For torchmetrics' `Metric`.

    Raises:
        GanzooError: `std` is not positive.
    """

    full_state_update = False
    real: list[Tensor]
    fake: list[Tensor]

    def __init__(self, centres: Tensor | None, std: float, limit: int = 1000, reset_real: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        if std <= 0:
            raise GanzooError(f"data.std: {std} given, but scores of points need a positive one; 0.02, for example.")
        self.centres = centres
        self.std = std
        self.limit = limit
        self.reset_real = reset_real
        self.add_state("real", [], dist_reduce_fx="cat")
        self.add_state("fake", [], dist_reduce_fx="cat")

    def update(self, points: Tensor, real: bool) -> None:
        """Adds points (N, 2), real or generated."""
        (self.real if real else self.fake).append(points.detach().float())

    def reset(self) -> None:
        """Forgets the points; the real ones only if `reset_real`."""
        real = list(self.real)
        super().reset()
        if not self.reset_real:
            self.real = real

    def compute(self) -> dict[str, Tensor]:
        """Returns `modes` (only with centres), `good` in [0, 1] and `wasserstein` (only with real points)."""
        fake = dim_zero_cat(self.fake)
        targets = dim_zero_cat(self.real) if self.centres is None else self.centres.to(fake)
        distance, index = _nearest(fake, targets)
        good = distance <= RADIUS * self.std
        scores = {"good": good.float().mean()}
        if self.centres is not None:
            scores["modes"] = torch.tensor(float(index[good].unique().numel()))
        if len(self.real):
            scores["wasserstein"] = wasserstein(dim_zero_cat(self.real), fake, self.limit)
        return scores


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
