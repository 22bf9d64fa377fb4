"""Colour photographs and their brightness: pairs for colouring, made from CIFAR-10."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.data.cifar10 import CIFAR10


class CIFAR10Colours(CIFAR10):
    """The photographs of CIFAR-10 as targets, and their brightness alone, one grey channel, as sources.

    Targets are RGB, not the a and b of Lab: the generator has to keep the brightness that it is shown.
    """

    title = "CIFAR-10, grey to colour"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source_shape = (1, self.size, self.size)

    def make(self, x: Tensor, y: Tensor | None, generator: torch.Generator, train: bool) -> tuple[Tensor, Any]:
        """Makes (grey, (coloured, labels)) of photographs."""
        return luma(x), (x, y)


def luma(x: Tensor) -> Tensor:
    """Returns the brightness (N, 1, H, W) of images (N, 1 or 3, H, W): ITU-R BT.601, as Pillow's mode L."""
    if x.shape[1] == 1:
        return x
    weights = torch.tensor([0.299, 0.587, 0.114], device=x.device, dtype=x.dtype)
    return (x * weights[:, None, None]).sum(1, keepdim=True)
