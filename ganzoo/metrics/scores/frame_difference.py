"""How many times more, or less, the frames of samples change than those of real clips; 1 is as much."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.kinds import VIDEO
from ganzoo.metrics.bootstrap import Scored, of_sets
from ganzoo.metrics.score import Items, Score, ScoreContext, Setting

LEAST = 1e-6  # of a mean difference, so that what stands still has a ratio, too


class FrameDifference(Score):
    """Ratio of the mean absolute differences of successive frames, of samples and of the reference, the greater way.

    2 says that samples change twice as much as real clips, or half as much. It does not see what moves, nor where: see
    `motion`.
    """

    higher = False
    kinds = (VIDEO,)
    outputs = ("samples", "translations", "reconstructions")

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns that a single frame does not move."""
        frames = context.datamodule.shape[1]
        return None if frames > 1 else "clips of one frame do not move; choose swd."

    def keep(self, x: Tensor, first: int, datamodule: Any) -> Tensor:
        """Returns the mean absolute difference of successive frames of each clip (N,)."""
        return x.diff(dim=2).abs().flatten(1).mean(1)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the ratio."""
        real, fake = reference.kept.double().cpu(), samples.kept.double().cpu()
        again = of_sets({"reference": real, "samples": fake}, greater_ratio, least=1)
        return Scored(greater_ratio(real, fake), again)


def greater_ratio(real: Tensor, fake: Tensor) -> Tensor:
    """Returns the ratio of the means of numbers (N,) and (M,), or its inverse where that is greater."""
    ratio = fake.mean().clamp_min(LEAST) / real.mean().clamp_min(LEAST)
    return torch.maximum(ratio, 1 / ratio)
