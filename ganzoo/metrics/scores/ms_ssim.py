"""Mean MS-SSIM of random pairs of samples: near 1 where all are alike."""

from typing import Any

from ganzoo.metrics.bootstrap import Scored, mean_of
from ganzoo.metrics.diversity import LEAST, MOST_PAIRS, pairwise_ms_ssim, scales
from ganzoo.metrics.pixels import keep_bytes
from ganzoo.metrics.score import Items, Score, Setting


class PairSimilarity(Score):
    """See `ganzoo.metrics.diversity.pairwise_ms_ssim`."""

    higher = False
    reference = False
    least = LEAST
    keep = staticmethod(keep_bytes)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the mean over pairs."""
        return mean_of(pairwise_ms_ssim(samples.kept, setting.seed), "pairs of samples")

    def settings(self, samples: int, items: int, datamodule: Any, k: int) -> dict[str, Any]:
        """Returns the number of scales and of pairs, and the window."""
        pairs = min(samples // 2, MOST_PAIRS)
        return {"scales": scales(tuple(datamodule.shape)), "pairs": pairs, "window": LEAST}
