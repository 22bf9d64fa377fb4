"""Frames of clips: those that stand before another one in a translator's source, and what moves between two."""

from torch import Tensor

STEP = 16 / 127.5  # of the values in [-1, 1]: 16 of 255 levels, by which a pixel must change to have moved


def split_frames(source: Tensor, frames: int) -> tuple[Tensor, ...]:
    """Returns the frames (N, C, H, W) that are stacked on a source's channels, oldest first.

    Args:
        source: (N, frames * C, H, W).
        frames: how many there are; 0 of sources that are no frames, each of which is an image by itself.
    """
    return source.chunk(frames, 1) if frames else (source,)


def moved(before: Tensor, after: Tensor) -> Tensor:
    """Returns where pixels have moved between two frames (N, C, H, W) in [-1, 1]: (N, 1, H, W), bool.

    That is where any channel has changed by more than 16 of 255 levels.
    """
    return ((after - before).abs() > STEP).any(1, keepdim=True)
