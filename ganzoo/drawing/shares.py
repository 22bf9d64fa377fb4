"""Coloured pictures of shares: which of several things, each of a colour of its own, a place belongs to."""

import matplotlib as mpl
import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn.functional import one_hot

TABLES = {10: "tab10", 20: "tab20"}  # colours that are easily told apart, up to so many


def palette(count: int) -> Tensor:
    """Returns colours (count, 3) in [-1, 1], as different as they can be."""
    names = [name for most, name in TABLES.items() if count <= most]
    places = np.arange(count) if names else np.arange(count) / count
    colours = mpl.colormaps[names[0] if names else "hsv"](places)[:, :3]
    return torch.from_numpy(2 * colours - 1).float()


def colour_shares(shares: Tensor, hard: bool = False) -> Tensor:
    """Colours places by what they belong to.

    Args:
        shares: (N, K, h, w), from 0 to 1, whose sum over K is 1.
        hard: the colour of the largest share alone; otherwise a mean of colours, by their shares.

    Returns:
        Images (N, 3, h, w) in [-1, 1].
    """
    if hard:
        shares = one_hot(shares.argmax(1), shares.shape[1]).movedim(3, 1).to(shares.dtype)
    return torch.einsum("nkhw,kc->nchw", shares, palette(shares.shape[1]).to(shares))


def swatches(count: int, side: int) -> Tensor:
    """Draws the colours of the palette with their numbers, as images (count, 3, side, side) in [-1, 1]."""
    drawn = []
    for number, colour in enumerate(palette(count)):
        red, green, blue = ((colour + 1) * 127.5).round().int().tolist()
        picture = Image.new("RGB", (side, side), (red, green, blue))
        ink = "black" if 3 * red + 6 * green + blue > 1275 else "white"  # 10 x 127.5, by the eye's weights
        ImageDraw.Draw(picture).text((side / 2, side / 2), str(number), ink, font_size=side / 2, anchor="mm")
        drawn.append(torch.from_numpy(np.array(picture)).movedim(2, 0))
    return torch.stack(drawn).float() / 127.5 - 1
