"""Pixel values: brightness, and conversion between [-1, 1] and uint8."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def luma(x: Tensor) -> Tensor:
    """Returns the brightness (N, 1, H, W) of images (N, 1 or 3, H, W): ITU-R BT.601, as Pillow's mode L."""
    if x.shape[1] == 1:
        return x
    weights = torch.tensor([0.299, 0.587, 0.114], device=x.device, dtype=x.dtype)
    return (x * weights[:, None, None]).sum(1, keepdim=True)


def to_uint8(x: Tensor) -> NDArray[np.uint8]:
    """Converts images (N, C, H, W), or clips (N, C, T, H, W), in [-1, 1] to (N, ..., H, W, C) in [0, 255]."""
    return ((x.detach().float().cpu().clamp(-1, 1) + 1) * 127.5).round().byte().movedim(1, -1).numpy()
