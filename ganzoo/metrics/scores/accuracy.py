"""Class accuracy: the share of samples that show the class asked for, to an extractor, or of right answers."""

from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.games.capabilities import Output
from ganzoo.metrics.bootstrap import Scored, mean_of
from ganzoo.metrics.extractors import count_classes
from ganzoo.metrics.score import Items, Judged, Score, ScoreContext, Setting


class ClassAccuracy(Score):
    """The share of right classes, in which a model or, of samples, an extractor with the same classes judges."""

    higher = True
    extractor = True
    reference = False
    conditions = True
    outputs = ("samples", "classes")

    def needs_extractor(self, output: Output) -> bool:
        """Returns whether an extractor has to judge, as a model that classifies does it itself."""
        return output == "samples"

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns that extractor and model tell other classes apart, if it is so."""
        if context.output != "samples" or context.features is None:
            return None
        extractor, classes = context.features, count_classes(context.features)
        if classes == context.classes:
            return None
        return f"{extractor} tells {classes} classes apart, and the model has learnt {context.classes}; leave it out."

    def values(self, batch: Judged) -> Tensor:
        """Returns whether each answer of a classifier is right."""
        if batch.labels is None:
            raise GanzooError("metrics: accuracy given, but the data has no labels.")
        return (batch.made.argmax(1) == batch.labels.to(batch.made.device)).double()

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the share."""
        if len(samples.values):
            return mean_of(samples.values, "images")
        return mean_of(samples.logits.argmax(dim=1) == samples.conditions.to(samples.logits.device), "samples")
