"""MNIST for domain adaptation: digits as the source, the same digits on coloured textures as the target."""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.data.base import Loaded, Split
from ganzoo.data.mnist import MNIST
from ganzoo.data.textures import make_textures

TEXTURES, SIDE = 200, 128  # how many, and their pixels a side: much larger than a crop, so that crops differ
SEEDS: dict[Split, int] = {"train": 1, "test": 2}


class ShiftedMNIST(MNIST):
    """MNIST in three channels, labelled, and a target domain without labels: digits blended into textures.

    A pixel of the target is |digit - strength * texture|, channel by channel, as in MNIST-M (Ganin et al. 2016, section
    5.2), whose photographs are replaced by textures made by rule. Training and test split have their own textures, and
    the reference is the shifted test split with its labels.

    A training batch is (source, (target, labels)): `batch_size` images of each domain, (N, 3, size, size), and the
    sources' labels (N,). The targets are other digits than the sources, drawn anew each time, on new crops. Batches of
    the reference are (target, labels).

    Args:
        root: see `ImageDataModule`.
        size: height and width of the images in pixels.
        **kwargs: see `ImageDataModule`.

    Attributes:
        strength: share of a texture's brightness that is blended in. It was fixed once, before any adaptation, so that
            the paper's network, trained on the source alone, is right on 50 to 70% of the target.

    Raises:
        GanzooError: if the images would be larger than the textures.
    """

    title = "shifted MNIST"
    channels = 3
    strength = 0.9

    def __init__(self, root: str | None = None, size: int = 28, **kwargs: Any) -> None:
        super().__init__(root, size, **kwargs)
        if size > SIDE:
            raise GanzooError(f"data.size: {size} given, but textures have no more than {SIDE} pixels a side.")
        self._textures: Tensor | None = None

    def load(self, split: Split) -> Loaded:
        """Loads MNIST: its training images as they are, its test images shifted."""
        images, labels = super().load(split)
        assert isinstance(images, Tensor)
        if split == "train":
            return images.expand(-1, 3, -1, -1), labels
        generator = torch.Generator().manual_seed(SEEDS[split])
        return self.shift(images, textures(split), generator), labels

    def make(self, x: Tensor, y: Tensor | None, generator: torch.Generator, train: bool) -> tuple[Any, Any]:
        """Adds a batch of the target domain to a training batch of the source."""
        if not train:
            return x, y
        if self._textures is None or self._textures.device != x.device:
            self._textures = textures("train").to(x.device)
        digits, _ = self.split("train")
        assert isinstance(digits, Tensor)
        index = torch.randint(len(digits), (len(x),), generator=generator).to(x.device)
        return x, (self.shift(digits[index], self._textures, generator).float().div_(127.5).sub_(1), y)

    def shift(self, digits: Tensor, textures: Tensor, generator: torch.Generator) -> Tensor:
        """Blends each digit into a random crop of a random texture.

        Args:
            digits: (N, 1 or 3, size, size) uint8.
            textures: (T, 3, S, S) uint8, on the same device.
            generator: a CPU generator.

        Returns:
            |digits - strength * crops|, (N, 3, size, size) uint8.
        """
        crops = random_crops(textures, len(digits), self.size, generator)
        return (digits.float() - self.strength * crops.float()).abs_().round_().to(torch.uint8)


@cache
def textures(split: Split) -> Tensor:
    """Returns a split's textures (N, 3, side, side), uint8, made once per process."""
    return make_textures(TEXTURES, SIDE, SEEDS[split])


def random_crops(images: Tensor, count: int, size: int, generator: torch.Generator) -> Tensor:
    """Cuts (count, C, size, size) out of random places of random images (N, C, S, S)."""
    which = torch.randint(len(images), (count,), generator=generator)
    top, left = torch.randint(images.shape[-1] - size + 1, (2, count), generator=generator)
    side = torch.arange(size)
    index = which[:, None, None], (top[:, None] + side)[:, :, None], (left[:, None] + side)[:, None, :]
    which, rows, columns = (part.to(images.device) for part in index)
    return images[which, :, rows, columns].movedim(-1, 1).contiguous()
