"""Distance between histograms of pitch classes of music: the share of time that sounds at other pitches."""

from typing import Any

from torch import Tensor

from ganzoo.common.kinds import MUSIC
from ganzoo.metrics.bootstrap import Scored, of_sums
from ganzoo.metrics.rolls import pitch_classes, total_variation
from ganzoo.metrics.score import Items, Score, Setting


class PitchHistogram(Score):
    """Total variation distance between the shares of time of the twelve pitch classes, of all samples and all reals."""

    higher = False
    kinds = (MUSIC,)

    def keep(self, x: Tensor, first: int, datamodule: Any) -> Tensor:
        """Returns the steps that each pitch class sounds (N, 12)."""
        return pitch_classes((x > 0).sum((1, 2)))

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the distance: 0 if alike, 1 if no pitch class is common to both."""
        return of_sums(reference.kept, samples.kept, total_variation, least=0, most=1)
