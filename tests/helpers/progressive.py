"""Variants that grow, in a few channels on digits of 16 pixels, as games and as recipes."""

from collections.abc import Callable
from typing import Any

import torch

from ganzoo.games.gan import GAN
from ganzoo.games.growth import Growth
from ganzoo.models.progan import ProGAN
from ganzoo.models.stylegan import StyleGAN
from ganzoo.networks.progan import ProGANDiscriminator, ProGANGenerator
from ganzoo.networks.stylegan import StyleGANDiscriminator, StyleGANGenerator


def progan(fade: int = 200, stable: int = 100, **options: Any) -> ProGAN:
    """ProGAN with four channels; the same weights every time."""
    torch.manual_seed(0)
    generator = ProGANGenerator(16, 1, 6, 64, 4)
    growth = Growth([4, 8, 16], fade, stable)
    return ProGAN(generator, ProGANDiscriminator(16, 1, 64, 4), growth=growth, **options)


def stylegan(fade: int = 200, stable: int = 100, cutoff: int | None = 8, **options: Any) -> StyleGAN:
    """StyleGAN with four channels; the same weights every time."""
    torch.manual_seed(0)
    generator = StyleGANGenerator(16, 1, 6, 5, 2, 64, 4, cutoff=cutoff)
    growth = Growth([8, 16], fade, stable)
    return StyleGAN(generator, StyleGANDiscriminator(16, 1, 64, 4), growth=growth, **options)


GAMES: dict[str, Callable[..., GAN]] = {"progan": progan, "stylegan": stylegan}
RECIPES = {
    "progan": """
model:
  class_path: ganzoo.models.progan.ProGAN
  init_args:
    generator:
      class_path: ganzoo.networks.progan.ProGANGenerator
      init_args: {latent_dim: 6, base: 64, largest: 4}
    discriminator:
      class_path: ganzoo.networks.progan.ProGANDiscriminator
      init_args: {base: 64, largest: 4}
    growth: {sides: [4, 8, 16], fade: 200, stable: 100}
    augment: translation,cutout
""",
    "stylegan": """
model:
  class_path: ganzoo.models.stylegan.StyleGAN
  init_args:
    generator:
      class_path: ganzoo.networks.stylegan.StyleGANGenerator
      init_args: {latent_dim: 6, w_dim: 5, mapping_layers: 2, base: 64, largest: 4}
    discriminator:
      class_path: ganzoo.networks.stylegan.StyleGANDiscriminator
      init_args: {base: 64, largest: 4}
    growth: {sides: [8, 16], fade: 200, stable: 100}
    ema: {half_life: 50}
    g_lr: 0.01  # away from the constant of ones, whose normalisation magnifies rounding
""",
}
ON_DIGITS = """
data: {class_path: ganzoo.data.Digits, init_args: {size: 16, batch_size: 50}}
quality: {samples: 50}
grid: {samples: 16}
trainer: {max_steps: 16, val_check_interval: 4, log_every_n_steps: 1, accelerator: cpu}
"""
