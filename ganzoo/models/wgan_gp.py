"""WGAN-GP: the critic kept near 1-Lipschitz by a penalty on its gradient.

Paper: Gulrajani et al., Improved Training of Wasserstein GANs, 2017.
URL: https://arxiv.org/abs/1704.00028 (Algorithm 1)
Code: https://github.com/igul222/improved_wgan_training
Deviations: an averaged generator is evaluated. The paper's beta1 is 0 in Algorithm 1 and 0.5 in its MNIST code; we
    follow the algorithm.
"""

from typing import Any

from torch import Tensor, nn

from ganzoo.games.gan import GAN
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.games.schedules import Schedule
from ganzoo.losses.objectives import WASSERSTEIN
from ganzoo.losses.penalties import gradient_penalty, refuse_mixing


class WGANGP(GAN):
    """Algorithm 1: `n_critic` Adam steps of the penalised critic per generator step.

    Args:
        generator: latent vectors to samples.
        discriminator: the critic: samples to unbounded scores. BatchNorm and minibatch layers, which mix samples, are
            refused.
        gp_weight: weight of the penalty, the paper's lambda.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the critic.
        betas: Adam's decay rates.
        n_critic: critic steps per generator step.
        **kwargs: see `GAN`.
    """

    objective = WASSERSTEIN

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        gp_weight: float = 10.0,
        g_lr: float = 1e-4,
        d_lr: float = 1e-4,
        betas: tuple[float, float] = (0.0, 0.9),
        n_critic: int | Schedule = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, g_lr=g_lr, d_lr=d_lr, betas=betas, n_critic=n_critic, **kwargs)
        refuse_mixing(discriminator)
        self.gp_weight = gp_weight

    def d_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns lines 4 to 7: f(G(z)) - f(x) + lambda (||grad f(x^)|| - 1)^2, one x^ and one norm per sample."""
        terms = super().d_loss(x, y, move)
        return {**terms, "gp": self.gp_weight * gradient_penalty(move.judge, x, move.fake[0].x, y)}
