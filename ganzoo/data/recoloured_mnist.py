"""MNIST in two colourings: domains without pairs, whose true translations are known."""

from hashlib import sha256
from typing import Any

import torch
from torch import Tensor

from ganzoo.data.base import Loaded, Split
from ganzoo.data.decoding import pad_to, padded
from ganzoo.data.fetch import from_torchvision
from ganzoo.data.unpaired import Domains, Unpaired

PAPER = (1.0, 0.82, 0.25)  # red, green and blue in [0, 1]: a bright yellow
INK = (0.1, 0.15, 0.55)  # a dark blue


class RecolouredMNIST(Unpaired):
    """Domain A: digits, white on black. Domain B: other digits, dark blue on bright yellow.

    A is made of the first half of MNIST's training digits, B of the second half, so that there are no pairs. In the
    reference split x are the test digits in A's colours, and y is (the same in B's, their classes).

    Args:
        root: see `ImageDataModule`.
        size: height and width of the images in pixels; digits are padded, never resized.
        **kwargs: see `ImageDataModule`.
    """

    title = "MNIST, white on black to blue on yellow"
    licence = "CC BY-SA 3.0"
    source = "Yann LeCun, Corinna Cortes, Christopher J. C. Burges, http://yann.lecun.com/exdb/mnist/; recoloured"
    n_classes = 10
    class_names = tuple("0123456789")
    standard = True
    stored = 1

    def __init__(self, root: str | None = None, size: int = 32, **kwargs: Any) -> None:
        super().__init__(root=root, size=size, **kwargs)

    @property
    def resized(self) -> str | None:
        """Words for the padding, at larger sizes than 28, before there are colours."""
        return padded(28, self.size)

    def load(self, split: Split) -> Loaded:
        """Loads MNIST's IDX files; see `ganzoo.data.MNIST`."""
        data = from_torchvision("MNIST", self.root, self.download, train=split == "train")
        digits = pad_to(data.data.unsqueeze(1), self.size, "MNIST")
        if split == "test":
            return digits, data.targets
        half = len(digits) // 2
        return Domains(digits[:half], digits[half:]), None

    def show_a(self, x: Tensor, generator: torch.Generator, train: bool) -> Tensor:
        """Returns grey digits (N, 1, H, W) white on black, (N, 3, H, W)."""
        return x.expand(-1, 3, -1, -1)

    def show_b(self, x: Tensor, generator: torch.Generator, train: bool) -> Tensor:
        """Returns grey digits (N, 1, H, W) in the colours of B, (N, 3, H, W)."""
        return recolour(x)

    def readable(self, images: Tensor) -> Tensor:
        """Undoes the colours of B, for extractors that read grey digits.

        Args:
            images: (N, 3, H, W) in [-1, 1], translated ones or the truth.

        Returns:
            Digits (N, 1, H, W) in [-1, 1], white on black: how far each pixel is on its way from paper to ink.
        """
        paper, ink = _colours(images)
        contrast = ink - paper
        return (((images - paper) * contrast).sum(1, keepdim=True) / contrast.square().sum()).clamp(0, 1) * 2 - 1

    def fingerprint(self, split: Split) -> str:
        """Returns the sha256 (hexadecimal) of a split's digits and their colours."""
        return sha256(f"{super().fingerprint(split)} {PAPER} {INK}".encode()).hexdigest()


def recolour(x: Tensor) -> Tensor:
    """Translates digits of A, (N, 1 or 3, H, W) in [-1, 1], to B truly: (N, 3, H, W)."""
    paper, ink = _colours(x)
    return torch.lerp(paper, ink, (x[:, :1] + 1) / 2)


def _colours(x: Tensor) -> Tensor:
    return torch.tensor([PAPER, INK], device=x.device, dtype=x.dtype).view(2, 3, 1, 1) * 2 - 1
