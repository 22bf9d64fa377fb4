"""Sliced Wasserstein distance between the differences of successive frames, times 1,000: of video, how it moves."""

from dataclasses import replace
from typing import Any

from torch import Tensor

from ganzoo.common.kinds import VIDEO
from ganzoo.metrics import bootstrap
from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.score import Items, Score, ScoreContext, Setting
from ganzoo.metrics.swd import SlicedWasserstein, cut_frames

METRIC = replace(SlicedWasserstein(), alike=True)


class MotionDistance(Score):
    """Distance of motion, which a set of frames does not show: 0 only where as much moves, and as fast.

    The distance is that of `swd`, but that both sides are normalised by the real side's deviation: clips that stand
    still, or flicker, differ from real ones in nothing else.
    """

    higher = False
    kinds = (VIDEO,)
    outputs = ("samples", "translations", "reconstructions")

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns that a single frame does not move."""
        frames = context.datamodule.shape[1]
        return None if frames > 1 else "clips of one frame do not move; choose swd."

    def keep(self, x: Tensor, first: int, datamodule: Any) -> Tensor:
        """Returns the patches of the differences between the frames of clips (N, C, T, H, W)."""
        return cut_frames(METRIC, x.diff(dim=2), first)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the distance."""
        distance = METRIC.distance(reference.kept, samples.kept)
        return Scored(distance, bootstrap.of_swd(METRIC, reference.kept, samples.kept))

    def settings(self, samples: int, items: int, datamodule: Any, k: int) -> dict[str, Any]:
        """Returns patches, directions and the most patches that are projected."""
        return {"patches": METRIC.patches, "directions": METRIC.directions, "limit": METRIC.limit}
