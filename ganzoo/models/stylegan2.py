"""StyleGAN2: a mapping and a modulated synthesis network, with lazy penalties on gradients and on path lengths.

Paper: Karras, Laine, Aittala, Hellsten, Lehtinen and Aila, Analyzing and Improving the Image Quality of StyleGAN, 2020.
URL: https://arxiv.org/abs/1912.04958 (sections 2 to 4; appendix B)
Code: https://github.com/NVlabs/stylegan2-ada-pytorch
Deviations: the discriminator's penalty comes after its own step and before the generator's, all from other draws;
    generated images have the classes of the batch; no clamp of activations as in the code's float16. ADA is a
    stabiliser (`ganzoo.stabilisers.ADA`).
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


class StyleGAN2(GAN):
    """The non-saturating game, with R1 on every 16th batch and path-length regularisation on every 4th.

    Args:
        generator: a style-based generator.
        discriminator: samples to logits.
        gamma: weight of R1, by data and side: 10 for the paper's faces at 1024 pixels, 0.01 for CIFAR-10.
        r1_every: R1 is computed on every so many batches.
        path_weight: weight of path-length regularisation; 0 leaves it out.
        path_every: it is computed on every so many batches.
        mixing: probability that the styles of a batch are mixed from two latent vectors.
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
        path_weight: float = 2.0,
        path_every: int = 4,
        mixing: float = 0.9,
        g_lr: float = 2.5e-3,
        d_lr: float = 2.5e-3,
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
