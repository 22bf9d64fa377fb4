"""Pictures of stripes, drawn when they are needed: a data set that has nothing to download."""

import math

import torch

from ganzoo.data import DataModule
from ganzoo.data.base import Loaded, Split


class Stripes(DataModule):
    """Grey pictures of stripes of random direction, width and phase.

    Args:
        size: height and width in pixels.
        samples: training pictures; a quarter as many are held out.
        batch_size: pictures per process.
        flip: mirror half of the training pictures.
    """

    title = "stripes"
    licence = "CC0-1.0"
    source = "generated"

    def __init__(self, size: int = 16, samples: int = 4000, batch_size: int = 64, flip: bool = False) -> None:
        super().__init__(batch_size, flip)
        self.shape = (1, size, size)
        self.samples = samples

    def load(self, split: Split) -> Loaded:
        """Draws a split, the same each time: uint8 (N, 1, size, size), and no labels."""
        n, seed = (self.samples, 0) if split == "train" else (self.samples // 4, 1)
        angle, waves, phase = torch.rand(3, n, 1, 1, generator=torch.Generator().manual_seed(seed))
        axis = torch.linspace(-1, 1, self.shape[1])
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        along = x * (math.pi * angle).cos() + y * (math.pi * angle).sin()
        height = torch.sin((3 + 3 * waves) * along + 2 * math.pi * phase)
        return ((height + 1) * 127.5).round().byte().unsqueeze(1), None
