"""WGAN-div: a critic that approximates the Wasserstein divergence, without a Lipschitz constraint.

Paper: Wu et al., Wasserstein Divergence for GANs, 2018.
URL: https://arxiv.org/abs/1712.01026 (equation 9, Algorithm 1)
Deviations: none in the objective. An averaged generator is evaluated.
"""

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.games.gan import GAN
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.losses.objectives import WASSERSTEIN
from ganzoo.losses.penalties import input_gradient, refuse_mixing


class WGANDiv(GAN):
    """The gradient's norm is raised to a power and descended, rather than held at 1.

    Args:
        generator: latent vectors to samples.
        discriminator: the critic: samples to unbounded scores, without layers that mix samples, such as BatchNorm.
        weight: of the norm's power, the paper's k.
        power: of the norm, the paper's p.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the critic.
        betas: Adam's decay rates.
        **kwargs: see `ganzoo.games.gan.GAN`.
    """

    objective = WASSERSTEIN

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        weight: float = 2.0,
        power: float = 6.0,
        g_lr: float = 2e-4,
        d_lr: float = 2e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, g_lr=g_lr, d_lr=d_lr, betas=betas, **kwargs)
        refuse_mixing(discriminator)
        self.weight, self.power = weight, power

    def d_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """f(G(z)) - f(x) + k ||grad f(x^)||^p, at a random point between each pair."""
        terms = super().d_loss(x, y, move)
        share = torch.rand(len(x), *[1] * (x.dim() - 1), device=x.device)
        between = torch.lerp(move.fake[0].x.detach().float(), x.float(), share)
        norms = input_gradient(move.judge, between, y).norm(dim=1)
        return {**terms, "div": self.weight * norms.pow(self.power).mean()}
