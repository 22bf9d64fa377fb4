"""MMD GAN: moment matching in a feature space that is learnt against the generator.

Paper: Li, Chang, Cheng, Yang and Poczos, MMD GAN: Towards Deeper Understanding of Moment Matching Network, 2017.
URL: https://arxiv.org/abs/1705.08584 (Algorithm 1; sections 3.4 and 4 for the two penalties)
Code: https://github.com/OctoberChang/MMD-GAN
Deviations: as in the code, not the paper, the root of the (biased) MMD^2 is played for, the encoder alone is clipped,
    and the penalties weigh 8 and 16. The code's schedule, 100 critic steps for the first 25 generator steps and for
    every 500th, is in its first half a `Schedule` for `n_critic` in a recipe. An averaged generator is evaluated.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss, relu
from torch.optim import Optimizer, RMSprop

from ganzoo.games.gan import GAN
from ganzoo.games.move import AdversarialMove
from ganzoo.games.objective import Answers
from ganzoo.games.players import Player, Terms
from ganzoo.games.schedules import Schedule
from ganzoo.losses.kernels import BANDWIDTHS, mmd2
from ganzoo.networks.autoencoder import require_decoder_fits


class MMDGAN(GAN):
    """Algorithm 1: `n_critic` RMSprop steps of the critic, each followed by clipping, per generator step.

    Args:
        generator: latent vectors to samples.
        discriminator: the critic, an encoder: samples to codes (N, n_features), which the kernel compares.
        decoder: codes back to samples; keeps the encoder injective. None leaves its penalty out.
        bandwidths: of the mixture of RBF kernels.
        ae_weight: weight of the reconstruction error, the paper's lambda.
        rg_weight: weight of the penalty that reduces the feasible set.
        clip: every weight of the encoder is kept in [-clip, clip].
        g_lr: learning rate of the generator.
        d_lr: learning rate of the critic.
        optimizer: class of both optimizers.
        n_critic: critic steps per generator step.
        **kwargs: see `GAN`.
    """

    answers: Answers = "scores"

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        decoder: nn.Module | None = None,
        bandwidths: tuple[float, ...] = BANDWIDTHS,
        ae_weight: float = 8.0,
        rg_weight: float = 16.0,
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
        if decoder is not None:
            require_decoder_fits(discriminator, decoder)
        self.decoder = decoder
        self.bandwidths = tuple(bandwidths)
        self.ae_weight = ae_weight
        self.rg_weight = rg_weight
        self.clip = clip

    def players(self) -> Sequence[Player]:
        """Returns the base's players, the critic with its decoder."""
        d, *others = super().players()
        return replace(d, modules=[self.discriminator, *([] if self.decoder is None else [self.decoder])]), *others

    def distance(self, real: Tensor, fake: Tensor) -> Terms:
        """Returns the MMD, and how far E f(x) falls short of E f(G(z)): the critic ascends, the generator descends."""
        square = mmd2(real, fake, self.bandwidths)
        short = relu(fake.float().mean(0) - real.float().mean(0)).mean()
        return {"adv": square.clamp_min(1e-8).sqrt(), "rg": -self.rg_weight * short}

    def d_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns the negative distance, and the error of redrawing real and generated samples from their codes."""
        fake, _ = self.fake_pair(x, y)
        codes = move.judge(x, y, real=True), move.judge(fake, y, real=False)
        terms = {name: -term for name, term in self.distance(*codes).items()}
        move.note("d/mmd", -terms["adv"])
        if self.decoder is not None:
            errors = [mse_loss(self.decoder(h).float(), v.float()) for h, v in zip(codes, (x, fake), strict=True)]
            terms["ae"] = self.ae_weight * (errors[0] + errors[1])
        return terms

    @torch.no_grad()
    def after_d(self, move: AdversarialMove) -> None:
        """Clips the encoder's weights."""
        super().after_d(move)
        torch._foreach_clamp_min_(list(self.discriminator.parameters()), -self.clip)
        torch._foreach_clamp_max_(list(self.discriminator.parameters()), self.clip)

    def g_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns the distance."""
        return self.distance(move.judge(x, y, real=True), move.judge(*self.fake_pair(x, y), real=False))
