"""Sharpness of predicted frames on the pixels that move, in decibels: how like the truth's their steps are."""

from torch import Tensor

from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.frames import lack_of_frames, mean_of_moving, moving_pixels, sharpness_where
from ganzoo.metrics.score import Items, Judged, Score, ScoreContext, Setting


class Sharpness(Score):
    """See `ganzoo.metrics.frames.sharpness_where`."""

    higher = True
    outputs = ("translations",)
    truth = True
    each = True

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns that there are no earlier frames, if so."""
        return lack_of_frames(context)

    def values(self, batch: Judged) -> Tensor:
        """Returns the value of each frame."""
        assert batch.truth is not None, "predictions have a truth"
        _, where = moving_pixels(batch)
        return sharpness_where(batch.made, batch.truth, where)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the mean over frames in which something moves."""
        return mean_of_moving(samples.values)
