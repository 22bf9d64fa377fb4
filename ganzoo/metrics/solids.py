"""Comparison of voxel grids, solid by solid."""

from typing import Any

import torch
from torch import Tensor

LIMIT = 1000  # solids of either side that are compared with each other
BLOCK = 100  # at a time: their full voxels as float32


def keep_full(x: Tensor, first: int, datamodule: Any) -> Tensor:
    """Keeps which voxels are full (N, C * D * H * W): those above 0, as bytes of 0 and 1."""
    return (x > 0).flatten(1).byte()


def picked(solids: Tensor) -> Tensor:
    """Returns at most 1,000 solids (N, D), picked with a fixed seed, as data may be stored by class."""
    order = torch.randperm(len(solids), generator=torch.Generator().manual_seed(0))[:LIMIT]
    return solids[order.sort().values.to(solids.device)]


def best_matches(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Returns how far each real solid is from the nearest sample, and the real solid nearest to each sample.

    Args:
        real: Full voxels (N, D) as 0 and 1.
        fake: Of samples (M, D).

    Returns:
        Distances (N,), 1 less the intersection over union, of which that of two empty solids is 1; and indices (M,).
    """
    a, b = real.sum(1, dtype=torch.float32), fake.sum(1, dtype=torch.float32)
    blocks = []
    for part, size in zip(real.split(BLOCK), a.split(BLOCK), strict=True):
        common = torch.cat([part.float() @ other.float().T for other in fake.split(BLOCK)], 1)
        union = size[:, None] + b - common
        blocks.append(torch.where(union > 0, common / union.clamp_min(1), 1.0))
    similarity = torch.cat(blocks)
    return 1 - similarity.max(1).values, similarity.argmax(0)
