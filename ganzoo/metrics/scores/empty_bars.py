"""Difference in the share of empty bars of music, from 0 to 1."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.kinds import MUSIC
from ganzoo.metrics.bootstrap import Scored, of_sums
from ganzoo.metrics.rolls import ratio_gap, sounding
from ganzoo.metrics.score import Items, Score, Setting


class EmptyBars(Score):
    """Ratio of empty bars, EB of MuseGAN; a bar of each track counts on its own. See `ganzoo.metrics.rolls`."""

    higher = False
    kinds = (MUSIC,)

    def keep(self, x: Tensor, first: int, datamodule: Any) -> Tensor:
        """Returns the numbers of empty bars and of bars (N, 2)."""
        empty = ~sounding(x, datamodule).flatten(3).any(3).flatten(1)
        return torch.stack([empty.sum(1), torch.full((len(x),), empty.shape[1], device=x.device)], 1)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the difference."""
        return of_sums(reference.kept, samples.kept, ratio_gap, least=0, most=1)
