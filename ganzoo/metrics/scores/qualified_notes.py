"""Difference in the share of notes of music that are no fragments, from 0 to 1."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.kinds import MUSIC
from ganzoo.metrics.bootstrap import Scored, of_sums
from ganzoo.metrics.rolls import SHORT, bar_steps, note_counts, ratio_gap
from ganzoo.metrics.score import Items, Score, Setting


class QualifiedNotes(Score):
    """Ratio of qualified notes, QN of MuseGAN: those that last a 32nd note or longer. See `ganzoo.metrics.rolls`.

    Rolls of sixteenths know nothing shorter, and a single step is then what a fragment looks like: a note has to last
    two steps at least.
    """

    higher = False
    kinds = (MUSIC,)

    def keep(self, x: Tensor, first: int, datamodule: Any) -> Tensor:
        """Returns the numbers of qualified notes and of notes (N, 2)."""
        shortest = max(2, -(-bar_steps(x.shape[2], datamodule) // SHORT))
        notes, lasting = note_counts(x, shortest)
        return torch.stack([lasting, notes], 1)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the difference."""
        return of_sums(reference.kept, samples.kept, ratio_gap, least=0, most=1)
