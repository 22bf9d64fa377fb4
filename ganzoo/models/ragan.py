"""RaGAN: a relativistic discriminator, which tells how much more real one sample is than another.

Paper: Jolicoeur-Martineau, The relativistic discriminator: a key element missing from standard GAN, 2019.
URL: https://arxiv.org/abs/1807.00734 (RSGAN and RaSGAN)
Code: https://github.com/AlexiaJM/RelativisticGAN
Deviations: the average version's two terms are added, as in the paper; the reference code halves their sum. The
    generator is compared with the batch that the discriminator has just seen; the reference code draws another.
    An averaged generator is evaluated.
"""

from typing import Any

from torch import nn

from ganzoo.games.gan import GAN
from ganzoo.losses.objectives import OBJECTIVES


class RaGAN(GAN):
    """The cross-entropy game on differences of logits; both players see both sides of it.

    Args:
        generator: latent vectors to samples.
        discriminator: samples to logits, of which only differences count.
        average: compare each sample with the mean of the other kind (RaSGAN) instead of with one of them (RSGAN).
        **kwargs: see `GAN`.
    """

    def __init__(self, generator: nn.Module, discriminator: nn.Module, average: bool = True, **kwargs: Any) -> None:
        super().__init__(generator, discriminator, **kwargs)
        self.objective = OBJECTIVES["relativistic_average" if average else "relativistic"]
