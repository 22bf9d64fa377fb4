"""Checks of uploads to a demo page: bounds of bytes, pixels and frames, and one line on what is refused."""

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from ganzoo.common.errors import GanzooError
from ganzoo.data.clip_files import ANIMATIONS, MOVIES, read_clip
from ganzoo.data.decoding import opened, unreadable_reason

MOST_BYTES = 10 * 2**20  # of a file
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "WEBP")  # Pillow's names of those that are decoded at all
MOST_PIXELS = 2**24  # of a picture, decoded
TRANSLATED_PIXELS = 2**18  # of a picture that is translated in its own size: 512 x 512
MOST_CLIP_BYTES = 2**26  # of a clip, decoded
FRAME_PIXELS = 2**16  # of its frames, as a model is shown them: 256 x 256


def read_upload(path: Path) -> bytes:
    """Returns the content of an uploaded file.

    Raises:
        GanzooError: if it is too large.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise GanzooError(f"The file has {size / 1e6:,.1f} MB, and at most {MOST_BYTES / 1e6:.1f} are taken.")
    return path.read_bytes()


def read_picture(path: Path, channels: int) -> Any:
    """Returns an uploaded picture, a Pillow image in grey or RGB; its header is checked before anything is decoded.

    Args:
        path: where it lies.
        channels: 1 (grey) or 3 (RGB).

    Raises:
        GanzooError: if it is no picture, or has too many bytes or pixels.
    """
    content = read_upload(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the bound here is lower
            with Image.open(BytesIO(content), formats=FORMATS) as image:
                width, height = image.size
    except Exception as error:  # Pillow fails in many ways
        raise GanzooError(f"This is no picture that can be read: {unreadable_reason(error)}.") from None
    if width * height > MOST_PIXELS:
        raise GanzooError(f"The picture has {width:,} x {height:,} pixels, and at most {MOST_PIXELS:,} are taken.")
    try:
        return opened(content, channels)
    except Exception as error:  # likewise
        raise GanzooError(f"This picture cannot be read: {unreadable_reason(error)}.") from None


def shrunk(image: Any) -> tuple[Any, bool]:
    """Returns a picture of no more pixels than are translated in their own size, and whether it had to be shrunk."""
    pixels = image.width * image.height
    if pixels <= TRANSLATED_PIXELS:
        return image, False
    scale = (TRANSLATED_PIXELS / pixels) ** 0.5
    size = max(1, int(image.width * scale)), max(1, int(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS), True


def read_upload_clip(path: Path, channels: int) -> Tensor:
    """Returns an uploaded clip as uint8 (T, C, H, W), its frames shrunk where they are large.

    Args:
        path: where it lies: a GIF, or a movie.
        channels: 1 (grey) or 3 (RGB).

    Raises:
        GanzooError: if it is no clip, or has too many bytes.
    """
    known = (*ANIMATIONS, *MOVIES)
    if path.suffix.lower() not in known:
        raise GanzooError(f"This is no clip: names of clips end in {', '.join(known)}.")
    read_upload(path)
    clip = read_clip(path, None, channels, MOST_CLIP_BYTES)
    pixels = clip.shape[2] * clip.shape[3]
    if pixels <= FRAME_PIXELS:
        return clip
    scale = (FRAME_PIXELS / pixels) ** 0.5
    size = tuple(max(1, int(side * scale)) for side in clip.shape[2:])
    frames = [interpolate(part.float(), size, mode="bilinear", antialias=True) for part in clip.split(16)]
    return torch.cat(frames).round().clamp(0, 255).byte()
