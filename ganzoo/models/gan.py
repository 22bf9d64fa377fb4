"""GAN: the original game, minimax or non-saturating.

Paper: Goodfellow et al., Generative Adversarial Networks, 2014.
URL: https://arxiv.org/abs/1406.2661 (Algorithm 1)
Code: https://github.com/goodfeli/adversarial
Deviations: Adam instead of momentum SGD and LeakyReLU instead of maxout, as in most reproductions since.
    An averaged generator is evaluated.
"""

from typing import Any

from torch import nn

from ganzoo.games.gan import GAN
from ganzoo.losses.objectives import MINIMAX, NONSATURATING


class VanillaGAN(GAN):
    """Algorithm 1 with k = `n_critic` discriminator steps per generator step.

    Args:
        generator: latent vectors to samples.
        discriminator: samples to logits.
        saturating: descend equation 1's log(1 - D(G(z))) itself instead of section 3's non-saturating -log D(G(z)).
        **kwargs: see `GAN`.
    """

    def __init__(self, generator: nn.Module, discriminator: nn.Module, saturating: bool = False, **kwargs: Any) -> None:
        super().__init__(generator, discriminator, **kwargs)
        self.objective = MINIMAX if saturating else NONSATURATING
