"""CGAN: both networks are told the class.

Paper: Mirza and Osindero, Conditional Generative Adversarial Nets, 2014.
URL: https://arxiv.org/abs/1411.1784 (equation 2)
Code: none by the authors.
Deviations: Adam instead of SGD with momentum, the non-saturating loss, and networks of one's choice: those of
    `ganzoo.networks.conditional` join the embedded label to z and stack the one-hot label on the image.
    An averaged generator is evaluated.
"""

from collections.abc import Mapping
from typing import Any

from torch import nn

from ganzoo.common.data_spec import DataSpec
from ganzoo.games.gan import GAN
from ganzoo.losses.objectives import NONSATURATING
from ganzoo.networks.conditional import require_classes


class CGAN(GAN):
    """Equation 2: the original game with D(x|y) and G(z|y). Generated images have the batch's classes.

    Args:
        generator: latent vectors and labels to samples, such as a `LabelledGenerator`.
        discriminator: samples and labels to logits, such as a `LabelledDiscriminator`.
        **kwargs: see `GAN`.

    Raises:
        GanzooError: if a network takes no labels, or they disagree on the number of classes.
    """

    objective = NONSATURATING

    def __init__(self, generator: nn.Module, discriminator: nn.Module, **kwargs: Any) -> None:
        require_classes(generator=generator, discriminator=discriminator)
        super().__init__(generator, discriminator, **kwargs)

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns both networks' data: they take the data's labels."""
        return {"generator": spec.labelled(), "discriminator": spec.labelled()}
