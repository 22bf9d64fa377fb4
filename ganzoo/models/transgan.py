"""TransGAN: a generator and a discriminator of transformers alone, under a Wasserstein loss with a gradient penalty.

Paper: Jiang, Chang and Wang, TransGAN: Two Pure Transformers Can Make One Strong GAN, and That Can Scale Up, 2021.
URL: https://arxiv.org/abs/2102.07074 (sections 3 and 4)
Code: https://github.com/VITA-Group/TransGAN (loss `wgangp-eps`; exps/cifar_train.py)
Deviations: the averaged generator's half-life counts all real images, those of the discriminator's other steps, too.
    Gradients are clipped by the Trainer: `trainer.gradient_clip_val` is 5 in the recipe, as in the code.
"""

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.common.conditions import map_values
from ganzoo.common.errors import GanzooError
from ganzoo.games.ema import Averaging
from ganzoo.games.gan import GAN
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.games.schedules import Schedule
from ganzoo.losses.objectives import WASSERSTEIN
from ganzoo.losses.penalties import gradient_penalty, refuse_mixing

AVERAGING = Averaging(half_life=500_000, ramp_up=0.1)


class TransGAN(GAN):
    """WGAN-GP with a small term against drifting scores, of images that are augmented in both moves and the penalty.

    Args:
        generator: latent vectors to images.
        discriminator: images to unbounded scores.
        augment: DiffAugment policy.
        gp_weight: weight of the gradient penalty, with respect to the images before augmentation.
        gp_target: norm of the gradient that is aimed at; the penalty is divided by its square.
        drift: weight of the squared mean of the scores of real images: of the mean, not the mean of squares as in
            ProGAN.
        g_batch: images that the generator's move draws for each real one of the batch: 128 for 64.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        betas: Adam's decay rates.
        n_critic: discriminator steps per generator step.
        ema: how the averaged generator follows.
        **kwargs: see `GAN`.

    Raises:
        GanzooError: if `g_batch` is below 1, or the discriminator mixes the samples of a batch.
    """

    objective = WASSERSTEIN

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        augment: str = "translation,cutout,color",
        gp_weight: float = 10.0,
        gp_target: float = 1.0,
        drift: float = 1e-3,
        g_batch: int = 2,
        g_lr: float = 1e-4,
        d_lr: float = 1e-4,
        betas: tuple[float, float] = (0.0, 0.99),
        n_critic: int | Schedule = 4,
        ema: float | Averaging | None = AVERAGING,
        **kwargs: Any,
    ) -> None:
        if g_batch < 1:
            raise GanzooError(f"model.g_batch: must be at least 1, not {g_batch}.")
        refuse_mixing(discriminator)
        super().__init__(
            generator,
            discriminator,
            augment=augment,
            g_lr=g_lr,
            d_lr=d_lr,
            betas=betas,
            n_critic=n_critic,
            ema=ema,
            **kwargs,
        )
        self.gp_weight, self.gp_target, self.drift, self.g_batch = gp_weight, gp_target, drift, g_batch

    def d_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns f(G(z)) - f(x) + lambda / gamma^2 (||grad f(x^)|| - gamma)^2, as means, + epsilon (E f(x))^2."""
        adv = super().d_loss(x, y, move)
        penalty = gradient_penalty(move.judge, x, move.fake[0].x, y, self.gp_target)
        drift = move.real[0].logits.mean().square()
        return {**adv, "gp": self.gp_weight / self.gp_target**2 * penalty, "drift": self.drift * drift}

    def g_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns -f(G(z)) of `g_batch` times as many images as there are in the batch, under its conditions."""
        y = map_values(lambda each: torch.cat([each] * self.g_batch), y)
        fake = self.fake(self.g_batch * len(x), y)
        return {"adv": self.objective.g(None, move.judge(fake, y, real=False))}
