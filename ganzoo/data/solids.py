"""Solids of voxels for experiments in three dimensions: boxes, balls, cylinders, cones and rings of all proportions."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ganzoo.common.errors import require_at_least
from ganzoo.common.kinds import VOXELS
from ganzoo.common.seeding import mix
from ganzoo.data.base import DataModule, Loaded, Split

TEST_SAMPLES = 500
LEAST = 8  # voxels of a side, below which rings have no hole
BLOCK = 2**22  # voxels that are decided on at a time
RADII = ((0.22, 0.22, 0.22), (0.35, 0.45, 0.35))  # least and largest half of width, height and depth, of a side
TUBE = 0.35  # radius of a ring's tube, as a share of the whole ring's; a ring lies on the floor

# What is inside of a solid that fills [-1, 1] in each direction: u to the right, v up, w to the back.
INSIDE: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "box": lambda u, v, w: torch.maximum(u.abs(), w.abs()) < 1,
    "ball": lambda u, v, w: u**2 + v**2 + w**2 < 1,
    "cylinder": lambda u, v, w: u**2 + w**2 < 1,
    "cone": lambda u, v, w: u**2 + w**2 < ((1 - v) / 2) ** 2,
    "ring": lambda u, v, w: ((u**2 + w**2).sqrt() - (1 - TUBE)) ** 2 + (v + 1 - TUBE) ** 2 < TUBE**2,
}


class Solids(DataModule):
    """Solids (1, size, size, size) of voxels that stand on the floor, full at 1 and empty at -1, in five classes.

    Width, height and depth are drawn independently, and each solid is turned about the vertical by any angle. The
    test split is fresh solids of the same distribution.

    Args:
        size: voxels of a side, 8 at least.
        samples: training solids.
        seed: seed of the solids; that of the run changes only their order.
        batch_size: solids per process.
    """

    title = "solids"
    licence = "CC0-1.0"
    source = "generated"
    kind = VOXELS
    class_names = tuple(INSIDE)
    n_classes = len(INSIDE)

    def __init__(self, size: int = 32, samples: int = 2000, seed: int = 0, batch_size: int = 32) -> None:
        super().__init__(batch_size)
        require_at_least("data.size", size, LEAST)
        require_at_least("data.samples", samples, 1)
        self.size, self.samples, self.seed = size, samples, seed
        self.shape = (1, size, size, size)

    def load(self, split: Split) -> Loaded:
        """Draws the solids of a split, uint8 (N, 1, D, H, W), and their classes (N,), which take turns."""
        n, stream = (self.samples, 0) if split == "train" else (TEST_SAMPLES, 1)
        generator = torch.Generator().manual_seed(mix(self.seed, stream))
        least, largest = map(torch.tensor, RADII)
        radius = least + (largest - least) * torch.rand(n, 3, generator=generator)
        angle = math.pi * torch.rand(n, generator=generator)
        labels = torch.arange(n) % self.n_classes
        step = max(1, BLOCK // self.size**3)
        blocks = zip(labels.split(step), radius.split(step), angle.split(step), strict=True)
        return torch.cat([self._fill(*block) for block in blocks])[:, None], labels

    def _fill(self, labels: Tensor, radius: Tensor, angle: Tensor) -> Tensor:
        """Returns solids of these classes (N,), radii (N, 3) and angles (N,) as uint8 (N, D, H, W)."""
        centre = (torch.arange(self.size) + 0.5) / self.size - 0.5
        z, y, x = torch.meshgrid(centre, -centre, centre, indexing="ij")  # y up
        cos, sin = (turn[:, None, None, None] for turn in (angle.cos(), angle.sin()))
        wide, high, deep = (axis[:, None, None, None] for axis in radius.unbind(1))
        u, v, w = (cos * x + sin * z) / wide, (y + 0.5 - high) / high, (cos * z - sin * x) / deep
        inside = v.abs() <= 1
        for number, test in enumerate(INSIDE.values()):
            own = labels == number
            inside[own] &= test(u[own], v[own], w[own])
        return inside.to(torch.uint8) * 255
