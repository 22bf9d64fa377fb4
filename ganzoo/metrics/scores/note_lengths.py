"""Distance between histograms of the lengths of notes of music."""

from typing import Any

from torch import Tensor

from ganzoo.common.kinds import MUSIC
from ganzoo.metrics.bootstrap import Scored, of_sums
from ganzoo.metrics.rolls import bar_steps, note_lengths, total_variation
from ganzoo.metrics.score import Items, Score, Setting


class NoteLengths(Score):
    """Total variation distance between the shares of notes of each length in steps; a bar or longer is one length."""

    higher = False
    kinds = (MUSIC,)

    def keep(self, x: Tensor, first: int, datamodule: Any) -> Tensor:
        """Returns how many notes have each length (N, steps of a bar)."""
        return note_lengths(x, bar_steps(x.shape[2], datamodule))

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the distance: 0 if alike, 1 if no length is common to both."""
        return of_sums(reference.kept, samples.kept, total_variation, least=0, most=1)
