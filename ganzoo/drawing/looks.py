"""Pictures of samples by their kind: how each is drawn, and how many make a picture."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PIL import Image
from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import Kind, default_kind
from ganzoo.drawing.films import film_strips, middle_frames, passing_frames
from ganzoo.drawing.music import octaves_in_use, roll_pictures
from ganzoo.drawing.pictures import grid, scatter
from ganzoo.drawing.solids import render_solids

Draw = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Look:
    """How samples of a kind are drawn.

    Attributes:
        each: makes an image of each sample: (N, ...) to (N, 1 or 3, h, w) in [-1, 1]; None of samples that say nothing
            alone, such as points, which are drawn together.
        small: likewise, less wide, for rows of many.
        passing: likewise, for movies in which a sample follows another one.
        count: how many make a good picture.
        gap: white pixels between the images of a picture.
    """

    each: Draw | None
    small: Draw | None
    passing: Draw | None
    count: int = 64
    gap: int = 2


def as_they_are(images: Tensor) -> Tensor:
    """Returns images unchanged."""
    return images


PICTURES: dict[str, Look] = {
    "images": Look(as_they_are, as_they_are, as_they_are),
    "points": Look(None, None, None, count=2000),
    "video": Look(film_strips, middle_frames, passing_frames, count=16, gap=8),
    "voxels": Look(render_solids, render_solids, render_solids, count=25),
    "music": Look(octaves_in_use, roll_pictures, roll_pictures, count=25),
}


def look_of(samples: Tensor, kind: Kind | None) -> Look:
    """Returns how samples (N, ...) of a kind are drawn; None tells it by their shape.

    Raises:
        GanzooError: if it cannot be told.
    """
    return PICTURES[(kind or default_kind(tuple(samples.shape[1:]))).name]


def picture(samples: Tensor, real: Tensor | None = None, kind: Kind | None = None) -> Image.Image:
    """Returns one picture of samples: a grid of an image for each, or a scatter of points.

    Args:
        samples: (N, ...).
        real: real samples below them, where all are drawn together.
        kind: of sample; by default what its shape suggests.
    """
    look = look_of(samples, kind)
    return scatter(samples, real) if look.each is None else grid(look.each(samples), gap=look.gap)


def images_of(samples: Tensor, kind: Kind | None = None, use: Literal["each", "small", "passing"] = "small") -> Tensor:
    """Draws an image of each sample.

    Args:
        samples: (N, ...).
        kind: of sample; by default what its shape suggests.
        use: what for, see `Look`.

    Returns:
        (N, 1 or 3, h, w) in [-1, 1].

    Raises:
        GanzooError: if a sample alone cannot be drawn.
    """
    draw = getattr(look_of(samples, kind), use)
    if draw is None:
        raise GanzooError(f"this is for images, but the model draws samples of shape {tuple(samples.shape[1:])}.")
    return draw(samples)


def drawn_alone(kind: Kind | None) -> bool:
    """Returns whether a single sample of this kind makes an image."""
    return kind is not None and PICTURES[kind.name].each is not None
