"""Feature matching: the generator matches the mean of the discriminator's hidden activations on real data.

Paper: Salimans et al. 2016, "Improved Techniques for Training GANs", arXiv 1606.03498, section 3.1.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.func import functional_call

from ganzoo.common.errors import GanzooError
from ganzoo.games.players import Terms
from ganzoo.games.stabiliser import Stabilised, Stabiliser


class FeatureMatching(Stabiliser):
    """Penalises ||E f(x) - E f(G(z))||_2^2 over a batch, f the discriminator's last hidden layer.

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
        """Returns the distance between the mean features of real samples and of those just generated."""
        if not hasattr(game.discriminator, "features"):
            kind = type(game.discriminator).__name__
            raise GanzooError(
                f"model.stabilisers: FeatureMatching needs a discriminator with `features`, unlike {kind}."
            )
        fake = next(shown for shown in game.shown if shown.x is not x)
        difference = hidden_features(game, fake.x, fake.y).mean(0) - hidden_features(game, x, y).mean(0)
        distance = difference.float().square().sum()
        return {"adv" if self.replace else "fm": self.weight * distance}


class Features(nn.Module):
    """Wrapper that calls a discriminator's `features` as its `forward`, which `functional_call` needs."""

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, *inputs: Tensor) -> Tensor:
        """Maps samples, and labels for a conditional discriminator, to hidden activations (N, ...)."""
        return self.discriminator.features(*inputs)  # type: ignore[operator]


def hidden_features(game: Stabilised, x: Tensor, y: Tensor | None) -> Tensor:
    """Returns the hidden activations (N, ...) of the discriminator, or of its stand-in, on x."""
    x = game.discriminator_input(x)
    inputs = (x, y) if getattr(game.discriminator, "n_classes", 0) else (x,)
    module = Features(game.discriminator)
    if game.stand_in is None:
        return module(*inputs)
    return functional_call(module, {f"discriminator.{name}": of for name, of in game.stand_in.items()}, inputs)
