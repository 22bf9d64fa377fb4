"""Feature matching: the generator is to match the mean of the discriminator's hidden activations on real data.

Paper: Salimans et al. 2016, "Improved Techniques for Training GANs", arXiv 1606.03498, section 3.1.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.func import functional_call

from ganzoo.common.errors import GanzooError
from ganzoo.games.players import Terms
from ganzoo.games.stabiliser import Stabilised, Stabiliser


class FeatureMatching(Stabiliser):
    """||E f(x) - E f(G(z))||_2^2 over a batch, f the discriminator's last hidden layer.

    The real and the generated samples are those of this move, seen as the discriminator sees everything: augmented, and
    through the stand-in where one is put up.

    Args:
        weight: factor on the term.
        replace: put it in the place of the variant's own `adv` term, as the paper does, instead of beside it.
    """

    def __init__(self, weight: float = 1.0, replace: bool = False) -> None:
        super().__init__()
        self.weight = weight
        self.replace = replace

    def g_terms(self, game: Stabilised, x: Tensor, y: Tensor | None) -> Terms:
        """Compares the features of this batch with those of the samples that the variant has just drawn."""
        if not hasattr(game.discriminator, "features"):
            kind = type(game.discriminator).__name__
            raise GanzooError(
                f"model.stabilisers: FeatureMatching needs a discriminator with `features`, unlike {kind}."
            )
        fake = next(shown for shown in game.shown if shown.x is not x)
        difference = features(game, fake.x, fake.y).mean(0) - features(game, x, y).mean(0)
        distance = difference.float().square().sum()
        return {"adv" if self.replace else "fm": self.weight * distance}


class Features(nn.Module):
    """Calls a discriminator's `features` in the place of its `forward`, which alone can be given other parameters."""

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, *given: Tensor) -> Tensor:
        """Maps samples, and labels for a conditional discriminator, to hidden activations (N, ...)."""
        return self.discriminator.features(*given)  # type: ignore[operator]


def features(game: Stabilised, x: Tensor, y: Tensor | None) -> Tensor:
    """Returns the hidden activations (N, ...) of the discriminator, or of the one that stands in for it, on x."""
    given = (game.seen(x), y) if getattr(game.discriminator, "n_classes", 0) else (game.seen(x),)
    module = Features(game.discriminator)
    if game.stand_in is None:
        return module(*given)
    return functional_call(module, {f"discriminator.{name}": of for name, of in game.stand_in.items()}, given)
