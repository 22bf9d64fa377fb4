"""WGAN: a critic that estimates the Wasserstein distance, kept Lipschitz by clipping its weights.

Paper: Arjovsky, Chintala and Bottou, Wasserstein GAN, 2017.
URL: https://arxiv.org/abs/1701.07875 (Algorithm 1)
Code: https://github.com/martinarjovsky/WassersteinGAN
Deviations: an averaged generator is evaluated. The reference code takes 100 critic steps for each of the first 25
    generator steps and for every 500th; a `Schedule` for `n_critic` in a recipe does the first half of that.
"""

from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer, RMSprop

from ganzoo.games.gan import GAN
from ganzoo.games.move import AdversarialMove
from ganzoo.games.schedules import Schedule
from ganzoo.losses.objectives import WASSERSTEIN


class WGAN(GAN):
    """Algorithm 1: `n_critic` RMSprop steps of the critic, each followed by clipping, per generator step.

    The losses are lines 5 and 10: E f(G(z)) - E f(x), whose negative estimates the distance up to the clipping's scale,
    and -E f(G(z)).

    Args:
        generator: latent vectors to samples.
        discriminator: the critic: samples to unbounded scores.
        clip: every critic weight is kept in [-clip, clip].
        g_lr: learning rate of the generator.
        d_lr: learning rate of the critic.
        optimizer: class of both optimizers; momentum makes clipped critics unstable (section 4.3).
        n_critic: critic steps per generator step.
        **kwargs: see `GAN`.
    """

    objective = WASSERSTEIN

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        clip: float = 0.01,
        g_lr: float = 5e-5,
        d_lr: float = 5e-5,
        optimizer: type[Optimizer] = RMSprop,
        n_critic: int | Schedule = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            generator, discriminator, g_lr=g_lr, d_lr=d_lr, optimizer=optimizer, n_critic=n_critic, **kwargs
        )
        self.clip = clip

    @torch.no_grad()
    def after_d(self, move: AdversarialMove) -> None:
        """Clips the critic's weights: line 7."""
        super().after_d(move)
        torch._foreach_clamp_min_(list(self.discriminator.parameters()), -self.clip)
        torch._foreach_clamp_max_(list(self.discriminator.parameters()), self.clip)
