"""A toy style-based generator of 8-pixel digits: a mapping network, and a synthesis network with styles and noise."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu

from ganzoo.games.gan import GAN
from ganzoo.models.gan import VanillaGAN
from ganzoo.networks.conditional import LabelledDiscriminator
from ganzoo.networks.dcgan import DCGANDiscriminator
from ganzoo.networks.style import StyleBased


class Mapping(nn.Module):
    """z, and a label where there are classes, to w."""

    def __init__(self, latent_dim: int, w_dim: int, n_classes: int) -> None:
        super().__init__()
        self.latent_dim, self.w_dim, self.n_classes = latent_dim, w_dim, n_classes
        self.net = nn.Sequential(nn.Linear(latent_dim, w_dim), nn.LeakyReLU(0.2), nn.Linear(w_dim, w_dim))
        self.embed = nn.Embedding(n_classes, latent_dim) if n_classes else None

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.net(z if self.embed is None else z + self.embed(y))


class Synthesis(nn.Module):
    """A learnt constant, modulated by a style and given noise at each of three layers of 4, 8 and 8 pixels."""

    def __init__(self, w_dim: int, width: int, noise: bool) -> None:
        super().__init__()
        self.shape, self.n_styles, self.sides = (1, 8, 8), 3, (4, 8, 8)
        self.noise_shapes = [(1, side, side) for side in self.sides] if noise else []
        self.start = nn.Parameter(torch.randn(1, width, 4, 4))
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in self.sides)
        self.style_affines = nn.ModuleList(nn.Linear(w_dim, 2 * width) for _ in self.sides)
        self.strengths = nn.Parameter(torch.full((3,), 0.5))
        self.out = nn.Conv2d(width, 1, 1)

    def forward(self, styles: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        x = self.start.expand(styles.shape[0], -1, -1, -1)  # not len, which an export takes for a constant
        for k, (conv, affine, side) in enumerate(zip(self.convs, self.style_affines, self.sides, strict=True)):
            x = conv(interpolate(x, (side, side)))
            if self.noise_shapes:
                drawn = torch.randn(x.shape[0], 1, side, side, device=x.device) if noise is None else noise[k]
                x = x + self.strengths[k] * drawn
            scale, shift = affine(styles[:, k])[:, :, None, None].chunk(2, 1)
            x = leaky_relu(x * (1 + scale) + shift, 0.2)
        return torch.tanh(self.out(x))


class ToyStyles(StyleBased):
    """The two of them."""

    def __init__(
        self,
        latent_dim: int = 6,
        w_dim: int = 5,
        width: int = 4,
        noise: bool = True,
        n_classes: int = 0,
        cutoff: int | None = None,
        decay: float = 0.9,
    ) -> None:
        super().__init__(Mapping(latent_dim, w_dim, n_classes), Synthesis(w_dim, width, noise), decay, cutoff)


class Mixed(VanillaGAN):
    """A GAN whose generator's styles are mixed in training."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module, mixing: float = 0.9, **options: Any) -> None:
        super().__init__(generator, discriminator, **options)
        self.mixing = mixing


def styled(kind: type[GAN] = VanillaGAN, n_classes: int = 0, noise: bool = True, **options: Any) -> GAN:
    """A game on digits, the same weights every time, with a mean of w as after some training."""
    torch.manual_seed(0)
    generator = ToyStyles(n_classes=n_classes, noise=noise)
    judge = DCGANDiscriminator(8, 1 + n_classes, width=8)
    game = kind(generator, LabelledDiscriminator(judge, n_classes) if n_classes else judge, **options)
    for network in (game.generator, game.averaged("generator")):
        network.w_mean.copy_(torch.linspace(-1, 1, 5))
    return game


RECIPE = """
model:
  class_path: styled.Mixed
  init_args:
    generator: {class_path: styled.ToyStyles, init_args: {cutoff: 2}}
    discriminator: {class_path: ganzoo.networks.dcgan.DCGANDiscriminator, init_args: {size: 8, channels: 1, width: 8}}
data: {class_path: ganzoo.data.Digits, init_args: {batch_size: 32, num_workers: 0}}
quality: {samples: 40, metrics: [swd]}
grid: {samples: 4, walks: 2}
trainer: {max_steps: 4, val_check_interval: 4, log_every_n_steps: 1, accelerator: cpu}
"""
