"""Distance between the distributions of volumes of solids, relative to the real ones' mean."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.kinds import VOXELS
from ganzoo.metrics.bootstrap import Scored, of_sets
from ganzoo.metrics.score import Items, Score, Setting


class Volume(Score):
    """Wasserstein-1 distance of the numbers of full voxels, divided by the real solids' mean number.

    0 if solids of all volumes are as frequent as they are in the data; a model that draws nothing has 1.
    """

    higher = False
    kinds = (VOXELS,)

    def keep(self, x: Tensor, first: int, datamodule: Any) -> Tensor:
        """Returns the number of full voxels of each solid (N,)."""
        return (x > 0).flatten(1).sum(1)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the distance."""
        real, fake = reference.kept.double().cpu(), samples.kept.double().cpu()
        again = of_sets({"reference": real, "samples": fake}, relative_distance, least=0)
        return Scored(relative_distance(real, fake), again)


def relative_distance(real: Tensor, fake: Tensor) -> Tensor:
    """Returns the Wasserstein-1 distance between numbers (N,) and (M,), over the mean of the first.

    It is the area between their distribution functions.
    """
    values = torch.cat([real, fake]).sort().values
    below = [torch.searchsorted(x.sort().values, values[:-1], right=True) / len(x) for x in (real, fake)]
    area = ((below[0] - below[1]).abs() * values.diff()).sum()
    return area / real.mean().clamp_min(1)
