"""Feature matching: the generator matches the mean of the discriminator's hidden activations on real data.

Paper: Salimans et al. 2016, "Improved Techniques for Training GANs", arXiv 1606.03498, section 3.1.
"""

from __future__ import annotations

from typing import Any

from ganzoo.common.errors import GanzooError
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.games.stabiliser import Stabilised, Stabiliser


class FeatureMatching(Stabiliser):
    """Penalises ||E f(x) - E f(G(z))||_2^2 over a batch, f the discriminator's last hidden layer.

    The real and the generated samples are those of this move, seen as the discriminator sees everything: augmented, and
    by the critic of this move.

    Args:
        weight: factor on the term.
        replace: put it in the place of the variant's own `adv` term, as the paper does, instead of beside it.
    """

    def __init__(self, weight: float = 1.0, replace: bool = False) -> None:
        super().__init__()
        self.weight = weight
        self.replace = replace

    def check(self, game: Stabilised) -> None:
        """Raises GanzooError if the discriminator shows no hidden activations.

        Raises:
            GanzooError: if it has no `features`.
        """
        if not hasattr(game.discriminator, "features"):
            kind = type(game.discriminator).__name__
            raise GanzooError(
                f"model.stabilisers: FeatureMatching needs a discriminator with `features`, unlike {kind}."
            )

    def g_terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Returns the distance between the mean features of real samples and of those just generated."""
        self.check(game)
        fake = move.fake[0]
        difference = move.features(fake.x, fake.y).mean(0) - move.features(*game.real_pair(x, y)).mean(0)
        distance = difference.float().square().sum()
        return {"adv" if self.replace else "fm": self.weight * distance}
