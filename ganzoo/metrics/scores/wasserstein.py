"""Wasserstein-1 distance between points, of the optimal assignment of at most 1,000 of either side."""

from ganzoo.common.kinds import POINTS
from ganzoo.metrics.bootstrap import Scored, of_sets
from ganzoo.metrics.points import keep_points, wasserstein
from ganzoo.metrics.score import Items, Score, Setting


class PointDistance(Score):
    """See `ganzoo.metrics.points`."""

    higher = False
    kinds = (POINTS,)
    keep = staticmethod(keep_points)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the distance."""
        sets = {"samples": samples.kept, "reference": reference.kept}
        again = of_sets(sets, lambda fake, real: wasserstein(real, fake), least=0)
        return Scored(wasserstein(reference.kept, samples.kept), again)
