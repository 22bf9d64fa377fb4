"""SAGAN: self-attention in both networks, spectral normalisation in both, and a faster discriminator.

Paper: Zhang, Goodfellow, Metaxas and Odena, Self-Attention Generative Adversarial Networks, 2019.
URL: https://arxiv.org/abs/1805.08318 (section 3 and equation 4)
Code: https://github.com/brain-research/self-attention-gan (ImageNet at 128 pixels alone)
Deviations: an averaged generator is evaluated; generated images have the classes of the batch, not new ones. Adam's
    beta2 is the paper's 0.9; the code leaves it at 0.999. The networks of `ganzoo.networks.sagan` are mimicry's for 32
    pixels.
"""

from collections.abc import Mapping
from typing import Any

from torch import nn

from ganzoo.common.data_spec import DataSpec
from ganzoo.games.gan import GAN
from ganzoo.losses.objectives import HINGE
from ganzoo.networks.conditional import require_classes


class SAGAN(GAN):
    """The hinge game with labels on two time scales: the discriminator's rate is four times the generator's.

    Args:
        generator: latent vectors and labels to samples.
        discriminator: samples and labels to logits.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        betas: Adam's decay rates.
        **kwargs: see `GAN`.

    Raises:
        GanzooError: if a network takes no labels, or they disagree on the number of classes.
    """

    objective = HINGE

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        g_lr: float = 1e-4,
        d_lr: float = 4e-4,
        betas: tuple[float, float] = (0.0, 0.9),
        **kwargs: Any,
    ) -> None:
        require_classes(generator=generator, discriminator=discriminator)
        super().__init__(generator, discriminator, g_lr=g_lr, d_lr=d_lr, betas=betas, **kwargs)

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns both networks' data: they take the data's labels."""
        return {"generator": spec.labelled(), "discriminator": spec.labelled()}
