"""GAN: the original game, minimax or non-saturating.

Paper: Goodfellow et al., Generative Adversarial Networks, 2014.
URL: https://arxiv.org/abs/1406.2661 (Algorithm 1)
Code: https://github.com/goodfeli/adversarial
Deviations: Adam instead of momentum SGD and LeakyReLU instead of maxout, as in most reproductions since.
    An averaged generator is evaluated.
"""

from typing import Any

from torch import Tensor, nn

from ganzoo.games.gan import GAN
from ganzoo.games.players import Terms
from ganzoo.losses.objectives import logistic_d, minimax_g, nonsaturating_g


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
        self.adversarial_g = minimax_g if saturating else nonsaturating_g

    def d_loss(self, x: Tensor, y: Tensor | None) -> Terms:
        """Returns -(log D(x) + log(1 - D(G(z))))."""
        real, fake = self.judge(x, y), self.judge(self.fake(len(x), y), y)
        self.note_accuracy(real, fake)
        return {"adv": logistic_d(real, fake)}

    def g_loss(self, x: Tensor, y: Tensor | None) -> Terms:
        """Returns the minimax or the non-saturating loss."""
        return {"adv": self.adversarial_g(self.judge(self.fake(len(x), y), y))}
