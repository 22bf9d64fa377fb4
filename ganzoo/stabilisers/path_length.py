"""Path-length regularisation: steps in a style-based generator's w are to move images by equal lengths.

Paper: Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", arXiv 1912.04958, section 3.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ganzoo.common.conditions import take_values
from ganzoo.common.errors import GanzooError
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Player, Terms, lazy_player
from ganzoo.games.sampler import Sampler
from ganzoo.games.stabiliser import Stabilised, Stabiliser
from ganzoo.games.styles import is_style_based, mix_at_random
from ganzoo.losses.path_length import path_lengths, path_penalty


class PathLength(Stabiliser):
    """Penalises (|J^T y| - a)^2 by a lazy step of the generator, on a part of the batch's size.

    Args:
        weight: of the penalty.
        every: it is computed on every so many batches, with as many times the weight.
        shrink: images are as many as the batch's divided by this.
        decay: share by which the running mean a moves.

    Attributes:
        mean: the running mean of lengths, part of the training state.

    Raises:
        GanzooError: if `every` is below 2 or `shrink` below 1.
    """

    mean: Tensor

    def __init__(self, weight: float = 2.0, every: int = 4, shrink: int = 2, decay: float = 0.01) -> None:
        super().__init__()
        for name, number, least in (("every", every, 2), ("shrink", shrink, 1)):
            if number < least:
                raise GanzooError(f"model.stabilisers.{name}: must be at least {least}, not {number}.")
        self.weight, self.every, self.shrink, self.decay = weight, every, shrink, decay
        self.register_buffer("mean", torch.zeros(()))

    def check(self, game: Stabilised) -> None:
        """Raises GanzooError if the generator is not style-based.

        Raises:
            GanzooError: if it has no styles.
        """
        if not isinstance(game, Sampler) or not is_style_based(game.generator):
            raise GanzooError("model.stabilisers: PathLength needs a style-based generator.")

    def players(self, game: Stabilised, d: Player, g: Player) -> Iterable[Player]:
        """Returns the player of the penalty, which shares the generator's optimizer."""

        def penalty(x: Any, y: Any, move: AdversarialMove) -> Terms:
            return self.terms(game, x, y, move)

        return (lazy_player("pl", g, penalty, self.every),)

    def terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Returns the weighted penalty of newly drawn images, and moves the running mean."""
        generator = game.generator
        assert isinstance(game, Sampler)  # as `check` has seen
        assert is_style_based(generator)
        n = max(len(x) // self.shrink, 1)
        y = None if game.condition is None else take_values(y, slice(n))
        styles = generator.styles(*game.network_inputs(game.latent(n), y))
        if game.mixing:
            styles = mix_at_random(styles, generator.mapping(*game.network_inputs(game.latent(n), y)), game.mixing)
        lengths = path_lengths(game.synthesise(generator, styles, y).float(), styles)
        penalty, mean = path_penalty(lengths, self.mean, self.decay)
        self.mean.copy_(mean)
        move.note("pl/length", lengths.mean())
        return {"penalty": self.weight * self.every * penalty}
