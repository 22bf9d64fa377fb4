"""f-GAN: any f-divergence, estimated from below by a critic and brought down by the generator.

Paper: Nowozin et al., f-GAN: Training Generative Neural Samplers using Variational Divergence Minimization, 2016.
URL: https://arxiv.org/abs/1606.00709 (Algorithm 1 and section 3.2)
Code: https://github.com/nowozin/mlss2018-madrid-gan
Deviations: logits beyond 3 are damped before an exponential (`ganzoo.losses.divergences.tame`) instead of clipping
    gradients; the bound still holds. The generator ascends E g_f(V) as in section 3.2; the code, of a later lecture,
    descends the bound itself. An averaged generator is evaluated.

The six divergences make five games: `js` and `gan` differ by a constant, and with section 3.2's generator both have the
very gradients of the non-saturating GAN (`ganzoo.models.gan`). The default is neither of them.
"""

from typing import Any, Literal

from torch import nn

from ganzoo.games.gan import GAN
from ganzoo.losses.divergences import DIVERGENCES, fgan_objective

Name = Literal["kl", "reverse_kl", "pearson", "squared_hellinger", "js", "gan"]


class FGAN(GAN):
    """Algorithm 1: one step of the critic up the bound, one of the generator.

    Args:
        generator: latent vectors to samples.
        discriminator: the variational function V before its output activation: samples to logits.
        divergence: which one; `js` and `gan` make the original GAN, non-saturating or, if `saturating`, minimax.
        saturating: descend the bound itself (Algorithm 1, line 4) instead of section 3.2's alternative.
        **kwargs: see `GAN`.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        divergence: Name = "kl",
        saturating: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, **kwargs)
        self.divergence = DIVERGENCES[divergence]
        self.objective = fgan_objective(self.divergence, saturating)
