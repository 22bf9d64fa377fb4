"""Pictures of tensors: grids of images, scatters of points."""

from collections.abc import Sequence
from math import ceil, sqrt
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write
from ganzoo.common.images import luma, to_uint8

SMALLEST = 64  # pixels of height to which small images are enlarged
FARTHEST = 2.0  # from 0; what lies between 1 and this is cut off, such as the overshoot of an interpolation


def to_image(pixels: NDArray[np.uint8]) -> Image.Image:
    """Converts (H, W, 1 or 3) in [0, 255] to a picture."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def to_pil(images: Tensor) -> list[Image.Image]:
    """Converts a model's images to Pillow's, grey (mode L) or in colour (RGB).

    Args:
        images: (N, C, H, W), C = 1 or 3, in [-1, 1], as `sample` and `translate` return them, on any device; a single
            image (C, H, W) counts as a batch of one.

    Returns:
        One picture an image.

    Raises:
        GanzooError: if these are no such images.
    """
    if not isinstance(images, Tensor):
        raise GanzooError(f"images: must be a tensor (N, C, H, W), not {type(images).__name__}.")
    batch = images[None] if images.dim() == 3 else images
    if batch.dim() != 4 or batch.shape[1] not in {1, 3} or not batch.shape[2] * batch.shape[3]:
        shape = tuple(images.shape)
        raise GanzooError(f"images: must have the shape (N, C, H, W) or (C, H, W) with 1 or 3 channels, not {shape}.")
    if not batch.is_floating_point():
        raise GanzooError(f"images: must be floating-point numbers in [-1, 1], not {str(batch.dtype)[6:]}.")
    if not batch.isfinite().all():
        raise GanzooError("images: some numbers are NaN or infinite.")
    if len(batch) and batch.abs().max() > FARTHEST:
        raise GanzooError(f"images: must lie in [-1, 1], but one number is {float(batch.abs().max()):g} from 0.")
    return [to_image(pixels) for pixels in to_uint8(batch)]


def grid(x: Tensor, columns: int | None = None, gap: int = 2, scale: int | None = None) -> Image.Image:
    """Arranges images in rows, left to right.

    Args:
        x: images (N, C, H, W) in [-1, 1], N at least 1.
        columns: images per row; as square as possible by default.
        gap: white pixels between images.
        scale: whole factor of enlargement; by default small images grow to at least 64 pixels.
    """
    scale = scale or max(1, ceil(SMALLEST / x.shape[2]))
    pixels = to_uint8(x).repeat(scale, 1).repeat(scale, 2)
    n, height, width, channels = pixels.shape
    columns = columns or ceil(sqrt(n * height / width))
    rows = ceil(n / columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 255, np.uint8)
    for i, tile in enumerate(pixels):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        sheet[top : top + height, left : left + width] = tile
    return to_image(sheet)


def beside(columns: Sequence[Tensor], gap: int = 12) -> Image.Image:
    """Arranges versions of the same images side by side, an image to a row; more than eight rows become two halves.

    Args:
        columns: versions of the same images, (N, C, H, W) in [-1, 1] each; one without colours may have one channel.
        gap: white pixels between the halves.
    """
    channels = max(column.shape[1] for column in columns)
    rows = torch.stack([column.expand(-1, channels, -1, -1) for column in columns], 1)
    halves = [grid(half.flatten(0, 1), len(columns)) for half in rows.chunk(1 + (len(rows) > 8))]
    width = sum(half.width for half in halves) + gap * (len(halves) - 1)
    sheet = Image.new(halves[0].mode, (width, halves[0].height), "white")
    for i, half in enumerate(halves):
        sheet.paste(half, (i * (half.width + gap), 0))
    return sheet


def to_shape(x: Tensor, shape: Sequence[int], mode: Literal["nearest", "bicubic"] = "bicubic") -> Tensor:
    """Converts images (N, C, H, W) to another shape (C', H', W'): grey or coloured, and resized.

    Args:
        x: images in [-1, 1].
        shape: what they get; of their own channels or of 1 or 3.
        mode: how they are resized, where they are; bicubic is antialiased.
    """
    channels, height, width = shape
    if x.shape[1] != channels:
        x = luma(x).expand(-1, channels, -1, -1)
    if x.shape[2:] == (height, width):
        return x
    return interpolate(x, (height, width), mode=mode, antialias=mode == "bicubic").clamp(-1, 1)


def scatter(samples: Tensor, real: Tensor | None = None, size: float = 4.0) -> Image.Image:
    """Draws points (N, 2) over real ones, on equal axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size, size), dpi=150, layout="tight")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    if real is not None:
        _dots(axes, real, "0.8")
        span = 1.25 * float(real.abs().max())
        axes.set(xlim=(-span, span), ylim=(-span, span))
    _dots(axes, samples, "tab:red")
    axes.set_aspect("equal")
    axes.axis("off")
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _dots(axes: Any, points: Tensor, color: str) -> None:
    x, y = points.cpu().T.numpy()
    axes.scatter(x, y, s=2, color=color, alpha=0.6, linewidths=0)


def save_picture(image: Image.Image, path: Path) -> None:
    """Writes a picture in the format of its name's ending, beside and renamed.

    Raises:
        GanzooError: if the name's ending is no picture format.
    """
    if not can_write(path):
        raise GanzooError(f"-o: cannot write a picture to '{path}'; use a name that ends in .png.")
    options: dict[str, Any] = {"quality": 95} if path.suffix.lower() in (".jpg", ".jpeg", ".webp") else {}
    with atomic_write(path) as beside:
        image.save(beside, **options)


def can_write(path: Path) -> bool:
    """Returns whether a name ends like a picture format that can be written."""
    return Image.registered_extensions().get(path.suffix.lower()) in Image.SAVE
