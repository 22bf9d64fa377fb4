"""StyleGAN: a mapping network, and a synthesis that grows, with a style and noise at each layer.

Paper: Karras, Laine and Aila, A Style-Based Generator Architecture for Generative Adversarial Networks, 2019.
URL: https://arxiv.org/abs/1812.04948 (sections 2 and 3; appendices B and C)
Code: https://github.com/NVlabs/stylegan
Deviations: the averaged generator follows the generator's step, not the discriminator's, which are as many.
"""

from typing import Any

from torch import nn

from ganzoo.games.ema import Averaging
from ganzoo.games.gan import GAN
from ganzoo.games.growth import Growth
from ganzoo.games.stabiliser import Stabiliser
from ganzoo.losses.objectives import NONSATURATING
from ganzoo.stabilisers.r1 import R1

AVERAGING = Averaging(half_life=10_000, ramp_up=None)


class StyleGAN(GAN):
    """The non-saturating game with R1 on every batch, and mixed styles, for networks that grow.

    Args:
        generator: a style-based generator.
        discriminator: samples to logits; both grow as `growth` says.
        growth: sides, fades and batches over the run; None for networks that do not grow.
        gamma: weight of R1, of which half is taken.
        mixing: probability that the styles of a batch are mixed from two latent vectors, from a layer in use on.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        betas: Adam's decay rates.
        ema: how the averaged generator follows.
        stabilisers: what else to switch on, such as ADA.
        **kwargs: see `GAN`.
    """

    objective = NONSATURATING

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        growth: Growth | None = None,
        gamma: float = 10.0,
        mixing: float = 0.9,
        g_lr: float = 1e-3,
        d_lr: float = 1e-3,
        betas: tuple[float, float] = (0.0, 0.99),
        ema: float | Averaging | None = AVERAGING,
        stabilisers: list[Stabiliser] | None = None,
        **kwargs: Any,
    ) -> None:
        penalised = [R1(gamma), *(stabilisers or [])]
        super().__init__(
            generator,
            discriminator,
            growth=growth,
            g_lr=g_lr,
            d_lr=d_lr,
            betas=betas,
            ema=ema,
            stabilisers=penalised,
            **kwargs,
        )
        self.mixing = mixing
