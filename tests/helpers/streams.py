"""A small VGAN on clips of flying discs, the same weights every time."""

from typing import Any

import torch
from toys import Discs

from ganzoo.models.vgan import VGAN
from ganzoo.networks.vgan import VGANDiscriminator, VGANGenerator

SHAPE = Discs.shape


def vgan(**options: Any) -> VGAN:
    """A game of networks with two layers each."""
    torch.manual_seed(0)
    return VGAN(VGANGenerator(SHAPE, 6, (8, 4)), VGANDiscriminator(SHAPE, (4, 8)), **options)
