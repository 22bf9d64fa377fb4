"""A small GANsformer of 8-pixel digits, the same weights every time."""

import torch

from ganzoo.models.gansformer import GANsformer
from ganzoo.networks.gansformer import GansformerGenerator
from ganzoo.networks.stylegan2 import StyleGAN2Discriminator


def gansformer(attention="duplex", **options) -> GANsformer:
    """A game of three components and a global one, of four numbers each."""
    torch.manual_seed(0)
    generator = GansformerGenerator(8, 1, 3, 4, 1, base=32, largest=8, attention=attention)
    return GANsformer(generator, StyleGAN2Discriminator(8, 1, 32, 8), **options)


RECIPE = """
model:
  class_path: ganzoo.models.gansformer.GANsformer
  init_args:
    generator:
      class_path: ganzoo.networks.gansformer.GansformerGenerator
      init_args: {size: 8, channels: 1, components: 3, component_dim: 4, mapping_blocks: 1, base: 32, largest: 8}
    discriminator:
      class_path: ganzoo.networks.stylegan2.StyleGAN2Discriminator
      init_args: {size: 8, channels: 1, base: 32, largest: 8}
    r1_every: 3
    path_weight: 2
    path_every: 2
data: {class_path: ganzoo.data.Digits, init_args: {batch_size: 40, num_workers: 0}}
quality: {samples: 40, metrics: [swd]}
grid: {samples: 4, walks: 2}
trainer: {max_steps: 8, val_check_interval: 4, log_every_n_steps: 1, accelerator: cpu}
"""
