"""Number of the distribution's centres that are the nearest one of at least one good point."""

from ganzoo.common.kinds import POINTS
from ganzoo.metrics.bootstrap import Scored, of_sets
from ganzoo.metrics.points import keep_points, modes, require_spread
from ganzoo.metrics.score import Items, Score, ScoreContext, Setting


class Modes(Score):
    """See `ganzoo.metrics.points`."""

    higher = True
    reference = False
    kinds = (POINTS,)
    keep = staticmethod(keep_points)

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns that there are no centres to count, if it is so."""
        return None if context.centres else "this distribution has no centres; choose good or wasserstein."

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the number of modes."""
        data = setting.datamodule
        require_spread(data.std)
        centres = data.centres.to(samples.kept)
        again = of_sets({"samples": samples.kept}, lambda x: modes(x, centres, data.std), least=0, most=len(centres))
        return Scored(modes(samples.kept, centres, data.std), again)
