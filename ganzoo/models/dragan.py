"""DRAGAN: the original game, with the discriminator's gradient norm held near 1 around the real data.

Paper: Kodali et al., On Convergence and Stability of GANs, 2017.
URL: https://arxiv.org/abs/1705.07215
Code: https://github.com/kodalinaveen3/DRAGAN
Deviations: a normal prior unless a recipe asks for the uniform one of the reference code; an averaged generator is
    evaluated. The noise around the data is the reference code's, uniform and one-sided; the paper writes a Gaussian.
"""

from typing import Any

from torch import Tensor, nn

from ganzoo.games.gan import GAN
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.losses.objectives import NONSATURATING
from ganzoo.losses.penalties import dragan_penalty, refuse_mixing


class DRAGAN(GAN):
    """The non-saturating game and the penalty, with the reference code's settings: Adam, one step each.

    Args:
        generator: latent vectors to samples.
        discriminator: samples to logits. BatchNorm and minibatch layers, which mix samples, are refused.
        gp_weight: weight of the penalty, the paper's lambda.
        noise: how far around the data the penalty reaches, in standard deviations of the batch.
        target: the slope that is aimed at, the paper's k.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        betas: Adam's decay rates.
        **kwargs: see `GAN`.
    """

    objective = NONSATURATING

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        gp_weight: float = 10.0,
        noise: float = 0.5,
        target: float = 1.0,
        g_lr: float = 1e-4,
        d_lr: float = 1e-4,
        betas: tuple[float, float] = (0.5, 0.9),
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, g_lr=g_lr, d_lr=d_lr, betas=betas, **kwargs)
        refuse_mixing(discriminator)
        self.gp_weight, self.noise, self.target = gp_weight, noise, target

    def d_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns the logistic loss and the penalty near real data."""
        terms = super().d_loss(x, y, move)
        return {**terms, "gp": self.gp_weight * dragan_penalty(move.judge, x, y, self.noise, self.target)}
