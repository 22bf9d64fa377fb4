"""Mode seeking: distant latent vectors are to become distant samples.

Paper: Mao et al. 2019, "Mode Seeking Generative Adversarial Networks for Diverse Image Synthesis", arXiv 1903.05628,
equations 3 and 4.
"""

from __future__ import annotations

from typing import Any

import torch

from ganzoo.common.errors import GanzooError
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.games.sampler import Sampler
from ganzoo.games.stabiliser import Stabilised, Stabiliser

EPSILON = 1e-5


class ModeSeeking(Stabiliser):
    """Adds the inverse of d(G(z1), G(z2)) / d(z1, z2) to the generator's loss, d the mean absolute difference.

    The paper maximises the ratio of each pair; its code descends one over the batch's ratio, which is bounded. We
    follow the code.

    Args:
        weight: factor on the term, the paper's lambda.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def check(self, game: Stabilised) -> None:
        """Raises GanzooError if the game has no latent vectors.

        Raises:
            GanzooError: if it draws no samples from any.
        """
        if not isinstance(game, Sampler):
            raise GanzooError(f"model.stabilisers: ModeSeeking needs latent vectors; {type(game).__name__} has none.")

    def g_terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Returns the term for two batches of latent vectors with the same labels."""
        assert isinstance(game, Sampler)  # as `check` has seen
        one, two = game.latent(len(x)), game.latent(len(x))
        labels = y if game.supervised else torch.randint(max(game.n_classes, 1), (len(x),), device=x.device)
        samples = [game.generate(game.generator, z, labels).float() for z in (one, two)]
        ratio = (samples[0] - samples[1]).abs().mean() / (one - two).abs().mean()
        return {"ms": self.weight / (ratio + EPSILON)}
