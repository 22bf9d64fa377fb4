"""A small 3D-GAN on generated shapes of 16 voxels a side, the same weights every time."""

from typing import Any

import torch

from ganzoo.data import Shapes
from ganzoo.models.three_d_gan import ThreeDGAN
from ganzoo.networks.three_d_gan import ThreeDGANDiscriminator, ThreeDGANGenerator


def three_d_gan(**options: Any) -> ThreeDGAN:
    """A game of networks with three layers each."""
    torch.manual_seed(0)
    return ThreeDGAN(ThreeDGANGenerator(16, 1, 6, (8, 4)), ThreeDGANDiscriminator(16, 1, (4, 8)), **options)


def shapes(**options: Any) -> Shapes:
    """64 shapes of 16 voxels a side, in 8 batches."""
    return Shapes(**{"size": 16, "samples": 64, "batch_size": 8} | options)
