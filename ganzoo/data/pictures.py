"""Pictures as uint8 tensors of one size: padding, resizing, and decoding files of any kind."""

import io
import logging
import os
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from ganzoo.errors import GanzooError

log = logging.getLogger(__name__)


MIDDLE = "the middle square, by Lanczos interpolation (Pillow), antialiased"  # what `middle` does, in words


def padded(stored: int, size: int) -> str | None:
    """Says what `pad_to` does to images of so many pixels a side, in words; None if nothing."""
    return f"padded with black from {stored}x{stored}" if size != stored else None


def pad_to(images: Tensor, size: int, title: str) -> Tensor:
    """Pads (N, C, h, w) uint8 images centrally with black to `size`; small drawings are never resized.

    Raises:
        GanzooError: the images are larger than `size`.
    """
    height, width = images.shape[-2:]
    if size < max(height, width):
        raise GanzooError(
            f"data.size: {size} given, but the images of {title} are {height}x{width} and only ever padded. "
            f"Choose {max(height, width)} or more."
        )
    left, top = (size - width) // 2, (size - height) // 2
    return F.pad(images, (left, size - width - left, top, size - height - top))


def resize_to(images: Tensor, size: int) -> Tensor:
    """Crops (N, C, h, w) uint8 images to the central square and resizes that to `size`, antialiased (bicubic)."""
    height, width = images.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    images = images[..., top : top + side, left : left + side].contiguous()
    if side == size:
        return images
    parts = images.split(1024)  # bounds the memory that the resampling needs
    return torch.cat([F.interpolate(part, (size, size), mode="bicubic", antialias=True) for part in parts])


def opened(data: bytes, channels: int, draft: int | None = None) -> Any:
    """Turns the bytes of a picture file into a Pillow image, grey or RGB, in its own size.

    The picture is turned as its EXIF orientation says, transparent parts become white, and 16 bits become 8. Of an
    animation the first frame counts.

    Args:
        data: the file's content.
        channels: 1 (grey) or 3 (RGB).
        draft: sides of so many pixels would do: large JPEGs are then decoded at a fraction of their size.

    Raises:
        Exception: Pillow cannot read it, in one of many ways.
    """
    import numpy as np
    from PIL import Image, ImageOps

    image: Any = Image.open(io.BytesIO(data))
    if draft is not None:
        image.draft(None, (draft, draft))
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image).clip(0, 65535) // 257).astype(np.uint8))
    elif image.mode == "F":
        raise ValueError("floating-point pixels have no known range")
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("L" if channels == 1 else "RGB")


def middle(image: Any, height: int, width: int) -> Any:
    """Cuts the largest part in these proportions out of a Pillow image's middle, and resizes it (Lanczos)."""
    from PIL import Image

    scale = min(image.width / width, image.height / height)
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (image.width - wide) // 2, (image.height - high) // 2
    return image.crop((left, top, left + wide, top + high)).resize((width, height), Image.Resampling.LANCZOS)


def to_tensor(image: Any) -> Tensor:
    """Converts a grey or RGB Pillow image to a (1 or 3, H, W) uint8 tensor."""
    import numpy as np

    pixels = torch.from_numpy(np.array(image))
    return pixels.view(*pixels.shape[:2], -1).permute(2, 0, 1).contiguous()


def decode(data: bytes, size: int, channels: int) -> Tensor:
    """Turns the bytes of a picture file into a (channels, size, size) uint8 tensor; see `opened` and `middle`."""
    return to_tensor(middle(opened(data, channels, 2 * size), size, size))


def is_grey(image: Any) -> bool:
    """Says whether a Pillow image that is opened, not decoded, holds no colours, by its mode or its palette."""
    if image.mode == "P":
        palette = image.getpalette("RGB") or []
        return palette[::3] == palette[1::3] == palette[2::3]
    return image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I")


class Pictures(Dataset[Tensor]):
    """Picture files of a folder or a zip, decoded when asked for.

    Args:
        root: a folder, or a zip.
        names: paths of the pictures inside it.
        size: height and width that they get.
        channels: 1 (grey) or 3 (RGB).

    Attributes:
        shape: (C, H, W) of a decoded picture.
        fixed: whether a picture is the same each time, so that decoding it once would do.
    """

    fixed = True

    def __init__(self, root: Path, names: list[str], size: int, channels: int) -> None:
        self.root, self.names, self.size, self.channels = root, names, size, channels
        self.shape = (channels, size, size)
        self._zips: dict[int, zipfile.ZipFile] = {}

    def __len__(self) -> int:
        return len(self.names)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_zips": {}}  # an open zip cannot go to a worker

    def __getitem__(self, index: int) -> Tensor:
        for shift in range(len(self)):
            place = (index + shift) % len(self)
            try:
                return self.decode(place)
            except Exception as error:
                if not self.root.exists():
                    kept = "the last checkpoint is kept; bring them back, and go on with --ckpt_path last."
                    raise GanzooError(f"data.root: {self.root} has disappeared; {kept}") from error
                # hours of training shall not be lost to one bad file: the next one, of the same class, stands in
                log.warning("%s: %s cannot be read, the next stands in (%s)", self.root.name, self.names[place], error)
        raise GanzooError(f"data.root: no picture in {self.root} can be read.")

    def decode(self, index: int) -> Tensor:
        """Returns a picture, (channels, size, size) uint8; raises what Pillow raises."""
        return decode(self.read(self.names[index]), self.size, self.channels)

    def check(self, index: int) -> None:
        """Reads no more than a picture's header; raises what Pillow raises."""
        from PIL import Image

        Image.open(io.BytesIO(self.read(self.names[index]))).close()

    def grey(self, index: int) -> bool | None:
        """Says whether a picture's header tells of no colours; None if it cannot be read."""
        from PIL import Image

        try:
            with Image.open(io.BytesIO(self.read(self.names[index]))) as image:
                return is_grey(image)
        except Exception:  # Pillow fails in many ways; `ImageFolder.load` names the file
            return None

    def read(self, name: str) -> bytes:
        """Returns the bytes of a file."""
        return (self.root / name).read_bytes() if self.root.is_dir() else self._zip.read(name)

    def signature(self) -> str:
        """Returns a text that changes with the pictures: their names and sizes (in a zip: checksums)."""
        if self.root.is_dir():
            return repr([(name, (self.root / name).stat().st_size) for name in self.names])
        return repr([(name, self._zip.getinfo(name).CRC) for name in self.names])

    @property
    def _zip(self) -> zipfile.ZipFile:
        # one per process: forked workers would move each other's place in a shared file
        if os.getpid() not in self._zips:
            self._zips = {os.getpid(): zipfile.ZipFile(self.root)}
        return self._zips[os.getpid()]


def all_grey(pictures: Pictures) -> bool:
    """Says whether the headers of all pictures that can be read tell of no colours; stops at the first that do."""
    seen = False
    for index in range(len(pictures)):
        grey = pictures.grey(index)
        if grey is False:
            return False
        seen = seen or grey is True
    return seen
