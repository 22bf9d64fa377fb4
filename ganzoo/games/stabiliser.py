"""What a recipe can switch on for any GAN, without a variant of its own."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor, nn

from ganzoo.common.errors import GanzooError
from ganzoo.games.players import Terms

if TYPE_CHECKING:
    from ganzoo.games.gan import GAN


class Shown(NamedTuple):
    """What the discriminator was asked in this move, and what it answered."""

    x: Tensor  # before augmentation and noise
    y: Tensor | None
    logits: Tensor


class Stabiliser(nn.Module):
    """Hooks into a GAN's two moves. Each does nothing unless a stabiliser says otherwise.

    Its parameters and buffers are saved with the training state and not exported. `game.shown` lists what the
    discriminator has been shown in this move, real samples first; terms add to the loss of the variant.
    """

    def check(self, game: GAN) -> None:
        """Raises GanzooError where it does not fit the game."""

    def see(self, game: GAN, x: Tensor) -> Tensor:
        """Changes what the discriminator sees, real and generated alike."""
        return x

    def d_terms(self, game: GAN, x: Tensor, y: Tensor | None) -> Terms:
        """Adds terms to the discriminator's loss, after the variant's own are computed."""
        return {}

    def g_terms(self, game: GAN, x: Tensor, y: Tensor | None) -> Terms:
        """Adds terms to the generator's loss, after the variant's own are computed."""
        return {}

    def facing(self, game: GAN, x: Tensor, y: Tensor | None) -> AbstractContextManager[None]:
        """Surrounds the generator's loss, to put another discriminator in front of it."""
        return nullcontext()

    def after_d(self, game: GAN) -> None:
        """Called after each step of the discriminator."""

    def judged(self, game: GAN) -> tuple[Shown, Shown]:
        """Returns the real and the generated samples that the variant has judged in the discriminator's move.

        Raises:
            GanzooError: if it has not judged both.
        """
        if len(game.shown) < 2:
            told = f"{type(self).__name__} needs a variant that judges real and generated samples"
            raise GanzooError(f"model.stabilisers: {told}; {type(game).__name__} does not.")
        return game.shown[0], game.shown[1]
