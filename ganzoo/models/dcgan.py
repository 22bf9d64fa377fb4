"""DCGAN: the convolutional architecture that made GANs train.

Paper: Radford, Metz and Chintala, Unsupervised Representation Learning with Deep Convolutional GANs, 2016.
URL: https://arxiv.org/abs/1511.06434 (sections 3 and 4)
Code: https://github.com/Newmu/dcgan_code
Deviations: a normal prior unless a recipe asks for the paper's uniform one; kernels of 4x4 pixels, not the 5x5 of the
    authors' code, and without its weight decay of 1e-5; an averaged generator is evaluated.
"""

from typing import Any, Literal

from torch import nn

from ganzoo.games.gan import GAN
from ganzoo.losses.objectives import OBJECTIVES


class DCGAN(GAN):
    """The non-saturating game with the paper's settings: Adam, 2e-4, beta1 0.5, one step each.

    Real and generated images are separate batches for the discriminator, each with its own statistics.

    Args:
        generator: latent vectors to images.
        discriminator: images to logits.
        objective: the paper's non-saturating loss, or the hinge loss of later work on the same networks.
        **kwargs: see `GAN`.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: Literal["nonsaturating", "hinge"] = "nonsaturating",
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, **kwargs)
        self.objective = OBJECTIVES[objective]
