"""A game that grows as ProGAN does, from 4 to 8 or 16 pixels, in a few layers; the same weights every time."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, leaky_relu

from ganzoo.games.growth import Growth
from ganzoo.models.gan import VanillaGAN
from ganzoo.networks.growing import Growing


def sides(side: int) -> list[int]:
    return [4 * 2**level for level in range((side // 4).bit_length())]


class GrowingGenerator(Growing):
    """Latent vectors to grey images: a linear layer to 4x4, a convolution and an output for each side."""

    def __init__(self, side: int = 8, latent_dim: int = 6, width: int = 4) -> None:
        super().__init__(sides(side))
        self.latent_dim, self.shape = latent_dim, (1, side, side)
        self.first = nn.Linear(latent_dim, width * 16)
        self.layers = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in self.sides)
        self.outputs = nn.ModuleList(nn.Conv2d(width, 1, 1) for _ in self.sides)

    def forward(self, z: Tensor) -> Tensor:
        x = before = leaky_relu(self.layers[0](self.first(z).unflatten(1, (-1, 4, 4))), 0.2)
        for layer in self.layers[1 : self.level + 1]:
            before, x = x, leaky_relu(layer(interpolate(x, scale_factor=2)), 0.2)
        image = self.outputs[self.level](x)
        if self.fading:
            image = self.blend(interpolate(self.outputs[self.level - 1](before), scale_factor=2), image)
        return image


class GrowingDiscriminator(Growing):
    """Grey images to logits: an input for each side, and the generator's layers the other way round."""

    def __init__(self, side: int = 8, width: int = 4) -> None:
        super().__init__(sides(side))
        self.shape = (1, side, side)
        self.inputs = nn.ModuleList(nn.Conv2d(1, width, 1) for _ in self.sides)
        self.layers = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in self.sides)
        self.last = nn.Linear(width * 16, 1)

    def forward(self, image: Tensor) -> Tensor:
        x = leaky_relu(self.inputs[self.level](image), 0.2)
        for level in range(self.level, 0, -1):
            x = avg_pool2d(leaky_relu(self.layers[level](x), 0.2), 2)
            if self.fading and level == self.level:
                x = self.blend(leaky_relu(self.inputs[level - 1](avg_pool2d(image, 2)), 0.2), x)
        return self.last(leaky_relu(self.layers[0](x), 0.2).flatten(1)).flatten()


def grower(growth: Growth | None = None, side: int = 8, **options: Any) -> VanillaGAN:
    torch.manual_seed(0)
    growth = growth or Growth(sides(side), fade=600, stable=450)
    return VanillaGAN(GrowingGenerator(side), GrowingDiscriminator(side), growth=growth, **options)


RECIPE = """
model:
  class_path: ganzoo.models.gan.VanillaGAN
  init_args:
    generator: {class_path: growers.GrowingGenerator}
    discriminator: {class_path: growers.GrowingDiscriminator}
    growth: {sides: [4, 8], fade: 400, stable: 200, batch_sizes: [50, 25], lr_factors: [1.0, 0.5]}
    ema: {half_life: 200}
data: {class_path: ganzoo.data.Digits, init_args: {batch_size: 100}}
quality: {samples: 50}
grid: {samples: 16}
trainer: {max_steps: 30, val_check_interval: 10, log_every_n_steps: 1, accelerator: cpu}
"""
