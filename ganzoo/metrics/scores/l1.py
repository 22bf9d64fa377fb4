"""Mean absolute difference of translations from their truth, on the scale of [-1, 1]."""

from torch import Tensor

from ganzoo.metrics.bootstrap import Scored, mean_of
from ganzoo.metrics.pairs import l1
from ganzoo.metrics.score import Items, Judged, Score, Setting


class AbsoluteDifference(Score):
    """See `ganzoo.metrics.pairs.l1`."""

    higher = False
    outputs = ("translations", "reconstructions")
    truth = True
    each = True

    def values(self, batch: Judged) -> Tensor:
        """Returns the value of each image."""
        assert batch.truth is not None, "translations have a truth"
        return l1(batch.made, batch.truth)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the mean."""
        return mean_of(samples.values, "images")
