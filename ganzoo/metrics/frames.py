"""Differences of predicted frames from what followed, on the pixels that move: elsewhere the last frame is right.

A pixel moves if any of its channels changes by more than 16 of 255 levels in one of the last two steps: into the last
frame that a prediction is made of, or from there to the truth. Mathieu et al. 2015, arXiv 1511.05440, section 4, take
optical flow, and their script (test-frame-prediction-on-ucf-rec_gdl.lua) divides the error of the pixels that move by
the number of all, which makes PSNR and sharpness of one and the same prediction higher than here.
"""

import torch
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from ganzoo.common.errors import GanzooError
from ganzoo.common.frames import moved, split_frames
from ganzoo.metrics.bootstrap import Scored, mean_of
from ganzoo.metrics.pairs import DECIBELS
from ganzoo.metrics.score import Items, Judged, Score, ScoreContext, Setting

LEAST_ERROR = 1e-4  # as in the authors' script, whose sharpness has no higher value than this allows


def lack_of_frames(context: ScoreContext) -> str | None:
    """Returns that sources are no earlier frames, as a score's refusal; None if there are two at least."""
    frames = getattr(context.datamodule, "earlier_frames", 0)
    return None if frames > 1 else "what is translated has no two earlier frames of a clip; choose psnr."


def moving_pixels(batch: Judged) -> tuple[Tensor, Tensor]:
    """Returns the last of the earlier frames (N, C, H, W), and where pixels move, (N, 1, H, W)."""
    assert batch.truth is not None, "predictions have a truth"
    assert batch.source is not None, "predictions have a source"
    source = batch.source.to(batch.truth.device)
    *_, before, last = split_frames(source, source.shape[1] // batch.truth.shape[1])
    return last, moved(before, last) | moved(last, batch.truth)


def mean_where(values: Tensor, where: Tensor) -> Tensor:
    """Returns the mean (N,) of values (N, C, H, W) at places (N, 1, H, W); NaN where there is no such place."""
    return (values * where).flatten(1).sum(1) / (where.flatten(1).sum(1) * values.shape[1])


def psnr_where(images: Tensor, truth: Tensor, where: Tensor) -> Tensor:
    """Returns the peak signal-to-noise ratio (N,) in decibels, at most 100, at some places; NaN where there is none.

    Args:
        images: (N, C, H, W) in [-1, 1].
        truth: likewise.
        where: (N, 1, H, W), bool.
    """
    error = mean_where(((images.float() - truth.float()) / 2).square(), where)
    return (-10 * error.log10()).clamp(max=DECIBELS)


def ssim_where(images: Tensor, truth: Tensor, where: Tensor) -> Tensor:
    """Returns the structural similarity (N,) at some places: see `ganzoo.metrics.pairs.ssim`; NaN where there is none.

    Args:
        images: (N, C, H, W) in [-1, 1], of at least 11 pixels.
        truth: likewise.
        where: (N, 1, H, W), bool.
    """
    ours, theirs = ((each.float() + 1) / 2 for each in (images, truth))
    _, everywhere = structural_similarity_index_measure(ours, theirs, data_range=1.0, return_full_image=True)
    return mean_where(everywhere, where)


def sharpness_where(images: Tensor, truth: Tensor, where: Tensor) -> Tensor:
    """Returns the sharpness (N,) in decibels, at most 88: how like the truth's its steps are; NaN where none is judged.

    10 log10(255^2 / (128^2 e)), e the mean of | |dx| - |dy| | of the differences of neighbours in columns and in rows,
    added up: section 4 of the paper, and as in the authors' script, which scales e, of values in [-1, 1], as if it
    were squared.

    Args:
        images: (N, C, H, W) in [-1, 1].
        truth: likewise.
        where: (N, 1, H, W), bool.
    """
    down, right = ((images.float().diff(dim=axis).abs() - truth.float().diff(dim=axis).abs()).abs() for axis in (2, 3))
    error = mean_where(down[..., :-1] + right[:, :, :-1], where[:, :, :-1, :-1])
    return 10 * (255**2 / (128**2 * error).clamp(min=LEAST_ERROR)).log10()


def mean_of_moving(values: Tensor) -> Scored:
    """Returns the mean over frames as a score; those in which nothing moves, whose values are NaN, are left out.

    Raises:
        GanzooError: if nothing moves in any.
    """
    values = values[~torch.isnan(values)]
    if not len(values):
        raise GanzooError("metrics: nothing moves in the frames that predictions are compared with; choose psnr.")
    return mean_of(values, "frames")


class OfMovingPixels(Score):
    """Base of scores of predicted frames on the pixels that move, whose mean leaves out frames where nothing does."""

    higher = True
    outputs = ("translations",)
    truth = True
    each = True

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns that there are no earlier frames, if so."""
        return lack_of_frames(context)

    def values(self, batch: Judged) -> Tensor:
        """Returns the value (N,) of each frame."""
        assert batch.truth is not None, "predictions have a truth"
        last, where = moving_pixels(batch)
        return self.where(batch.made, batch.truth, last, where)

    def where(self, made: Tensor, truth: Tensor, last: Tensor, where: Tensor) -> Tensor:
        """Returns the value (N,) of each frame.

        Args:
            made: predictions (N, C, H, W).
            truth: what followed, likewise.
            last: the frames before it, likewise.
            where: pixels that move (N, 1, H, W).
        """
        raise NotImplementedError

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the mean over frames in which something moves."""
        return mean_of_moving(samples.values)
