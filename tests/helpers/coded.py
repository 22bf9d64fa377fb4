"""A small VQGAN and a GAN over its latents, on 8-pixel digits: models with the same weights every time, and recipes."""

from typing import Any

import torch

from ganzoo.models.latent_gan import LatentGAN
from ganzoo.models.vqgan import VQGAN
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator
from ganzoo.networks.patch import PatchGAN
from ganzoo.networks.vqgan import VQAutoencoder

LATENT = [4, 4, 4]
NETWORK = """
      class_path: ganzoo.networks.vqgan.VQAutoencoder
      init_args: {size: 8, channels: 1, codes: 16, code_dim: 4, z_channels: 4, width: 8, multipliers: [1, 2], blocks: 1,
        attention: [4], groups: 4}
"""
CODED = f"""
model:
  class_path: ganzoo.models.vqgan.VQGAN
  init_args:
    generator: {NETWORK}
    discriminator: {{class_path: ganzoo.networks.patch.PatchGAN, init_args: {{channels: 1, width: 4, field: 16}}}}
    content: pixels
    adversarial: 1.0
    window: 2
    revive: true
    g_lr: 0.01
    d_lr: 0.01
"""
LATENTS = f"""
model:
  class_path: ganzoo.models.latent_gan.LatentGAN
  init_args:
    generator: {{class_path: ganzoo.networks.mlp.MLPGenerator,
      init_args: {{shape: {LATENT}, latent_dim: 6, hidden: [16], squash: false}}}}
    discriminator: {{class_path: ganzoo.networks.mlp.MLPDiscriminator,
      init_args: {{shape: {LATENT}, hidden: [16], dropout: 0.0}}}}
    autoencoder: {NETWORK}
"""


def autoencoder() -> VQAutoencoder:
    torch.manual_seed(0)
    return VQAutoencoder(8, 1, 16, 4, 4, 8, (1, 2), 1, (4,), groups=4)


def vqgan(**options: Any) -> VQGAN:
    network = autoencoder()
    return VQGAN(network, PatchGAN(1, 4, 16), **{"content": "pixels", "adversarial": 1.0} | options)


def latent_gan(**options: Any) -> LatentGAN:
    network = autoencoder()
    generator = MLPGenerator(LATENT, 6, (16,), squash=False)
    return LatentGAN(generator, MLPDiscriminator(LATENT, (16,), dropout=0.0), network, **options)
