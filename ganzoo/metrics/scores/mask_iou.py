"""Overlap of the masks through which a model draws video with the true masks of what it has drawn."""

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import VIDEO
from ganzoo.common.seeding import mix
from ganzoo.games.capabilities import HasMasks
from ganzoo.metrics.bootstrap import Scored, mean_of
from ganzoo.metrics.score import Items, Score, ScoreContext, Setting

BATCH = 64  # clips at a time
EDGE = 0.5  # of a mask, above which a pixel is foreground


class MaskOverlap(Score):
    """Mean intersection over union of a model's masks, cut at a half, and the data's reading of the clips drawn.

    Data that reads the masks off clips, samples included, has a method `true_masks`, as `ganzoo.data.MovingDigits`. A
    clip in which neither has a foreground counts 0. It looks at the model, and needs no samples of others.
    """

    higher = True
    kinds = (VIDEO,)
    reference = False
    drawn = False

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns that nobody knows the true masks, or that the model draws through none."""
        if not hasattr(context.datamodule, "true_masks"):
            return "the true masks of these clips are not known; leave it out."
        if context.model is None or isinstance(context.model, HasMasks):
            return None
        return f"{type(context.model).__name__} draws through no masks; leave it out."

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the mean over as many clips as samples were asked for."""
        model = setting.model
        if not isinstance(model, HasMasks):
            raise GanzooError("metrics: mask_iou given, but what is scored draws through no masks; leave it out.")
        overlaps = []
        for first in range(0, setting.samples, BATCH):
            with torch.inference_mode():
                points = model.space.draw(min(BATCH, setting.samples - first), mix(setting.seed, first))
                masks = model.masks(points) > EDGE
                overlaps.append(overlap(masks, setting.datamodule.true_masks(model.render(points))).cpu())
        return mean_of(torch.cat(overlaps), "clips")


def overlap(masks: Tensor, truth: Tensor) -> Tensor:
    """Returns the intersection over union (N,) of masks (N, ...), bool; 0 where both are empty."""
    both, either = ((m.flatten(1).sum(1)) for m in (masks & truth, masks | truth))
    return both / either.clamp_min(1)
