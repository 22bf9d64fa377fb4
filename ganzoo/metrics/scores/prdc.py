"""Precision, recall, density and coverage: one computation gives all four."""

from typing import Any

from ganzoo.metrics.bootstrap import Scored, mean_of
from ganzoo.metrics.prdc import prdc
from ganzoo.metrics.score import Items, Score, Setting

# What each is a mean over; the other set's balls stay where they are in a resample.
OVER = {"precision": "samples", "recall": "reference", "density": "samples", "coverage": "reference"}


class Overlap(Score):
    """Overlap of the supports of real and generated features; see `ganzoo.metrics.prdc`."""

    gives = ("precision", "recall", "density", "coverage")
    higher = True
    extractor = True

    def fewest(self, k: int) -> int:
        """Returns the number of items of which each has a k-th neighbour."""
        return k + 1

    def measure(self, samples: Items, reference: Items, setting: Setting) -> dict[str, Scored]:
        """Returns the four."""
        overlap = prdc(reference.features, samples.features, setting.k)
        return {name: mean_of(getattr(overlap, name), of) for name, of in OVER.items()}

    def settings(self, samples: int, items: int, datamodule: Any, k: int) -> dict[str, Any]:
        """Returns which neighbour's distance is the radius."""
        return {"k": k, "distance": "Euclidean"}
