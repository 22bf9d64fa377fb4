"""Share of real solids that are the nearest one of a sample, by intersection over union."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.kinds import VOXELS
from ganzoo.metrics.bootstrap import Scored, of_sets
from ganzoo.metrics.score import Items, Score, Setting
from ganzoo.metrics.solids import LIMIT, best_matches, keep_full, picked


class MatchingCoverage(Score):
    """Coverage of Achlioptas et al. 2018, section 4 (https://arxiv.org/abs/1707.02392): low where modes are missing.

    It grows with the number of samples: of each side at most 1,000 are compared, picked with a fixed seed. Noise
    covers, too; `mmd_iou` tells how near samples come.
    """

    higher = True
    kinds = (VOXELS,)
    keep = staticmethod(keep_full)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the share."""
        real = picked(reference.kept)
        _, nearest = best_matches(real, picked(samples.kept))

        def share(index: Tensor) -> Tensor:
            return torch.tensor(index.unique().numel() / len(real), dtype=torch.float64)

        return Scored(share(nearest), of_sets({"samples": nearest.cpu()}, share, least=0, most=1))

    def settings(self, samples: int, items: int, datamodule: Any, k: int) -> dict[str, Any]:
        """Returns how many solids of either side are compared."""
        return {"samples": min(samples, LIMIT), "items": min(items, LIMIT)}
