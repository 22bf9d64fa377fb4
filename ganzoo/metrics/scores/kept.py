"""Share of labels that survive a translation, as an extractor with the data's classes reads them."""

from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.metrics.bootstrap import Scored, mean_of
from ganzoo.metrics.score import Items, Judged, Score, Setting


class KeptLabels(Score):
    """The share of the reference's images whose translations the extractor takes for their class."""

    higher = True
    extractor = True
    outputs = ("translations", "reconstructions")
    each = True

    def values(self, batch: Judged) -> Tensor:
        """Returns whether each label is kept."""
        if batch.labels is None or batch.logits is None:
            raise GanzooError("metrics: kept given, but the data has no labels; leave it out.")
        return (batch.logits.argmax(1) == batch.labels.to(batch.logits.device)).double()

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the share."""
        return mean_of(samples.values, "images")
