"""LSGAN: least squares instead of cross-entropy, which also pull on fakes on the right side of the boundary.

Paper: Mao et al., Least Squares Generative Adversarial Networks, 2017.
URL: https://arxiv.org/abs/1611.04076 (equations 2 and 9)
Code: https://github.com/xudonmao/LSGAN
Deviations: means over the batch, as in the paper; the reference code sums. Adam's settings are those of its LSUN runs.
    A normal prior unless a recipe asks for the uniform one of the reference code. An averaged generator is evaluated.
"""

from typing import Any

from torch import nn

from ganzoo.games.gan import GAN
from ganzoo.losses.objectives import least_squares


class LSGAN(GAN):
    """The least-squares game in the 0-1 coding of equation 9; a, b, c = -1, 1, 0 is Pearson's of equation 8.

    Args:
        generator: latent vectors to samples.
        discriminator: samples to unbounded scores.
        a: the score that the discriminator gives to generated samples.
        b: the score that it gives to real ones.
        c: the score that the generator wants for its own.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        **kwargs: see `GAN`.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        a: float = 0.0,
        b: float = 1.0,
        c: float = 1.0,
        g_lr: float = 1e-3,
        d_lr: float = 1e-3,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, g_lr=g_lr, d_lr=d_lr, **kwargs)
        self.objective = least_squares(a, b, c)
