"""A small game of domain adaptation, and bars in two domains for it."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.data import DataModule
from ganzoo.models.dann import DANN
from ganzoo.networks.lenet import Head, LeNetFeatures


def dann(**options: Any) -> DANN:
    """A game on 16-pixel grey images with two classes; the same weights every time."""
    torch.manual_seed(0)
    features = LeNetFeatures(16, 1, (4, 6))
    return DANN(features, Head(features.n_features, (12,), 2), Head(features.n_features, (12,), 1), **options)


class Bars(DataModule):
    """Upright and lying bars, white on black in the source, white on grey in the target."""

    title = "bars"
    shape = (1, 16, 16)
    n_classes = 2

    def load(self, split: str) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(len(split))
        images, labels = torch.zeros(256, 1, 16, 16, dtype=torch.uint8), torch.arange(256) % 2
        for image, label, place in zip(images, labels, torch.randint(3, 13, (256,), generator=generator), strict=True):
            image[:, *((slice(None), place) if label else (place, slice(None)))] = 255
        return images, labels

    def make(self, x: Tensor, y: Tensor, generator: torch.Generator, train: bool) -> tuple[Tensor, Any]:
        target = x.clamp(min=0)
        return (x, (target.flip(0), y)) if train else (target, y)
