"""Pictures and movies of video: strips of frames, and grids of clips that play side by side."""

from math import ceil
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import pad

from ganzoo.drawing.movies import save_movie
from ganzoo.drawing.pictures import SMALLEST, grid

FRAMES = 8  # of a strip
EDGE = 2  # grey pixels around the frames of a strip
GREY = -0.1
FPS = 8.0


def film_strips(clips: Tensor) -> Tensor:
    """Draws clips as strips of frames spread evenly over them, first and last included.

    Args:
        clips: (N, C, T, H, W) in [-1, 1].

    Returns:
        Images (N, C, h, w) in [-1, 1].
    """
    count = min(clips.shape[2], FRAMES)
    times = torch.linspace(0, clips.shape[2] - 1, count).round().long()
    frames = [_framed(_enlarged(clips[:, :, time]), (0, EDGE, EDGE, EDGE)) for time in times.tolist()]
    return _framed(torch.cat(frames, 3), (EDGE, 0, 0, 0))


def middle_frames(clips: Tensor) -> Tensor:
    """Returns the frame in the middle of each clip (N, C, T, H, W) as images (N, C, h, w)."""
    return _enlarged(clips[:, :, clips.shape[2] // 2])


def passing_frames(clips: Tensor) -> Tensor:
    """Returns one frame of each clip (N, C, T, H, W), the next one of the next, so that they play as they go by."""
    return _enlarged(clips[range(len(clips)), :, [number % clips.shape[2] for number in range(len(clips))]])


def with_masks(clips: Tensor, masks: Tensor) -> Tensor:
    """Puts the masks (N, 1, T, H, W) in [0, 1] of clips (N, C, T, H, W) below them: (N, C, T, 2H, W)."""
    return torch.cat([clips, (2 * masks - 1).expand_as(clips)], 3)


def _framed(images: Tensor, edges: tuple[int, int, int, int]) -> Tensor:
    return pad(images, edges, value=GREY)


def _enlarged(frames: Tensor) -> Tensor:
    """Enlarges small frames (N, C, H, W) by a whole factor."""
    factor = max(1, ceil(SMALLEST / frames.shape[2]))
    return frames.repeat_interleave(factor, 2).repeat_interleave(factor, 3)


def save_clips(clips: Tensor, path: Path) -> None:
    """Writes clips (N, C, T, H, W) as one GIF or MP4, in which they play side by side."""
    save_movie([grid(clips[:, :, time]) for time in range(clips.shape[2])], path, FPS)
