"""Projection GAN: the discriminator compares the class with the image by an inner product.

Paper: Miyato and Koyama, cGANs with Projection Discriminator, 2018.
URL: https://arxiv.org/abs/1802.05637 (equations 3 and 4; section 4)
Code: https://github.com/pfnet-research/sngan_projection
Deviations: both players get batches of one size, where the authors' code doubles the generator's; generated images have
    the classes of the batch, not new ones; the learning rate falls only where a recipe says so; an averaged generator
    is evaluated. What makes it a projection is the network: `ganzoo.networks.conditional.Projection` around any other.
"""

from collections.abc import Mapping
from typing import Any

from torch import nn

from ganzoo.common.data_spec import DataSpec
from ganzoo.games.gan import GAN
from ganzoo.games.schedules import Schedule
from ganzoo.losses.objectives import HINGE
from ganzoo.networks.conditional import require_classes


class ProjectionGAN(GAN):
    """The hinge game with labels: `n_critic` Adam steps of a spectrally normalised D per generator step.

    Args:
        generator: latent vectors and labels to samples.
        discriminator: samples and labels to logits: a `Projection`.
        betas: Adam's decay rates.
        n_critic: discriminator steps per generator step.
        **kwargs: see `GAN`.

    Raises:
        GanzooError: if a network takes no labels, or they disagree on the number of classes.
    """

    objective = HINGE

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        betas: tuple[float, float] = (0.0, 0.9),
        n_critic: int | Schedule = 5,
        **kwargs: Any,
    ) -> None:
        require_classes(generator=generator, discriminator=discriminator)
        super().__init__(generator, discriminator, betas=betas, n_critic=n_critic, **kwargs)

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns both networks' data: they take the data's labels."""
        return {"generator": spec.labelled(), "discriminator": spec.labelled()}
