"""Maps as rows of tokens, as transformers take them, and back; squares of places cut into smaller ones."""

from torch import Tensor


def as_tokens(x: Tensor) -> Tensor:
    """Returns maps (N, C, H, W) as tokens (N, HW, C), row by row."""
    return x.flatten(2).transpose(1, 2)


def as_map(x: Tensor, side: int) -> Tensor:
    """Returns tokens (N, side^2, C) as maps (N, C, side, side)."""
    return x.transpose(1, 2).unflatten(2, (side, side))


def windows(x: Tensor, side: int, window: int) -> Tensor:
    """Cuts the square of tokens (N, side^2, C) into squares (N (side / window)^2, window^2, C), row by row."""
    count = side // window
    x = x.unflatten(1, (count, window, count, window)).transpose(2, 3)
    return x.flatten(0, 2).flatten(1, 2)


def joined_windows(x: Tensor, side: int, window: int) -> Tensor:
    """Joins squares (N (side / window)^2, window^2, C) to tokens (N, side^2, C): the inverse of `windows`."""
    count = side // window
    x = x.unflatten(0, (-1, count, count)).unflatten(3, (window, window)).transpose(2, 3)
    return x.flatten(1, 4)
