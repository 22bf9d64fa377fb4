"""RaGAN: a relativistic discriminator, which tells how much more real one sample is than another.

Paper: Jolicoeur-Martineau, The relativistic discriminator: a key element missing from standard GAN, 2019.
URL: https://arxiv.org/abs/1807.00734 (RSGAN and RaSGAN)
Code: https://github.com/AlexiaJM/RelativisticGAN
Deviations: the average version's two terms are added, as in the paper; the reference code halves their sum. The
    generator is compared with the batch that the discriminator has just seen; the reference code draws another.
    An averaged generator is evaluated.
"""

from typing import Any

from torch import Tensor, nn

from ganzoo.games.gan import GAN, Answers
from ganzoo.games.players import Terms
from ganzoo.losses.objectives import relativistic_average_d, relativistic_d


class RaGAN(GAN):
    """The cross-entropy game on differences of logits; both players see both sides of it.

    Args:
        generator: latent vectors to samples.
        discriminator: samples to logits, of which only differences count.
        average: compare each sample with the mean of the other kind (RaSGAN) instead of with one of them (RSGAN).
        **kwargs: see `GAN`.
    """

    answers: Answers = "scores"

    def __init__(self, generator: nn.Module, discriminator: nn.Module, average: bool = True, **kwargs: Any) -> None:
        super().__init__(generator, discriminator, **kwargs)
        self.adversarial = relativistic_average_d if average else relativistic_d

    def d_loss(self, x: Tensor, y: Tensor | None) -> Terms:
        """Returns the loss by which real samples are to be more real than generated ones."""
        real, fake = self.judge(x, y), self.judge(self.fake(len(x), y), y)
        self.note_accuracy(real - fake.mean(), fake - real.mean())
        return {"adv": self.adversarial(real, fake)}

    def g_loss(self, x: Tensor, y: Tensor | None) -> Terms:
        """Returns the loss by which generated samples are to be more real than real ones."""
        real, fake = self.judge(x, y), self.judge(self.fake(len(x), y), y)
        return {"adv": self.adversarial(fake, real)}
