"""Soft labels: targets of almost 1 for real samples, so that certainty does not pay for a logistic discriminator.

Paper: Salimans et al. 2016, "Improved Techniques for Training GANs", arXiv 1606.03498, section 3.4, smooths one side;
the noisy ranges and the flips are from Chintala et al. 2016, "How to Train a GAN".
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.games.stabiliser import Stabilised, Stabiliser


class SoftLabels(Stabiliser):
    """Draws the target of each sample from a range, for variants with the logistic loss.

    With cross-entropy H on a logit l, H(l, t) = softplus(-l) + (1 - t) l = softplus(l) - t l. The loss at a soft label
    is that at the hard label, which the variant computes, and a term linear in the logit, which is added here.

    Args:
        real: range of the labels of real samples. `[0.9, 0.9]` with fakes at `[0, 0]` is the paper's one-sided
            smoothing. Above a mean of 1 the loss would have no lower bound.
        fake: range of the labels of generated samples. The paper argues against raising them.
        flip: share of samples that are labelled as if they came from the other side.

    Raises:
        GanzooError: if a range is upside down or `flip` is no share.
    """

    def __init__(
        self, real: tuple[float, float] = (0.7, 1.2), fake: tuple[float, float] = (0.0, 0.3), flip: float = 0.0
    ) -> None:
        super().__init__()
        for name, (low, high) in (("real", real), ("fake", fake)):
            if low > high:
                raise GanzooError(f"model.stabilisers.{name}: must be a range from low to high, not {[low, high]}.")
        if not 0 <= flip <= 1:
            raise GanzooError(f"model.stabilisers.flip: must be a share in [0, 1], not {flip}.")
        self.real, self.fake, self.flip = real, fake, flip

    def check(self, game: Stabilised) -> None:
        """Raises GanzooError if the variant's loss has no labels to soften.

        Raises:
            GanzooError: if the game's loss has none.
        """
        if game.answers != "logits":
            raise GanzooError(f"model.stabilisers: SoftLabels is for logistic losses, not for {type(game).__name__}'s.")

    def d_terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Returns the change of the logistic loss from targets of 1 and 0 to drawn ones."""
        self.require_judged(game, move)
        pairs = zip(move.real, move.fake, strict=False)
        return {"soft": torch.stack([self.change(real.logits, fake.logits) for real, fake in pairs]).sum()}

    def change(self, real: Tensor, fake: Tensor) -> Tensor:
        """Returns the change of the loss on the logits of real and of generated samples."""
        t_real, t_fake = self.draw(real, self.real, self.fake), self.draw(fake, self.fake, self.real)
        return ((1 - t_real) * real).mean() - (t_fake * fake).mean()

    def draw(self, logits: Tensor, own: tuple[float, float], other: tuple[float, float]) -> Tensor:
        """Draws labels in the shape of `logits` from `own` range, or, flipped, from the `other`."""
        label = torch.empty_like(logits, dtype=torch.float32).uniform_(*own)
        if self.flip:
            flipped = torch.rand_like(label) < self.flip
            label = torch.where(flipped, torch.empty_like(label).uniform_(*other), label)
        return label
