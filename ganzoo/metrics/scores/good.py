"""Share of points within 3 standard deviations of a centre, or, of a distribution without any, of a real point."""

from typing import Any

from torch import Tensor

from ganzoo.common.kinds import POINTS
from ganzoo.metrics.bootstrap import Scored, of_sets
from ganzoo.metrics.points import good, keep_points, require_spread
from ganzoo.metrics.score import Items, Score, ScoreContext, Setting


class GoodShare(Score):
    """See `ganzoo.metrics.points`."""

    higher = True
    kinds = (POINTS,)
    keep = staticmethod(keep_points)

    def compares(self, datamodule: Any) -> bool:
        """Returns whether real points stand in for centres that are not known."""
        return not ScoreContext(datamodule).centres

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the share."""
        data = setting.datamodule
        require_spread(data.std)

        def share(fake: Tensor, targets: Tensor) -> Tensor:
            return good(fake, targets, data.std).float().mean()

        if self.compares(data):
            sets = {"samples": samples.kept, "reference": reference.kept}
            return Scored(share(*sets.values()), of_sets(sets, share, least=0, most=1))
        centres = data.centres.to(samples.kept)
        again = of_sets({"samples": samples.kept}, lambda fake: share(fake, centres), least=0, most=1)
        return Scored(share(samples.kept, centres), again)
