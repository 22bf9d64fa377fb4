"""Projected GAN: discriminators that see images through a frozen network's features, randomly mixed.

Paper: Sauer, Chitta, Müller and Geiger, Projected GANs Converge Faster, 2021.
URL: https://arxiv.org/abs/2111.01007 (equations 2 and 4; section 3)
Code: https://github.com/autonomousvision/projected-gan
Deviations: generated images have the classes of the batch. The features are EfficientNet-Lite0's, as in the code; the
    paper says Lite1.
"""

from typing import Any

from torch import nn

from ganzoo.games.ema import Averaging
from ganzoo.games.gan import GAN
from ganzoo.losses.objectives import HINGE
from ganzoo.networks.efficientnet import weights_file

AVERAGING = Averaging(half_life=20_000, ramp_up=0.05)


class ProjectedGAN(GAN):
    """The hinge game, over the joined logits of all discriminators, of images that are augmented before they see them.

    Args:
        generator: latent vectors to images; the paper's is FastGAN's.
        discriminator: images to logits, through projected features.
        augment: DiffAugment policy; the paper's has all three parts.
        g_lr: learning rate of the generator; the code's is 0.002 for StyleGAN2's.
        d_lr: learning rate of the discriminators, likewise.
        betas: Adam's decay rates.
        ema: how the averaged generator follows.
        **kwargs: see `GAN`.
    """

    objective = HINGE
    remarks = (
        "Discriminators: they see features of EfficientNet-Lite0 trained on ImageNet, so that scores on such features, "
        "`fid[imagenet]` before all, look better than the images",
    )

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        augment: str = "color,translation,cutout",
        g_lr: float = 2e-4,
        d_lr: float = 2e-4,
        betas: tuple[float, float] = (0.0, 0.99),
        ema: float | Averaging | None = AVERAGING,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            generator, discriminator, augment=augment, g_lr=g_lr, d_lr=d_lr, betas=betas, ema=ema, **kwargs
        )

    def fits(self, datamodule: Any) -> None:
        """Raises GanzooError where networks do not fit the data, or the frozen network's weights are not there."""
        super().fits(datamodule)
        weights_file("model.discriminator")
