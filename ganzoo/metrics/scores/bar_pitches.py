"""Difference in the number of pitch classes, of twelve, that a bar of music uses."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.kinds import MUSIC
from ganzoo.metrics.bootstrap import Scored, of_sums
from ganzoo.metrics.rolls import OCTAVE, pitch_classes, ratio_gap, sounding
from ganzoo.metrics.score import Items, Score, Setting


class BarPitches(Score):
    """Used pitch classes per bar, UPC of MuseGAN; an empty bar uses none. See `ganzoo.metrics.rolls`."""

    higher = False
    kinds = (MUSIC,)

    def keep(self, x: Tensor, first: int, datamodule: Any) -> Tensor:
        """Returns the numbers of pitch classes that bars use, and of bars (N, 2)."""
        used = pitch_classes(sounding(x, datamodule).any(3)) > 0
        bars = used.shape[1] * used.shape[2]
        return torch.stack([used.flatten(1).sum(1), torch.full((len(x),), bars, device=x.device)], 1)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the difference."""
        return of_sums(reference.kept, samples.kept, ratio_gap, least=0, most=OCTAVE)
