"""CIFAR-10 for colouring: photographs and their brightness as pairs."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.images import luma
from ganzoo.data.cifar10 import CIFAR10


class CIFAR10Colours(CIFAR10):
    """CIFAR-10 as pairs: the photographs as targets, and their brightness, one grey channel, as sources.

    Targets are RGB, not the a and b of Lab: the generator has to keep the brightness that it is shown.
    """

    title = "CIFAR-10, grey to colour"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source_shape = (1, self.size, self.size)

    def make(self, x: Tensor, y: Tensor | None, generator: torch.Generator, train: bool) -> tuple[Tensor, Any]:
        """Returns (grey, (coloured, labels)) of photographs."""
        return luma(x), (x, y)
