"""Decoding of picture files to uint8 tensors of one size: any format, padded, cropped or resized."""

import io
import logging
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from ganzoo.common.errors import GanzooError
from ganzoo.data.finding import members

log = logging.getLogger(__name__)

Fit = Literal["crop", "pad", "squash"]
LANCZOS = "by Lanczos interpolation (Pillow), antialiased"
MIDDLE = f"the middle square, {LANCZOS}"  # what `middle` does, in words
FITS: dict[str, str] = {  # what `fit_image` does, in words
    "crop": MIDDLE,
    "pad": f"the whole picture between black bars, {LANCZOS}",
    "squash": f"the whole picture squashed to a square, {LANCZOS}",
}


def padded(stored: int, size: int) -> str | None:
    """Returns what `pad_to` does to images of so many pixels a side, in words; None if nothing."""
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
    """Decodes a picture file to a Pillow image, grey or RGB, in its own size.

    The picture is turned as its EXIF orientation says, transparent parts become white, and 16 bits become 8; 32-bit
    integers are taken for the 8 or 16 bits that hold them. Of an animation the first frame counts.

    Args:
        data: the file's content.
        channels: 1 (grey) or 3 (RGB).
        draft: sides of so many pixels would do: large JPEGs are then decoded at a fraction of their size.

    Raises:
        Exception: Pillow cannot read it, in one of many ways.
    """
    from PIL import Image, ImageOps

    if not data:
        raise ValueError("an empty file")
    image: Any = Image.open(io.BytesIO(data))
    # PNG and PPM hold 16 bits at most, also where Pillow opens them as 32
    sixteen = image.mode.startswith("I;16") or image.format in ("PNG", "PPM")
    if draft is not None:
        image.draft(None, (draft, draft))
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        image = _eight_bits(image, sixteen)
    elif image.mode == "F":
        raise ValueError("floating-point pixels have no known range")
    return flattened(image, channels)


def flattened(image: Any, channels: int) -> Any:
    """Converts a Pillow image to grey (1 channel) or RGB (3); transparent parts become white."""
    from PIL import Image

    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("L" if channels == 1 else "RGB")


def _eight_bits(image: Any, sixteen: bool) -> Any:
    """Converts a grey Pillow image of 16-bit integers, or of 32-bit ones whose range is small enough, to 8 bits."""
    import numpy as np
    from PIL import Image

    pixels = np.asarray(image)
    least, most = int(pixels.min()), int(pixels.max())
    if least < 0 or most > 65535:
        raise ValueError("32-bit integer pixels beyond 16 bits have no known range; save them with 8 or 16 bits")
    return Image.fromarray((pixels // 257 if sixteen or most > 255 else pixels).astype(np.uint8))


def fit_image(image: Any, height: int, width: int, fit: str = "crop") -> Any:
    """Resizes a Pillow image: its middle ("crop"), all of it between black bars ("pad") or squashed ("squash")."""
    from PIL import Image, ImageOps

    if fit == "pad":
        return ImageOps.pad(image, (width, height), Image.Resampling.LANCZOS, color="black")
    if fit == "squash":
        return image.resize((width, height), Image.Resampling.LANCZOS)
    return middle(image, height, width)


def middle(image: Any, height: int, width: int) -> Any:
    """Crops a Pillow image to the largest middle part of these proportions, and resizes it (Lanczos)."""
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


def decode(data: bytes, size: int, channels: int, fit: str = "crop") -> Tensor:
    """Decodes a picture file to a (channels, size, size) uint8 tensor; see `opened` and `fit_image`."""
    return to_tensor(fit_image(opened(data, channels, 2 * size), size, size, fit))


def is_grey(image: Any) -> bool:
    """Returns whether a Pillow image, opened but not decoded, has no colours, by its mode or its palette."""
    if image.mode == "P":
        palette = image.getpalette("RGB") or []
        return palette[::3] == palette[1::3] == palette[2::3]
    return image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I")


def upright(image: Any) -> tuple[int, int]:
    """Returns width and height of a Pillow image, opened but not decoded, as its EXIF orientation turns it."""
    if image.format == "TIFF":  # Pillow has turned it
        return image.width, image.height
    # a PNG would be decoded in search of what its header lacks
    exif = image.getexif() if image.format != "PNG" or "exif" in image.info else {}
    quarter = exif.get(0x0112, 1) > 4
    return (image.height, image.width) if quarter else (image.width, image.height)


def colourful(image: Any) -> bool:
    """Returns whether an RGB Pillow image shows colours, more than compression makes of grey."""
    import numpy as np

    pixels = np.asarray(image.resize((32, 32))).astype(int)
    return bool((pixels.max(-1) - pixels.min(-1)).max() > 16)


def unreadable_reason(error: Exception) -> str:
    """Returns why a picture cannot be read, in words that are the same for all of a kind."""
    from PIL import Image, UnidentifiedImageError

    text = " ".join(str(error).split())
    for kind, words in (
        (UnidentifiedImageError, "no picture, or damaged"),
        (PermissionError, "may not be read"),
        (FileNotFoundError, "not there, or a link to nothing"),
        (IsADirectoryError, "a folder"),
        ((zipfile.BadZipFile, zlib.error), "damaged in the zip"),
        (Image.DecompressionBombError, "too many pixels to be safe"),
    ):
        if isinstance(error, kind):
            return words
    if "truncated" in text.lower():
        return "cut off before its end"
    if "password" in text:
        return "protected by a password"
    return text if isinstance(error, ValueError | OSError) and text else f"{type(error).__name__}: {text}"


class Header(NamedTuple):
    """A picture's properties as its header says.

    Attributes:
        width: in pixels, when it is upright.
        height: likewise.
        grey: whether there are no colours.
        deep: whether it has more than 8 bits, grey.
        remarks: what the user should know of it, in words that are the same for all of a kind.
    """

    width: int
    height: int
    grey: bool
    deep: bool = False
    remarks: tuple[str, ...] = ()


class Pictures(Dataset[Tensor]):
    """Dataset of picture files of a folder or a zip, decoded on access.

    Args:
        root: a folder, or a zip.
        names: paths of the pictures inside it.
        size: height and width that they get.
        channels: 1 (grey) or 3 (RGB).
        fit: how others come to a square, see `fit_image`.

    Attributes:
        shape: (C, H, W) of a decoded picture.
        fixed: whether a picture is the same each time, so that decoding it once would do.
        field: what makes pictures grey where that is 1.
    """

    fixed = True
    field = "data.channels"

    @property
    def crops(self) -> bool:
        """Whether only the middle square of a picture is taken."""
        return self.fit == "crop"

    def __init__(self, root: Path, names: list[str], size: int, channels: int, fit: str = "crop") -> None:
        self.root, self.names, self.size, self.channels, self.fit = root, names, size, channels, fit
        self.shape = (channels, size, size)
        self._zips: dict[int, tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]] = {}

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
                    hint = "the last checkpoint is kept; bring them back, and go on with --ckpt_path last."
                    raise GanzooError(f"data.root: {self.root} has disappeared; {hint}") from error
                # hours of training shall not be lost to one bad file: the next one, of the same class, stands in
                message = "%s: %s cannot be read, the next stands in (%s)"
                log.warning(message, self.root.name, self.names[place], unreadable_reason(error))
        raise GanzooError(f"data.root: no picture in {self.root} can be read.")

    def decode(self, index: int) -> Tensor:
        """Returns a picture, (channels, size, size) uint8; raises what Pillow raises."""
        return decode(self.read(self.names[index]), self.size, self.channels, self.fit)

    def header(self, index: int) -> Header:
        """Reads a picture's header and no more; raises what Pillow raises."""
        return self.header_of(self.names[index])

    def header_of(self, name: str) -> Header:
        """Reads the header of the picture at a path."""
        from PIL import Image

        unpacked = self.root.is_dir()
        source: Any = self.root / name if unpacked else io.BytesIO(self.read(name))
        if not (source.stat().st_size if unpacked else source.getbuffer().nbytes):
            raise ValueError("an empty file")
        with Image.open(source) as image:
            # phones keep depth maps and the like behind a JPEG
            several = getattr(image, "is_animated", False) and image.format != "MPO"
            remarks = ("of several frames the first one is taken",) if several else ()
            width, height = upright(image)
            return Header(width, height, is_grey(image), image.mode.startswith("I"), remarks)

    def loses_colours(self, index: int) -> bool:
        """Returns whether a picture shows colours and is to be grey; raises what Pillow raises."""
        return self.channels == 1 and colourful(opened(self.read(self.names[index]), 3, 64))

    def read(self, name: str) -> bytes:
        """Returns the bytes of a file."""
        if self.root.is_dir():
            return (self.root / name).read_bytes()
        archive, files = self._zip
        return archive.read(files[name])

    def signature(self) -> str:
        """Returns a text that changes with the pictures: their names and sizes (in a zip: checksums)."""
        if self.root.is_dir():
            files = repr([(name, (self.root / name).stat().st_size) for name in self.names])
        else:
            files = repr([(name, self._zip[1][name].CRC) for name in self.names])
        return files if self.fit == "crop" else f"{files} {self.fit}"

    @property
    def _zip(self) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
        # one per process: forked workers would move each other's place in a shared file
        if os.getpid() not in self._zips:
            self._zips = {os.getpid(): (zipfile.ZipFile(self.root), members(self.root))}
        return self._zips[os.getpid()]
