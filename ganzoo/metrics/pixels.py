"""Samples as the bytes that a picture's file would hold."""

from typing import Any

from torch import Tensor


def as_bytes(images: Tensor) -> Tensor:
    """Returns images in [-1, 1] as uint8, as PNG files would hold them."""
    return ((images + 1) * 127.5).round().clamp(0, 255).byte()


def keep_bytes(x: Tensor, first: int, datamodule: Any) -> Tensor:
    """Keeps images as uint8, for the scores that look at the pixels of all of them at once."""
    return as_bytes(x)
