"""Projected GANs on a random pyramid in EfficientNet's place, for machines without the extra `imagenet`."""

import importlib.util
from functools import cached_property
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganzoo.models.projected_gan import ProjectedGAN
from ganzoo.networks import efficientnet
from ganzoo.networks.fastgan import FastGANGenerator
from ganzoo.networks.projected import ProjectedGANDiscriminator

installed = all(importlib.util.find_spec(module) for module in efficientnet.PACKAGES)
needs_extra = pytest.mark.skipif(not installed, reason="pip install 'ganzoo-lightning[imagenet]'")


class Pyramid(nn.Module):
    """Frozen maps of EfficientNet's sides and channels: a strided convolution and BatchNorm for each."""

    def __init__(self) -> None:
        super().__init__()
        channels = efficientnet.EfficientNetPyramid.channels
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.stem = nn.Conv2d(3, 8, 2, stride=2)
            sizes = list(zip((8, *channels), channels, strict=False))
            self.stages = nn.ModuleList(nn.Sequential(nn.Conv2d(*s, 2, stride=2), nn.BatchNorm2d(s[1])) for s in sizes)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps, x = [], self.stem(x)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class Judges(ProjectedGANDiscriminator):
    """Discriminators on the random pyramid."""

    @cached_property
    def backbone(self) -> Any:
        return Pyramid().to(next(self.mixing.buffers()))


def judges(size: int = 64, resolution: int = 64, seed: int = 0, **options: Any) -> Judges:
    """Narrow discriminators of colour images; the same weights every time."""
    torch.manual_seed(seed)
    return Judges(size, 3, resolution, mixing=4, width=16, **options)


def projected_gan(generator: nn.Module | None = None, separable: bool = False, **options: Any) -> ProjectedGAN:
    """A game on colour images of 32 pixels, unless a generator of others is given; the same weights every time."""
    torch.manual_seed(0)
    made = generator or FastGANGenerator(32, 3, latent_dim=4, width=2)
    return ProjectedGAN(made, judges(made.shape[1], separable=separable), **options)
