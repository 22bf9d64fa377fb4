"""Squared MMD of real and generated features with a cubic kernel: the Kernel Inception Distance."""

from typing import Any

from ganzoo.metrics import bootstrap
from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.distances import Reference
from ganzoo.metrics.score import Items, Score, Setting

SUBSET = 1000  # images in each of the subsets that it is a mean over


class KernelDistance(Score):
    """KID; Bińkowski et al. 2018, https://arxiv.org/abs/1801.01401."""

    higher = False
    extractor = True
    outputs = ("samples", "translations", "reconstructions")

    def prepare(self, reference: Items, setting: Setting) -> Reference:
        """Returns the reference's features, whose kernels are computed once."""
        return Reference(reference.features)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the distance."""
        subset = min(SUBSET, len(samples.features), len(reference.features))
        distance = reference.prepared.kernel_distance(samples.features, subset)
        return Scored(distance, bootstrap.of_kid(reference.features, samples.features))

    def settings(self, samples: int, items: int, datamodule: Any, k: int) -> dict[str, Any]:
        """Returns number and size of the subsets, and the kernel."""
        return {"subsets": 100, "subset_size": min(SUBSET, samples, items), "kernel": "cubic"}

    def remark(self, value: float, conditions: dict[str, Any]) -> str | None:
        """Returns why a KID may be negative, if it is."""
        if value >= 0:
            return None
        return "KID is unbiased: where both sides are alike it lies around 0, and so below it as well as above."
