"""Sliced Wasserstein distance between patches of Laplacian pyramids, times 1,000; of video, of its frames."""

from typing import Any

from torch import Tensor

from ganzoo.common.kinds import IMAGES, VIDEO
from ganzoo.metrics import bootstrap
from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.score import Items, Score, Setting
from ganzoo.metrics.swd import SlicedWasserstein, cut_frames

METRIC = SlicedWasserstein()


class PatchDistance(Score):
    """See `ganzoo.metrics.swd.SlicedWasserstein`. Of a clip, the patches of an image are shared out to its frames."""

    higher = False
    kinds = (IMAGES, VIDEO)
    outputs = ("samples", "translations", "reconstructions")

    def keep(self, x: Tensor, first: int, datamodule: Any) -> Tensor:
        """Returns the patches of images (N, C, H, W) or clips (N, C, T, H, W)."""
        return cut_frames(METRIC, x, first) if x.dim() == 5 else METRIC.cut(x, first)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the distance."""
        distance = METRIC.distance(reference.kept, samples.kept)
        return Scored(distance, bootstrap.of_swd(METRIC, reference.kept, samples.kept))

    def settings(self, samples: int, items: int, datamodule: Any, k: int) -> dict[str, Any]:
        """Returns patches, directions and the most patches that are projected."""
        return {"patches": METRIC.patches, "directions": METRIC.directions, "limit": METRIC.limit}
