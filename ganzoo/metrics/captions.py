"""Reading of captioned canvases: which layout an image has, which digits, and features of what is in their places."""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from ganzoo.data.captioned_mnist import CANVAS, DIGIT, FULL, LAYOUTS, NOTHING
from ganzoo.networks.classifiers import load_classifier, shipped

BORDER = 4  # pixels of a digit's box that are empty: MNIST's digits are 20x20 in 28x28
LEAST_SHARE = 0.8  # of an image's ink that lies where a layout has its digits
LEAST_INK = 15.0  # bright pixels of a digit
STRANGE = NOTHING - 1  # layout, or digit, of what is none


class Region(NamedTuple):
    """Part of a canvas in which the ink of one digit lies: rows and columns."""

    top: int
    bottom: int
    left: int
    right: int


def _span(limits: tuple[int, int]) -> tuple[int, int]:
    """Returns where a digit's ink begins and ends along an axis, a pixel to spare, by the range of its box."""
    return max(limits[0] + BORDER - 1, 0), min(limits[1] + DIGIT - BORDER + 1, CANVAS)


BOXES = tuple(  # top and left of each digit's box of 28x28 on the inner canvas, in the middle of its range
    tuple((sum(place.top) // 2, sum(place.left) // 2) for place in layout.places) for layout in LAYOUTS
)
REGIONS = tuple(tuple(Region(*_span(place.top), *_span(place.left)) for place in layout.places) for layout in LAYOUTS)


@cache
def digit_classifier() -> nn.Module:
    """Returns the classifier of MNIST's digits that is shipped."""
    return load_classifier(shipped("mnist")).requires_grad_(False)


@torch.inference_mode()
def read_canvases(x: Tensor) -> Tensor:
    """Returns what images show, (N, 3): number of a layout, digits; -1 for no second digit, -2 for what is none.

    The layout is that in whose places most of the ink lies, four fifths at least.

    Args:
        x: grey images (N, 1, H, W) in [-1, 1].
    """
    ink = canvas_ink(x)
    total = ink.sum((1, 2)).clamp(min=1e-6)
    parts = [[cut(ink, region) for region in regions] for regions in REGIONS]
    shares = torch.stack([sum(part.sum((1, 2)) for part in own) / total for own in parts], 1)
    share, layout = shares.max(1)
    layout = layout.masked_fill((share < LEAST_SHARE) | (total < LEAST_INK), STRANGE)
    codes = torch.full((len(x), 3), NOTHING)
    codes[:, 0] = layout
    for number, own in enumerate(parts):
        rows = (layout == number).nonzero()[:, 0]
        for place, part in enumerate(own):
            if len(rows):
                codes[rows, 1 + place] = read_digits(part[rows])
    codes[layout == STRANGE] = STRANGE
    return codes


def canvas_ink(x: Tensor) -> Tensor:
    """Returns the inside of canvases (N, 60, 60), without their margin, in [0, 1]; smaller ones are enlarged, bicubic.

    Args:
        x: grey images (N, 1, H, W) in [-1, 1].
    """
    if x.shape[-1] != FULL:
        x = interpolate(x, (FULL, FULL), mode="bicubic", align_corners=False)
    margin = (FULL - CANVAS) // 2
    return ((x[:, 0] + 1) / 2).clamp(0, 1)[:, margin : margin + CANVAS, margin : margin + CANVAS].float().cpu()


@torch.inference_mode()
def digit_features(ink: Tensor, layouts: Tensor) -> Tensor:
    """Returns the classifier's features (M, D), in float64, of the boxes in which layouts have their digits.

    A digit may lie up to two pixels off the middle of its box. What should be there is looked at, not what is: an empty
    box or two strokes in one count as such.

    Args:
        ink: canvases (N, 60, 60) in [0, 1].
        layouts: numbers of their layouts (N,).
    """
    boxes = []
    for number, own in enumerate(BOXES):
        canvases = ink[layouts.to(ink.device) == number]
        boxes += [canvases[:, top : top + DIGIT, left : left + DIGIT] for top, left in own]
    return torch.cat([digit_classifier()(part)[0] for part in (2 * torch.cat(boxes)[:, None] - 1).split(500)]).double()


def cut(ink: Tensor, region: Region) -> Tensor:
    """Returns a region (N, h, w) of canvases (N, 60, 60)."""
    return ink[:, region.top : region.bottom, region.left : region.right]


def read_digits(ink: Tensor) -> Tensor:
    """Returns the digits (N,) in regions (N, h, w), after moving their centres of mass to the middle; -2 for none."""
    n, height, width = ink.shape
    total = ink.sum((1, 2))
    rows = (ink.sum(2) * torch.arange(height)).sum(1) / total.clamp(min=1e-6)
    columns = (ink.sum(1) * torch.arange(width)).sum(1) / total.clamp(min=1e-6)
    half = DIGIT // 2
    spread = pad(ink, (half, half, half, half))
    down = rows.round().long()[:, None] + torch.arange(DIGIT)
    right = columns.round().long()[:, None] + torch.arange(DIGIT)
    boxes = spread[torch.arange(n)[:, None, None], down[:, :, None], right[:, None, :]]
    logits = torch.cat([digit_classifier()(part)[1] for part in (2 * boxes[:, None] - 1).split(500)])
    return torch.where(total < LEAST_INK, STRANGE, logits.argmax(1))
