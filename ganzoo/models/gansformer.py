"""GANsformer: latents to which the places of an image attend, on StyleGAN2's synthesis.

Paper: Hudson and Zitnick, Generative Adversarial Transformers, 2021.
URL: https://arxiv.org/abs/2103.01209 (section 3)
Code: https://github.com/dorarad/gansformer (`pytorch_version`)
Deviations: networks follow the code, which after the paper has added a global latent, self-attention of the latents
    and residual blocks, and has left attention out of the discriminator (`ganzoo.networks.gansformer`). As in our
    StyleGAN2, R1 comes after the discriminator's own step and before the generator's, from other draws.
"""

from functools import partial
from typing import Any

from torch import nn

from ganzoo.games.ema import Averaging
from ganzoo.games.gan import GAN
from ganzoo.games.players import corrected
from ganzoo.games.stabiliser import Stabiliser
from ganzoo.losses.objectives import NONSATURATING
from ganzoo.stabilisers.path_length import PathLength
from ganzoo.stabilisers.r1 import R1

AVERAGING = Averaging(half_life=10_000, ramp_up=None)


class GANsformer(GAN):
    """The non-saturating game with R1 on every 16th batch; path lengths, which StyleGAN2 has, are left out.

    Args:
        generator: a style-based generator, whose layers attend to several latents.
        discriminator: samples to logits.
        gamma: weight of R1, by data: 10 for the paper's faces, 20 for Cityscapes, 40 for CLEVR, 100 for bedrooms.
        r1_every: R1 is computed on every so many batches.
        path_weight: weight of path-length regularisation; 0 leaves it out.
        path_every: it is computed on every so many batches.
        mixing: probability that the styles of a batch are mixed from two latent vectors, from a layer on.
        g_lr: learning rate of the generator, corrected for its lazy penalty.
        d_lr: learning rate of the discriminator, likewise.
        betas: Adam's decay rates, likewise.
        ema: how the averaged generator follows.
        stabilisers: what else to switch on, such as ADA.
        **kwargs: see `GAN`.
    """

    objective = NONSATURATING

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        gamma: float = 10.0,
        r1_every: int = 16,
        path_weight: float = 0.0,
        path_every: int = 4,
        mixing: float = 0.9,
        g_lr: float = 2e-3,
        d_lr: float = 2e-3,
        betas: tuple[float, float] = (0.0, 0.99),
        ema: float | Averaging | None = AVERAGING,
        stabilisers: list[Stabiliser] | None = None,
        **kwargs: Any,
    ) -> None:
        lazy: list[Stabiliser] = [R1(gamma, r1_every), *([PathLength(path_weight, path_every)] if path_weight else [])]
        lazy += stabilisers or []
        super().__init__(
            generator, discriminator, g_lr=g_lr, d_lr=d_lr, betas=betas, ema=ema, stabilisers=lazy, **kwargs
        )
        self.mixing = mixing
        if not path_weight:  # the code corrects the generator's optimizer for the penalty even where its weight is 0
            self.optim["g"] = partial(corrected, self.optim["g"], path_every)
