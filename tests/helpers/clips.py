"""Small games of video prediction, and clips for them; the same weights every time."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.kinds import VIDEO
from ganzoo.data import DataModule
from ganzoo.data.next_frame import NextFrame
from ganzoo.models.video_prediction import VideoPrediction
from ganzoo.networks.video_prediction import MultiScaleDiscriminator, MultiScalePredictor

WIDTHS = ((8,), (8,))


class Squares(DataModule):
    """24 grey clips of six frames of 16 pixels, a brighter square of 4 pixels that moves two to the right in each."""

    title = "squares"
    kind = VIDEO
    shape = (1, 6, 16, 16)

    def load(self, split: str) -> tuple[Tensor, None]:
        clips = torch.full((24, *self.shape), 64, dtype=torch.uint8)
        for number, clip in enumerate(clips):
            top, left = number % 12, number // 12
            for time in range(6):
                clip[0, time, top : top + 4, left + 2 * time : left + 2 * time + 4] = 192
        return clips, None


def next_squares(**options: Any) -> NextFrame:
    """Pairs of four frames and the next one, in batches of 8."""
    return NextFrame(Squares(), **{"batch_size": 8} | options)


def predictor(channels: int = 1, frames: int = 4) -> MultiScalePredictor:
    """A predictor of two scales."""
    torch.manual_seed(0)
    return MultiScalePredictor(channels, frames, WIDTHS, ((3, 3), (3, 3)))


def video_prediction(**options: Any) -> VideoPrediction:
    """A game of two scales on 16 pixels; the same weights every time."""
    generator = predictor()
    discriminator = MultiScaleDiscriminator(1, 4, options.pop("patch", 16), WIDTHS, ((3,), (3,)), ((8,), (8,)))
    return VideoPrediction(generator, None if options.get("adv_weight") == 0 else discriminator, **options)
