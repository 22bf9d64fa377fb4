"""ProGAN: networks that grow during training, under a Wasserstein loss with a penalty on gradients.

Paper: Karras et al., Progressive Growing of GANs for Improved Quality, Stability, and Variation, 2018.
URL: https://arxiv.org/abs/1710.10196 (sections 2 to 4; appendices A and B)
Code: https://github.com/tkarras/progressive_growing_of_gans
Deviations: where the code for CIFAR-10 steps both networks from one forward pass, the generator moves after the
    discriminator, from other draws. The averaged generator follows the generator's step, not the discriminator's, which
    are as many.
"""

from typing import Any

from torch import Tensor, nn

from ganzoo.games.ema import Averaging
from ganzoo.games.gan import GAN
from ganzoo.games.growth import Growth
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.losses.objectives import WASSERSTEIN
from ganzoo.losses.penalties import gradient_penalty

AVERAGING = Averaging(decay=0.999, start=1)


class ProGAN(GAN):
    """WGAN-GP with a small term against drifting scores, for networks that grow.

    Args:
        generator: latent vectors to samples.
        discriminator: samples to unbounded scores; both grow as `growth` says.
        growth: sides, fades and batches over the run; None for networks that do not grow.
        gp_weight: weight of the gradient penalty, the paper's lambda.
        gp_target: norm gamma of the gradient that is aimed at: 750 on CIFAR-10 (appendix B), 1 elsewhere. The penalty
            is divided by its square.
        drift: weight of the mean square of the scores of real samples.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        betas: Adam's decay rates.
        ema: how the averaged generator follows.
        **kwargs: see `GAN`.
    """

    objective = WASSERSTEIN

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        growth: Growth | None = None,
        gp_weight: float = 10.0,
        gp_target: float = 1.0,
        drift: float = 1e-3,
        g_lr: float = 1e-3,
        d_lr: float = 1e-3,
        betas: tuple[float, float] = (0.0, 0.99),
        ema: float | Averaging | None = AVERAGING,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, growth=growth, g_lr=g_lr, d_lr=d_lr, betas=betas, ema=ema, **kwargs)
        self.gp_weight, self.gp_target, self.drift = gp_weight, gp_target, drift

    def d_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns f(G(z)) - f(x) + lambda / gamma^2 (||grad f(x^)|| - gamma)^2 + epsilon f(x)^2, as means."""
        adv = super().d_loss(x, y, move)
        penalty = gradient_penalty(move.judge, x, move.fake[0].x, y, self.gp_target)
        drift = move.real[0].logits.square().mean()
        return {**adv, "gp": self.gp_weight / self.gp_target**2 * penalty, "drift": self.drift * drift}
