"""R1 GAN: the logistic game with a penalty on the discriminator's gradient at real data, which makes it converge.

Paper: Mescheder, Geiger and Nowozin, Which Training Methods for GANs do actually Converge?, 2018.
URL: https://arxiv.org/abs/1801.04406 (equation 9)
Code: https://github.com/LMescheder/GAN_stability
Deviations: the reference code leaves out equation 9's half, so that its weight 10 is a gamma of 20; we
    follow the paper. `r1_every` above 1 is StyleGAN2's lazy regularisation, with its correction of the learning rate.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer, RMSprop

from ganzoo.common.errors import GanzooError
from ganzoo.games.gan import GAN
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Player, Terms, lazy_player
from ganzoo.losses.objectives import NONSATURATING
from ganzoo.losses.penalties import r1_penalty, refuse_mixing


class R1GAN(GAN):
    """The non-saturating game and the penalty, with the paper's settings: RMSprop, one step each.

    Args:
        generator: latent vectors to samples.
        discriminator: samples to logits. BatchNorm and minibatch layers, which mix samples, are refused.
        gamma: weight of the penalty.
        r1_every: penalise on every so many batches, with so many times the weight.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        optimizer: class of both optimizers.
        **kwargs: see `GAN`.
    """

    objective = NONSATURATING

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        gamma: float = 10.0,
        r1_every: int = 1,
        g_lr: float = 1e-4,
        d_lr: float = 1e-4,
        optimizer: type[Optimizer] = RMSprop,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, g_lr=g_lr, d_lr=d_lr, optimizer=optimizer, **kwargs)
        refuse_mixing(discriminator)
        if r1_every < 1:
            raise GanzooError(f"model.r1_every: must be at least 1, not {r1_every}.")
        self.gamma = gamma
        self.r1_every = r1_every

    def players(self) -> Sequence[Player]:
        """Returns the base's players and, for a lazy penalty, one more that shares the discriminator's optimizer."""
        d, *others = super().players()
        return (d, lazy_player("d_reg", d, self.r1, self.r1_every), *others) if self.r1_every > 1 else (d, *others)

    def d_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns the logistic loss and, unless it is lazy, the penalty."""
        terms = super().d_loss(x, y, move)
        return {**terms, **self.r1(x, y, move)} if self.r1_every == 1 else terms

    def r1(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns equation 9, weighted for the batches that are left out."""
        return {"r1": self.gamma * self.r1_every * r1_penalty(move.judge, x, y)}
