"""TransGAN and ViTGAN on 8-pixel digits, the same weights every time."""

from typing import Any

import torch

from ganzoo.models.transgan import TransGAN
from ganzoo.models.vitgan import ViTGAN
from ganzoo.networks.transgan import TransGANDiscriminator, TransGANGenerator
from ganzoo.networks.vitgan import ViTGANDiscriminator, ViTGANGenerator


def transgan(**options: Any) -> TransGAN:
    """Transformers of 32 numbers a token at 4 pixels and 8 at 8, whose discriminator's noise has a strength."""
    torch.manual_seed(0)
    discriminator = TransGANDiscriminator(8, 1, 16, 1)
    torch.nn.init.constant_(discriminator.last_block.attention.noise_strength, 0.1)
    return TransGAN(TransGANGenerator(8, 1, 4, 32, [1, 1], window=4), discriminator, **options)


def vitgan(output: str = "convolutions", **options: Any) -> ViTGAN:
    """Transformers of 16 tokens on both sides."""
    torch.manual_seed(0)
    sizes = {"dim": 8, "depth": 1, "heads": 2}
    generator = ViTGANGenerator(8, 1, 4, 6, 2, **sizes, side=4, output=output, base=64, largest=8, hidden=8)
    return ViTGAN(generator, ViTGANDiscriminator(8, 1, **sizes, patch=2, overlap=1), **options)
