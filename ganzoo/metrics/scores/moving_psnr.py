"""Peak signal-to-noise ratio of predicted frames on the pixels that move, in decibels, at most 100."""

from torch import Tensor

from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.frames import lack_of_frames, mean_of_moving, moving_pixels, psnr_where
from ganzoo.metrics.score import Items, Judged, Score, ScoreContext, Setting


class MovingSignalToNoise(Score):
    """See `ganzoo.metrics.frames.psnr_where`."""

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
        return psnr_where(batch.made, batch.truth, where)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the mean over frames in which something moves."""
        return mean_of_moving(samples.values)
