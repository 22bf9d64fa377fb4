"""Base of stabilisers: additions that a recipe can switch on for any GAN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, NamedTuple, Protocol

from torch import Tensor, nn

from ganzoo.common.errors import GanzooError
from ganzoo.games.notes import Notes
from ganzoo.games.players import Terms
from ganzoo.games.schedules import Schedule

Answers = Literal["logits", "signed", "scores"]


class Shown(NamedTuple):
    """Samples that the discriminator has judged in this move, and its logits."""

    x: Tensor  # before augmentation and noise
    y: Tensor | None
    logits: Tensor


class Stabilised(Protocol):
    """Protocol of a GAN as its stabilisers may use it.

    Attributes:
        generator: latent vectors to samples.
        discriminator: samples to logits (N,).
        answers: what the discriminator answers; see `ganzoo.games.gan.GAN`.
        n_classes: number of classes; 0 without any.
        supervised: whether these are the data's.
        shown: what the discriminator was asked in this move, and its answers; real samples first in its own move.
        stand_in: parameters that judge instead of the discriminator's own; None for its own.
        notes: scalars to be logged.
    """

    generator: nn.Module
    discriminator: nn.Module
    answers: Answers
    n_classes: int
    supervised: bool
    shown: list[Shown]
    stand_in: Mapping[str, Tensor] | None
    notes: Notes

    def latent(self, n: int, seed: int | None = None) -> Tensor:
        """Draws latent vectors (n, latent_dim)."""

    def generate(self, generator: nn.Module, z: Tensor, y: Tensor | None) -> Tensor:
        """Maps latent vectors to samples."""

    def judge(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Returns the discriminator's logits (N,) on its input of these samples, and keeps them in `shown`."""

    def discriminator_input(self, x: Tensor) -> Tensor:
        """Returns samples as the discriminator sees them."""

    def d_loss(self, x: Tensor, y: Tensor | None) -> Terms:
        """Returns the variant's terms for the discriminator."""

    def level(self, of: float | Schedule) -> float | Tensor:
        """Returns a constant, or a schedule's present value."""

    def note(self, name: str, tensor: Tensor) -> None:
        """Notes a scalar for the log."""

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yields the game's buffers, by which a variant counts."""


class Stabiliser(nn.Module):
    """Base of stabilisers: hooks into a GAN's two moves, each of which does nothing by default.

    Its parameters and buffers are saved with the training state and not exported. `game.shown` lists what the
    discriminator has been shown in this move, real samples first; terms add to the loss of the variant.
    """

    def check(self, game: Stabilised) -> None:
        """Raises GanzooError if the stabiliser does not fit the game."""

    def see(self, game: Stabilised, x: Tensor) -> Tensor:
        """Changes the discriminator's input, real and generated alike."""
        return x

    def d_terms(self, game: Stabilised, x: Tensor, y: Tensor | None) -> Terms:
        """Adds terms to the discriminator's loss, after the variant's own are computed."""
        return {}

    def g_terms(self, game: Stabilised, x: Tensor, y: Tensor | None) -> Terms:
        """Adds terms to the generator's loss, after the variant's own are computed."""
        return {}

    def facing(self, game: Stabilised, x: Tensor, y: Tensor | None) -> AbstractContextManager[None]:
        """Context manager around the generator's loss, which may set another discriminator in it."""
        return nullcontext()

    def after_d(self, game: Stabilised) -> None:
        """Runs after each step of the discriminator."""

    def judged(self, game: Stabilised) -> tuple[Shown, Shown]:
        """Returns the real and the generated samples that the variant has judged in the discriminator's move.

        Raises:
            GanzooError: if it has not judged both.
        """
        if len(game.shown) < 2:
            need = f"{type(self).__name__} needs a variant that judges real and generated samples"
            raise GanzooError(f"model.stabilisers: {need}; {type(game).__name__} does not.")
        return game.shown[0], game.shown[1]
