"""Sheets of samples: rows of pictures under titles."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from PIL import Image
from torch import Tensor

from ganzoo.common.files import atomic_write
from ganzoo.common.kinds import Kind
from ganzoo.drawing import pictures
from ganzoo.drawing.looks import look_of
from ganzoo.drawing.plot import INK, QUIET

SHOWN = 12  # samples in a row
DPI = 160


@dataclass(frozen=True)
class Row:
    """A row of a sheet of samples."""

    title: str
    notes: Sequence[str]
    strip: Image.Image


def strip(samples: Tensor, real: Tensor | None = None, kind: Kind | None = None) -> Image.Image:
    """Returns a row's picture: images of samples (N, ...) side by side, or points (N, 2) over real ones."""
    draw = look_of(samples, kind).small
    if draw is None:
        return pictures.scatter(samples, real, size=1.8)
    images = draw(samples[:SHOWN])
    scale = max(1, math.ceil(72 / images.shape[2]))
    return pictures.grid(images, columns=SHOWN, gap=max(6 // scale, 1), scale=scale)


def sheet(rows: Sequence[Row]) -> Figure:
    """Arranges rows of samples under one another, each model's title to the left of its samples."""
    margin, gap = 24, 22  # pixels
    lines = [[(row.title, 12.5, INK, 38), *((note, 8.0, QUIET, 24) for note in row.notes)] for row in rows]
    written_out = [TextPath((0, 0), text, size=size) for texts in lines for text, size, *_ in texts]
    label = 3 * margin + round(max(path.get_extents().width for path in written_out) * DPI / 72)
    width = label + max(row.strip.width for row in rows) + margin
    height = 2 * margin - gap + sum(row.strip.height + gap for row in rows)
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    top = height - margin
    for row, texts in zip(rows, lines, strict=True):
        bottom = top - row.strip.height
        # pixel for pixel, so that nothing is smoothed
        figure.figimage(np.asarray(row.strip.convert("RGB")), label, bottom)
        y = (top + bottom) / 2 + sum(room for *_, room in texts) / 2
        for text, size, colour, room in texts:
            figure.text(margin / width, (y - room / 2) / height, text, fontsize=size, color=colour, va="center")
            y -= room
        top = bottom - gap
    return figure


def save_figure(figure: Figure, path: Path) -> Path:
    """Writes a figure as PNG, beside and renamed."""
    with atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=DPI)
    return path
