"""Denoising diffusion GANs on small pictures, and games whose discriminators see noise of adaptive chains."""

from collections.abc import Sequence
from typing import Any

import torch
from projecting import projected_gan
from tiny import conv

from ganzoo.models.ddgan import DDGAN
from ganzoo.models.diffusion_gan import DiffusionGAN
from ganzoo.models.projected_gan import ProjectedGAN
from ganzoo.networks.ddgan import DDGANDiscriminator
from ganzoo.networks.ncsnpp import NCSNppGenerator
from ganzoo.networks.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator
from ganzoo.stabilisers import Diffusion

GROWING = {"target": -2.0, "images": 400, "interval": 2}  # T rises whatever the discriminator says


def ddgan(size: int = 8, channels: int = 1, multipliers: Sequence[int] = (1, 2), **options: Any) -> DDGAN:
    """A game of small networks, which attend to the smallest maps; the same weights every time."""
    torch.manual_seed(0)
    generator = NCSNppGenerator(size, channels, 4, multipliers, 1, (4,), 4, 8, 1)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))  # or it would begin by guessing zeros
    return DDGAN(generator, DDGANDiscriminator(size, channels, 2, (2, 4), time_dim=8), **options)


def noisy(**options: Any) -> Any:
    """A game of convolutional networks on 8-pixel digits behind a chain that grows."""
    return conv(stabilisers=[Diffusion(**GROWING)], **options)


def noisy_maps(**options: Any) -> ProjectedGAN:
    """A projected GAN, whose maps have noise of a chain that grows."""
    diffusion = Diffusion(
        **GROWING, sigma=0.5, t_min=5, t_max=500, beta_max=1e-2, share=0.75, growing=True, features=True
    )
    return projected_gan(stabilisers=[diffusion], **options)


def diffusion_gan(**options: Any) -> DiffusionGAN:
    """StyleGAN2's networks on colour images of 32 pixels, with a timed discriminator; the same weights every time."""
    torch.manual_seed(0)
    generator = StyleGAN2Generator(32, 3, 8, 8, 2, 64, 8)
    return DiffusionGAN(
        generator, StyleGAN2Discriminator(32, 3, 64, 8, group=2, mapping_layers=2, timed=True), **options
    )
