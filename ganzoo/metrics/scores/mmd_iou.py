"""Mean distance of real solids to the sample nearest to each, 1 less their intersection over union."""

from typing import Any

from ganzoo.common.kinds import VOXELS
from ganzoo.metrics.bootstrap import Scored, mean_of
from ganzoo.metrics.score import Items, Score, Setting
from ganzoo.metrics.solids import LIMIT, best_matches, keep_full, picked


class MatchingDistance(Score):
    """Minimum matching distance of Achlioptas et al. 2018, section 4 (https://arxiv.org/abs/1707.02392).

    It falls with the number of samples: of each side at most 1,000 are compared, picked with a fixed seed.
    """

    higher = False
    kinds = (VOXELS,)
    keep = staticmethod(keep_full)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the mean."""
        distance, _ = best_matches(picked(reference.kept), picked(samples.kept))
        return mean_of(distance, "reference")

    def settings(self, samples: int, items: int, datamodule: Any, k: int) -> dict[str, Any]:
        """Returns how many solids of either side are compared."""
        return {"samples": min(samples, LIMIT), "items": min(items, LIMIT)}
