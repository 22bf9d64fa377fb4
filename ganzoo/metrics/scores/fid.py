"""Distance between Gaussians fitted to real and generated features: the Fréchet Inception Distance."""

from typing import Any

from ganzoo.metrics import bootstrap
from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.distances import Reference
from ganzoo.metrics.score import Items, Score, Setting


class FrechetDistance(Score):
    """FID; Heusel et al. 2017, https://arxiv.org/abs/1706.08500."""

    higher = False
    extractor = True
    outputs = ("samples", "translations", "reconstructions")

    def prepare(self, reference: Items, setting: Setting) -> Reference:
        """Returns the reference's features, whose Gaussian is fitted once."""
        return Reference(reference.features)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the distance."""
        distance = reference.prepared.frechet_distance(samples.features)
        return Scored(distance, bootstrap.of_fid(reference.features, samples.features))

    def remark(self, value: float, conditions: dict[str, Any]) -> str | None:
        """Returns that there are too few images for so many features, if it is so."""
        fewest = min(conditions["samples"], conditions["reference"]["count"])
        features = conditions["extractor"]["features"]
        if fewest > features:
            return None
        return f"{fewest} images are too few for a FID of {features} features: it is biased upwards."
