"""R1: penalises the discriminator's gradient on real data, on every batch or lazily.

Papers: Mescheder, Geiger and Nowozin 2018, "Which Training Methods for GANs do actually Converge?", arXiv 1801.04406,
equation 9; Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", arXiv 1912.04958, section 2.2
and appendix B, for the lazy form.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ganzoo.common.errors import GanzooError
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Player, Terms, lazy_player
from ganzoo.games.stabiliser import Stabilised, Stabiliser
from ganzoo.losses.penalties import r1_penalty, refuse_mixing


class R1(Stabiliser):
    """Adds gamma / 2 E ||grad D(x)||^2 on real samples x to the discriminator's loss, for any game with one.

    The gradient is that with respect to the samples before augmentation, and their condition is held.

    Args:
        gamma: weight of the penalty.
        every: 1 adds it to every step of the discriminator. k above 1 makes it a step of its own on every k-th batch,
            with k times the weight and Adam's settings corrected for the more steps; see `ganzoo.games.players`.

    Raises:
        GanzooError: if `every` is below 1.
    """

    def __init__(self, gamma: float = 10.0, every: int = 1) -> None:
        super().__init__()
        if every < 1:
            raise GanzooError(f"model.stabilisers.every: must be at least 1, not {every}.")
        self.gamma, self.every = gamma, every

    def check(self, game: Stabilised) -> None:
        """Raises GanzooError if there is more than one discriminator, or it mixes the samples of a batch.

        Raises:
            GanzooError: if there are layers in it that do, such as BatchNorm.
        """
        if len(game.discriminators) > 1:
            raise GanzooError(f"model.stabilisers: R1 is for one discriminator; {type(game).__name__} has more.")
        if game.discriminator is not None:
            refuse_mixing(game.discriminator)

    def players(self, game: Stabilised, d: Player, g: Player) -> Iterable[Player]:
        """Returns the player of the lazy penalty; none where it is part of every step."""

        def penalty(x: Any, y: Any, move: AdversarialMove) -> Terms:
            return self.terms(game, x, y, move, self.every)

        return (lazy_player("r1", d, penalty, self.every),) if self.every > 1 else ()

    def d_terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Returns the penalty, unless it is lazy."""
        return self.terms(game, x, y, move, 1) if self.every == 1 else {}

    def terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove, weight: float) -> Terms:
        """Returns the weighted penalty of the discriminator on the real samples of a batch."""
        real, condition = game.real_pair(x, y)
        return {"r1": self.gamma * weight * r1_penalty(move.judge, real, condition)}
