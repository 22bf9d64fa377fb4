"""Distance between histograms of pitch classes of music: the share of time that sounds at other pitches."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.kinds import MUSIC
from ganzoo.metrics.bootstrap import Scored, of_sums
from ganzoo.metrics.rolls import pitch_classes
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


def total_variation(a: Tensor, b: Tensor) -> Tensor:
    """Returns the total variation distance (R,) between histograms (R, D); an empty one is at 1 from any other."""
    empty = [x.sum(1) == 0 for x in (a, b)]
    p, q = (x / x.sum(1, keepdim=True).clamp_min(1) for x in (a, b))
    distance = (p - q).abs().sum(1) / 2
    return torch.where(empty[0] ^ empty[1], 1, distance)
