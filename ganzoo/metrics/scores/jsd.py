"""Jensen-Shannon divergence between where solids are full on the whole: 0 if alike, 1 if nowhere both are."""

import torch
from torch import Tensor

from ganzoo.common.kinds import VOXELS
from ganzoo.metrics.bootstrap import Scored, of_sums
from ganzoo.metrics.score import Items, Score, Setting
from ganzoo.metrics.solids import keep_full


class OccupancyDivergence(Score):
    """JSD of Achlioptas et al. 2018, section 4 (https://arxiv.org/abs/1707.02392), of voxels for points, in bits.

    Cells are taken for places that full voxels of all solids are drawn from. It tells whether solids stand where real
    ones do; a model that always draws the average solid is not found out: see `mmd_iou` and `cov_iou`.
    """

    higher = False
    kinds = (VOXELS,)
    keep = staticmethod(keep_full)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the divergence."""
        return of_sums(reference.kept.flatten(1), samples.kept.flatten(1), divergence, least=0, most=1)


def divergence(a: Tensor, b: Tensor) -> Tensor:
    """Returns the Jensen-Shannon divergence (R,) in bits between counts (R, D) and (R, D) of places.

    Counts that are all 0 are of no distribution: the divergence is then 1, or 0 if both are.
    """
    empty = [x.sum(1) == 0 for x in (a, b)]
    p, q = (x / x.sum(1, keepdim=True).clamp_min(1) for x in (a, b))
    middle = (p + q) / 2
    entropies = [-torch.special.xlogy(x, x).sum(1) for x in (middle, p, q)]
    bits = (entropies[0] - (entropies[1] + entropies[2]) / 2) / torch.tensor(2.0).log()
    return torch.where(empty[0] ^ empty[1], 1, torch.where(empty[0], 0, bits.clamp(0, 1)))
