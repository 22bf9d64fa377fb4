"""ViTGAN: transformers with attention by distance, norms held at their first values, and a consistent discriminator.

Paper: Lee, Chang, Jiang, Zhang, Tu and Liu, ViTGAN: Training GANs with Vision Transformers, 2021.
URL: https://arxiv.org/abs/2107.04589 (sections 3 and 4)
Code: https://github.com/mlpc-ucsd/ViTGAN (settings for CIFAR-10: c10_style64.gin)
Deviations: attention is by tied queries and keys and falls with the distance; in the code it is untied and rises
    (`as_coded` of the networks in `ganzoo.networks.vitgan` computes that). R1's weight is halved, as in its paper.
    Consistency is between images and copies that are shifted and flipped, all augmented. Singular vectors of held norms
    are updated, where the code's stay as they were drawn. The warm-up is a share of the run: of the code's 800,000
    steps its 3,000.
"""

from typing import Any

from torch import nn

from ganzoo.games.ema import Averaging
from ganzoo.games.gan import GAN
from ganzoo.games.schedules import Schedule
from ganzoo.games.stabiliser import Stabiliser
from ganzoo.losses.objectives import NONSATURATING
from ganzoo.stabilisers.consistency import Consistency
from ganzoo.stabilisers.r1 import R1

AVERAGING = Averaging(half_life=1_000_000, ramp_up=None)
WARM_UP = Schedule([0.0, 1.0], at=[0.0, 0.00375], kind="linear")  # 3,000 of the code's 800,000 steps


class ViTGAN(GAN):
    """The non-saturating game with R1 on every batch, balanced consistency, and augmentation in both moves.

    Args:
        generator: latent vectors to images, through styles.
        discriminator: images to logits; the paper's transformer, or StyleGAN2's, which gave it its better scores.
        augment: DiffAugment policy.
        gamma: weight of R1.
        consistency: weight of both terms of bCR: on real and on generated images; 0 leaves them out.
        flip: whether consistency is with flipped copies, too; not for digits or letters.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        betas: Adam's decay rates.
        lr_factor: factor on both learning rates over the run.
        ema: how the averaged generator follows.
        stabilisers: what else to switch on.
        **kwargs: see `GAN`.
    """

    objective = NONSATURATING

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        augment: str = "color,translation,cutout",
        gamma: float = 0.1,
        consistency: float = 1.0,
        flip: bool = True,
        g_lr: float = 1e-3,
        d_lr: float = 1e-3,
        betas: tuple[float, float] = (0.0, 0.99),
        lr_factor: Schedule | None = WARM_UP,
        ema: float | Averaging | None = AVERAGING,
        stabilisers: list[Stabiliser] | None = None,
        **kwargs: Any,
    ) -> None:
        own: list[Stabiliser] = [R1(gamma)]
        own += [Consistency(consistency, consistency, flip=flip)] if consistency else []
        super().__init__(
            generator,
            discriminator,
            augment=augment,
            g_lr=g_lr,
            d_lr=d_lr,
            betas=betas,
            lr_factor=lr_factor,
            ema=ema,
            stabilisers=own + (stabilisers or []),
            **kwargs,
        )
