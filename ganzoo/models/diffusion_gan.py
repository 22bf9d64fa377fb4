"""Diffusion-GAN: the discriminator sees real and generated images after the same random steps of Gaussian noise.

Paper: Wang, Zheng, He, Chen and Zhou, Diffusion-GAN: Training GANs with Diffusion, 2022.
URL: https://arxiv.org/abs/2206.02262 (section 3)
Code: https://github.com/Zhendong-Wang/Diffusion-GAN (diffusion-stylegan2)
Deviations: those of StyleGAN2 here: its penalty comes after the discriminator's own step, all from other draws, without
    the code's clamp of activations. All processes draw steps from one pool, not each from its own. The noise is a
    stabiliser (`ganzoo.stabilisers.Diffusion`) for any other game, Projected GAN's among them, too.
"""

from functools import partial
from typing import Any

from torch import nn

from ganzoo.games.ema import Averaging
from ganzoo.games.gan import GAN
from ganzoo.games.players import corrected
from ganzoo.games.stabiliser import Stabiliser
from ganzoo.losses.objectives import NONSATURATING
from ganzoo.stabilisers.diffusion import Diffusion
from ganzoo.stabilisers.path_length import PathLength
from ganzoo.stabilisers.r1 import R1

AVERAGING = Averaging(half_life=500_000, ramp_up=0.05)


class DiffusionGAN(GAN):
    """StyleGAN2's game, R1 on every 16th batch, of images with noise from a chain of steps whose length T adapts.

    The defaults are those of the code's settings for CIFAR-10.

    Args:
        generator: latent vectors to images; the paper's is StyleGAN2's.
        discriminator: images to logits. A `timed` one takes the steps of their noise, too.
        target: the chain grows while the mean sign of real images' logits is above it, and shrinks while it is below.
        images: so many real images take T from one end to the other.
        sigma: standard deviation of the noise.
        t_max: largest T.
        gamma: weight of R1, by data and side.
        r1_every: R1 is computed on every so many batches.
        path_weight: weight of path-length regularisation; 0 leaves it out.
        path_every: it is computed on every so many batches.
        mixing: probability that the styles of a batch are mixed from two latent vectors.
        g_lr: learning rate of the generator, corrected for its lazy penalty even where there is none, as in the code.
        d_lr: learning rate of the discriminator, corrected likewise.
        betas: Adam's decay rates, likewise.
        ema: how the averaged generator follows.
        stabilisers: what else to switch on, such as ADA, which comes before the noise.
        **kwargs: see `GAN`.
    """

    objective = NONSATURATING

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        target: float = 0.6,
        images: int = 100_000,
        sigma: float = 0.05,
        t_max: int = 1000,
        gamma: float = 0.01,
        r1_every: int = 16,
        path_weight: float = 0.0,
        path_every: int = 4,
        mixing: float = 0.0,
        g_lr: float = 2.5e-3,
        d_lr: float = 2.5e-3,
        betas: tuple[float, float] = (0.0, 0.99),
        ema: float | Averaging | None = AVERAGING,
        stabilisers: list[Stabiliser] | None = None,
        **kwargs: Any,
    ) -> None:
        own: list[Stabiliser] = [Diffusion(target, images, sigma=sigma, t_max=t_max), R1(gamma, r1_every)]
        own += [PathLength(path_weight, path_every)] if path_weight else []
        own += stabilisers or []
        super().__init__(
            generator, discriminator, g_lr=g_lr, d_lr=d_lr, betas=betas, ema=ema, stabilisers=own, **kwargs
        )
        self.mixing = mixing
        if not path_weight:
            self.optim["g"] = partial(corrected, self.optim["g"], path_every)
