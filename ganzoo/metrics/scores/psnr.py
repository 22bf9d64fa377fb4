"""Peak signal-to-noise ratio of translations against their truth, in decibels, at most 100."""

from torch import Tensor

from ganzoo.metrics.bootstrap import Scored, mean_of
from ganzoo.metrics.pairs import psnr
from ganzoo.metrics.score import Items, Judged, Score, Setting


class SignalToNoise(Score):
    """See `ganzoo.metrics.pairs.psnr`."""

    higher = True
    outputs = ("translations", "reconstructions")
    truth = True
    each = True

    def values(self, batch: Judged) -> Tensor:
        """Returns the value of each image."""
        assert batch.truth is not None, "translations have a truth"
        return psnr(batch.made, batch.truth)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the mean."""
        return mean_of(samples.values, "images")
