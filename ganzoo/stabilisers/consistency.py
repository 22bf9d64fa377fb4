"""Consistency regularisation: the discriminator is to judge an image and its shifted copy alike.

Papers: Zhang et al. 2020, "Consistency Regularization for Generative Adversarial Networks", arXiv 1910.12027, equation
5 (CR, on real samples); Zhao et al. 2021, "Improved Consistency Regularization for GANs", arXiv 2002.04724, algorithm 1
(bCR, on generated samples, too).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.games.augment import shift
from ganzoo.games.move import AdversarialMove, Judgement
from ganzoo.games.players import Terms
from ganzoo.games.stabiliser import Stabilised, Stabiliser


class Consistency(Stabiliser):
    """Penalises E (D(x) - D(T(x)))^2, T a shift by a few pixels and perhaps a flip.

    D(x) is what the discriminator said in its own move, so that each term costs one more forward pass.

    Args:
        real: weight of the term on real images, the paper's lambda.
        fake: weight of the term on generated images; 10 in bCR, 0 in CR.
        pixels: images are shifted by up to so many pixels each way; the border is mirrored.
        flip: whether T also turns every second image left to right; not for digits or letters.

    Raises:
        GanzooError: if `pixels` is negative.
    """

    augments = True

    def __init__(self, real: float = 10.0, fake: float = 0.0, pixels: int = 4, flip: bool = False) -> None:
        super().__init__()
        if pixels < 0:
            raise GanzooError(f"model.stabilisers.pixels: must be at least 0, not {pixels}.")
        self.real = real
        self.fake = fake
        self.pixels = pixels
        self.flip = flip

    def d_terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Returns the penalty on real images and, if weighted, on generated ones."""
        self.require_judged(game, move)
        terms = {"cr": self.real * self.distance(move, move.real)}
        return terms | ({"cr_fake": self.fake * self.distance(move, move.fake)} if self.fake else {})

    def distance(self, move: AdversarialMove, judgements: Sequence[Judgement]) -> Tensor:
        """Returns the mean squared difference between the logits of these images and of changed ones, summed."""
        distances = []
        for _, _, (x, *rest), logits, _, by in judgements:
            changed, _ = move.ask((self.change(x), *rest), by)
            distances.append((logits - changed).float().square().mean())
        return torch.stack(distances).sum()

    def change(self, x: Tensor) -> Tensor:
        """Returns T(x), each image changed in its own way.

        Raises:
            GanzooError: if these are no images, or too small to be shifted that far.
        """
        if x.dim() != 4 or min(x.shape[2:]) <= self.pixels:
            raise GanzooError(
                f"model.stabilisers.pixels: cannot shift samples of shape {tuple(x.shape[1:])} by {self.pixels}."
            )
        if self.flip:
            x = torch.where(torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5, x.flip(3), x)
        return shift(x, self.pixels, self.pixels, "reflect")
