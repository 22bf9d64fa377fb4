"""Pictures and small copies of them: pairs for super-resolution, made from any folder."""

from copy import copy
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ganzoo.common.errors import GanzooError
from ganzoo.common.seeding import mix
from ganzoo.data.base import Split
from ganzoo.data.decoding import Header, Pictures, opened, to_tensor
from ganzoo.data.image_folder import ImageFolder


class LowResolution(ImageFolder):
    """Every picture of a folder or a zip as the target, and a small copy as the source: bicubic, in 8 bits.

    Args:
        root: the folder or zip. A relative path that does not exist is also looked for under `$GANZOO_DATA`.
        size: height and width of the targets in pixels.
        factor: how many times smaller the sources are.
        crop: take the targets out of the pictures in their own resolution, which must be at least `size` a side: from
            anywhere, and anew each time, in training; from the middle for scores. Otherwise the central square of each
            picture is resized to `size`.
        held_out: share of the pictures that make the test split.
        channels: 3 (RGB) or 1 (grey); None as in `ImageFolder`.
        **kwargs: see `ImageFolder`.

    Raises:
        GanzooError: if the size is not divisible by the factor.
    """

    tasks = ("super-resolution",)

    def __init__(
        self,
        root: str | None = None,
        size: int = 96,
        factor: int = 4,
        crop: bool = False,
        held_out: float = 0.1,
        channels: int | None = 3,
        **kwargs: Any,
    ) -> None:
        super().__init__(root, size, channels, held_out, **kwargs)
        if factor < 2 or size % factor:
            raise GanzooError(f"data.factor: {factor} given, but it must be at least 2 and divide the size, {size}.")
        if crop and self.fit != "crop":
            raise GanzooError(f"data.fit: {self.fit} given, but data.crop takes pieces of the pictures as they are.")
        self.factor, self.crop = factor, crop

    @property
    def source_shape(self) -> tuple[int, ...]:  # type: ignore[override]  # read-only here
        """(channels, height, width) of a small copy."""
        return (self.channels, self.size // self.factor, self.size // self.factor)

    @property
    def resized(self) -> str:
        """Words for the resizing; cropped pictures keep their resolution."""
        return f"the middle {self.size}x{self.size} pixels, not resized" if self.crop else super().resized

    def pictures(self, split: Split, names: list[str]) -> Pictures:
        """Returns a decoder of these pictures, which resizes or crops them."""
        if self.crop:
            crops = Crops(self.root, names, self.size, self._channels or 3)
            crops.fixed = split == "test"
            return crops
        return super().pictures(split, names)

    def make(self, x: Tensor, y: Tensor | None, generator: torch.Generator, train: bool) -> tuple[Tensor, Any]:
        """Returns (small, pictures) of pictures; (small, (pictures, labels)) if there are classes."""
        return shrink(x, self.factor), x if y is None else (x, y)


class Crops(Pictures):
    """Pictures in their own resolution, of which a square of `size` is cut out, in the middle or at random."""

    crops = False  # the middle alone is not what is taken
    seed: int | None = None  # of where the squares lie; None: in the middle

    def seeded(self, seed: int) -> "Crops":
        """Returns a copy whose crops the seed and a picture's index choose."""
        crops = copy(self)
        crops.seed = seed
        return crops

    def decode(self, index: int) -> Tensor:
        """Returns a crop, (channels, size, size) uint8; raises what Pillow raises, and ValueError as `header` does."""
        image = opened(self.read(self.names[index]), self.channels)
        self._require_large(image.width, image.height)
        spare = image.width - self.size, image.height - self.size
        if self.seed is None:
            left, top = (side // 2 for side in spare)
        else:
            generator = torch.Generator().manual_seed(mix(self.seed, index))
            left, top = (int(torch.randint(side + 1, (), generator=generator)) for side in spare)
        return to_tensor(image.crop((left, top, left + self.size, top + self.size)))

    def header(self, index: int) -> Header:
        """Reads no more than a picture's header; raises what Pillow raises, and ValueError if it is too small."""
        header = super().header(index)
        self._require_large(*header[:2])
        return header

    def _require_large(self, width: int, height: int) -> None:
        if min(width, height) < self.size:
            raise ValueError(f"fewer than {self.size} pixels a side")


def shrink(x: Tensor, factor: int) -> Tensor:
    """Resizes images (N, C, H, W) in [-1, 1] to 1/factor of their sides, antialiased (bicubic), in steps of 8 bits."""
    size = x.shape[-2] // factor, x.shape[-1] // factor
    small = interpolate(x, size, mode="bicubic", antialias=True)
    return ((small + 1) * 127.5).round().clamp(0, 255) / 127.5 - 1
