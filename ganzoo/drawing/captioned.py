"""Sheets of images, each with its caption below it."""

from collections.abc import Iterator, Sequence
from functools import cache
from math import ceil, sqrt

from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ganzoo.common.images import to_uint8
from ganzoo.drawing.pictures import to_image

TILE = 112  # pixels of width to which small images are enlarged, so that a few words find room
SIZE, LINE, LINES = 12, 15, 3  # of letters and of a line in pixels; most lines of a caption
GAP, MARGIN = 10, 10  # white pixels between images, and around all
WIDER = 1.5  # how many times more columns than rows


def captioned_grid(images: Tensor, captions: Sequence[str], columns: int | None = None) -> Image.Image:
    """Arranges images in rows, left to right, each above its caption.

    Args:
        images: (N, C, H, W) in [-1, 1], N at least 1.
        captions: one of each; what does not go into three lines is cut off.
        columns: images per row; by default half as many again as rows.
    """
    scale = max(1, ceil(TILE / images.shape[3]))
    pixels = to_uint8(images).repeat(scale, 1).repeat(scale, 2)
    n, height, width, channels = pixels.shape
    columns = min(columns or ceil(sqrt(WIDER * n)), n)
    lines = [[*wrapped(caption, width)] for caption in captions]
    rows = [range(start, min(start + columns, n)) for start in range(0, n, columns)]
    below = [LINE * max(len(lines[i]) for i in row) + GAP for row in rows]
    size = (2 * MARGIN + columns * (width + GAP) - GAP, 2 * MARGIN + len(rows) * height + sum(below))
    sheet = Image.new("RGB" if channels == 3 else "L", size, "white")
    pen, top = ImageDraw.Draw(sheet), MARGIN
    for row, room in zip(rows, below, strict=True):
        for place, i in enumerate(row):
            left = MARGIN + place * (width + GAP)
            sheet.paste(to_image(pixels[i]), (left, top))
            for number, line in enumerate(lines[i]):
                pen.text((left, top + height + 2 + number * LINE), line, fill="#222222", font=letters())
        top += height + room
    return sheet


@cache
def letters() -> ImageFont.FreeTypeFont:
    """Returns the font of captions, which matplotlib brings along."""
    return ImageFont.truetype(findfont("DejaVu Sans"), SIZE)


def wrapped(text: str, width: int) -> Iterator[str]:
    """Yields the lines of a text that are at most so many pixels wide, three at most, the last of which may be cut."""
    words, font = text.split(), letters()
    for number in range(LINES):
        if not words:
            return
        count = next((k for k in range(len(words), 0, -1) if font.getlength(" ".join(words[:k])) <= width), 1)
        last = number == LINES - 1
        line, words = " ".join(words if last else words[:count]), words[count:]
        while font.getlength(line) > width:
            line = line.rstrip("…")[:-1] + "…"
        yield line
