"""Structural similarity of translations and their truth."""

from torch import Tensor

from ganzoo.metrics.bootstrap import Scored, mean_of
from ganzoo.metrics.pairs import WINDOW, ssim
from ganzoo.metrics.score import Items, Judged, Score, Setting


class Similarity(Score):
    """See `ganzoo.metrics.pairs.ssim`."""

    higher = True
    outputs = ("translations", "reconstructions")
    truth = True
    each = True
    least = WINDOW

    def values(self, batch: Judged) -> Tensor:
        """Returns the value of each image."""
        assert batch.truth is not None, "translations have a truth"
        return ssim(batch.made, batch.truth)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the mean."""
        return mean_of(samples.values, "images")
