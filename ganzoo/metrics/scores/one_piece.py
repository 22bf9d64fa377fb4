"""Share of samples of voxels that are in one piece."""

from typing import Any

import torch
from scipy.ndimage import label
from torch import Tensor

from ganzoo.common.kinds import VOXELS
from ganzoo.metrics.bootstrap import Scored, mean_of
from ganzoo.metrics.score import Items, Score, Setting


class OnePiece(Score):
    """Share of solids whose full voxels are all connected by their faces; an empty one is in no piece.

    It looks at samples alone. One solid that is always drawn is found out by `cov_iou`, one that fills the room by
    `volume`.
    """

    higher = True
    kinds = (VOXELS,)
    reference = False

    def keep(self, x: Tensor, first: int, datamodule: Any) -> Tensor:
        """Returns whether each solid (N, C, D, H, W) is in one piece (N,), its channels taken together."""
        full = (x > 0).any(1).cpu().numpy()
        return torch.tensor([label(solid)[1] == 1 for solid in full], dtype=torch.float32)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the share."""
        return mean_of(samples.kept, "samples")
