"""Base of stabilisers: additions that a recipe can switch on for any game with a discriminator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Protocol

from torch import Tensor, nn

from ganzoo.common.errors import GanzooError
from ganzoo.games.move import AdversarialMove, Judged
from ganzoo.games.objective import Answers
from ganzoo.games.players import Player, Terms
from ganzoo.games.schedules import Schedule


class Stabilised(Judged, Protocol):
    """Protocol of an adversarial game as its stabilisers may use it.

    Attributes:
        generator: makes samples.
        discriminator: maps samples to logits; `move.judge` asks it as it is to be asked.
        discriminators: names of all discriminators.
    """

    generator: nn.Module
    discriminator: nn.Module | None
    discriminators: ClassVar[tuple[str, ...]]

    @property
    def answers(self) -> Answers:
        """What the discriminators answer; see `ganzoo.games.objective`."""

    def real_pair(self, x: Any, y: Any) -> tuple[Tensor, Any]:
        """Returns the real samples of a batch and their conditions."""

    def d_loss(self, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Returns the variant's terms for the discriminator."""

    def open_move(self) -> AdversarialMove:
        """Returns a new move."""

    def level(self, of: float | Schedule) -> float | Tensor:
        """Returns a constant, or a schedule's present value."""


class Stabiliser(nn.Module):
    """Base of stabilisers: hooks into the moves of an adversarial game, each of which does nothing by default.

    Its parameters and buffers are saved with the training state and not exported. `move.real` and `move.fake` list what
    has been judged so far; terms add to the loss of the variant.

    Attributes:
        augments: whether it changes samples as only images may be changed.
    """

    augments: ClassVar[bool] = False

    def enter(self, game: Stabilised) -> None:
        """Runs once, when the game is made; it may change the discriminator's layers."""

    def check(self, game: Stabilised) -> None:
        """Raises GanzooError if the stabiliser does not fit the game."""

    def players(self, game: Stabilised, d: Player, g: Player) -> Iterable[Player]:
        """Returns further players, which move after the discriminators and before the generator.

        Args:
            game: the game.
            d: the player of the discriminators.
            g: the player of the generator.
        """
        return ()

    def see(self, game: Stabilised, x: Tensor) -> Tensor:
        """Changes the discriminator's input, real and generated alike."""
        return x

    def show(self, game: Stabilised, inputs: tuple[Any, ...], by: str) -> tuple[Any, ...]:
        """Changes all that a discriminator takes, samples and what is beside them, after every stabiliser's `see`.

        Args:
            game: the game.
            inputs: changed samples (N, ...), and their condition or whatever else the discriminator takes.
            by: its name.
        """
        return inputs

    def d_terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Adds terms to the discriminator's loss, after the variant's own are computed."""
        return {}

    def before_g(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> None:
        """Runs before the generator's loss is computed; it may put another critic into `move.critics`."""

    def g_terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Adds terms to the generator's loss, after the variant's own are computed."""
        return {}

    def after_d(self, game: Stabilised, move: AdversarialMove) -> None:
        """Runs after each step of the discriminator."""

    def require_judged(self, game: Stabilised, move: AdversarialMove) -> None:
        """Checks that the variant has judged real and generated samples in this move.

        Raises:
            GanzooError: if it has not judged both.
        """
        if not (move.real and move.fake):
            need = f"{type(self).__name__} needs a variant that judges real and generated samples"
            raise GanzooError(f"model.stabilisers: {need}; {type(game).__name__} does not.")
