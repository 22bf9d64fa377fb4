"""Instance noise: the same Gaussian noise on real and generated samples, so that their distributions overlap.

Paper: Sønderby et al. 2017, "Amortised MAP Inference for Image Super-resolution", arXiv 1610.04490, appendix C.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.games.schedules import Schedule
from ganzoo.games.stabiliser import Stabilised, Stabiliser


class InstanceNoise(Stabiliser):
    """Adds Gaussian noise to the discriminator's input.

    Args:
        sigma: standard deviation of the noise, where samples lie in [-1, 1]; or a schedule of it: the paper anneals it
            linearly to 0.

    Raises:
        GanzooError: if it is negative.
    """

    def __init__(self, sigma: float | Schedule = 0.1) -> None:
        super().__init__()
        if min(sigma.values if isinstance(sigma, Schedule) else [sigma]) < 0:
            raise GanzooError(f"model.stabilisers.sigma: must not be negative, but is {sigma}.")
        self.sigma = sigma

    def see(self, game: Stabilised, x: Tensor) -> Tensor:
        """Returns x + sigma n, n standard normal."""
        return x + game.level(self.sigma) * torch.randn_like(x)

    def d_terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Notes the present value of a schedule of sigma; adds no term."""
        sigma = game.level(self.sigma)
        if isinstance(sigma, Tensor):
            move.note("d/sigma", sigma)
        return {}
