"""Kinds of sample: images, points in the plane, video, voxels and music.

A kind is one record here and one row in the table of each room that treats kinds differently, such as how its samples
are drawn as pictures, saved to files or scored.
"""

from dataclasses import dataclass
from typing import Any

from ganzoo.common.errors import GanzooError


@dataclass(frozen=True)
class Kind:
    """Kind of sample: what its axes are and how its values are read.

    Args:
        name: by which people, tables and checkpoints name it, such as `images`.
        noun: name of a single sample.
        axes: letters of the axes of one sample: C channels, T time, D depth, H height, W width, P pitches, X
            coordinates.
        values: what the numbers are, in words.
        low: least value of a sample in use; None where there is none.
        high: largest one.
        mirrored: whether a sample turned left to right is as likely as itself, as pictures of most things are.
        augmented: whether augmentations of images, such as DiffAugment and ADA, may be put in front of a discriminator.
    """

    name: str
    noun: str
    axes: tuple[str, ...]
    values: str
    low: float | None = -1.0
    high: float | None = 1.0
    mirrored: bool = False
    augmented: bool = False

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Returns whether one sample of this shape can be of this kind."""
        return len(shape) == len(self.axes)

    @property
    def items(self) -> str:
        """Name of several samples: `clips` of video."""
        return f"{self.noun}s"

    @property
    def bounds(self) -> str:
        """Range of the values in words, such as `in [-1, 1]`; empty where there is none."""
        return "" if self.low is None or self.high is None else f"in [{self.low:g}, {self.high:g}]"


IMAGES = Kind("images", "image", ("C", "H", "W"), "pixels in [-1, 1]", mirrored=True, augmented=True)
POINTS = Kind("points", "point", ("X",), "coordinates", low=None, high=None)
VIDEO = Kind("video", "clip", ("C", "T", "H", "W"), "pixels in [-1, 1]", mirrored=True)
VOXELS = Kind("voxels", "solid", ("C", "D", "H", "W"), "occupancy, from -1 (empty) to 1 (full)")
MUSIC = Kind("music", "piano roll", ("C", "T", "P"), "notes, from -1 (silent) to 1 (sounding)")

KINDS: dict[str, Kind] = {kind.name: kind for kind in (IMAGES, POINTS, VIDEO, VOXELS, MUSIC)}


def kind_by_shape(shape: tuple[int, ...]) -> Kind | None:
    """Returns the kind that samples of this shape have unless they say another: points or images, or None."""
    return next((kind for kind in (POINTS, IMAGES) if kind.fits(shape)), None)


def default_kind(shape: tuple[int, ...]) -> Kind:
    """Returns the kind of samples that do not say it: points for one axis, images for three.

    Raises:
        GanzooError: for any other number of axes, which several kinds or none have.
    """
    kind = kind_by_shape(shape)
    if kind is None:
        raise GanzooError(f"data: samples of shape {shape} must say their `kind`: one of {', '.join(KINDS)}.")
    return kind


def kind_of(datamodule: Any) -> Kind | None:
    """Returns the kind of a data module's samples; of a foreign one that does not say it, what its shape suggests."""
    kind = getattr(datamodule, "kind", None)
    return kind if isinstance(kind, Kind) else kind_by_shape(tuple(getattr(datamodule, "shape", None) or ()))


def kind_named(name: Any) -> Kind | None:
    """Returns the kind that a checkpoint names; None if it names none.

    Raises:
        GanzooError: if there is no such kind.
    """
    if name is None:
        return None
    if not isinstance(name, str) or name not in KINDS:
        raise GanzooError(f"the checkpoint makes {str(name)[:40]!r}; this ganzoo knows {', '.join(KINDS)}.")
    return KINDS[name]
