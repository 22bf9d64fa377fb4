"""Sides of the maps in a network that halves or doubles them, for square images of any size.

Where halving goes on without a remainder, as from 64 or 96 pixels, nothing is lost. Elsewhere a generator starts from
the next larger side that doubling reaches the image from, and cuts its middle out; a discriminator rounds down.
"""

from torch import Tensor
from torch.nn.functional import pad

from ganzoo.common.errors import GanzooError


def halvings(size: int, smallest: int, kind: str) -> int:
    """Returns how often a side of `size` pixels is halved so that `smallest` to 2 * `smallest` - 1 are left.

    Args:
        size: side of the images in pixels.
        smallest: least side that is left.
        kind: what the network is, for the message.

    Raises:
        GanzooError: if the images are smaller than twice `smallest`.
    """
    require_side(size, 2 * smallest, kind)
    return (size // smallest).bit_length() - 1


def require_side(size: int, least: int, kind: str) -> None:
    """Raises GanzooError if images of `size` pixels a side are too small for a network of this kind."""
    if size < least:
        raise GanzooError(
            f"size: {size} given, but {kind} takes images of {least} pixels or more; the nearest is {least}."
        )


def crop_or_pad(x: Tensor, size: int) -> Tensor:
    """Crops images or maps (N, C, S, S) to their middle of side `size`, or pads them with zeros to it."""
    spare = x.shape[-1] - size
    if spare == 0:
        return x
    before = int(spare / 2)  # towards 0, so that cutting takes away what padding has added
    return pad(x, (-before, before - spare, -before, before - spare))


def doubling_sides(size: int, kind: str, least: int = 8) -> list[int]:
    """Returns the sides from 4 pixels to that of the images, each twice the one before.

    Args:
        size: side of the images in pixels.
        kind: what the network is, for the message.
        least: smallest side that it takes.

    Raises:
        GanzooError: if doubling does not lead there, or they are too small.
    """
    if size < least or size & (size - 1):
        raise GanzooError(f"size: {size} given, but {kind} is for powers of 2 from {least} pixels on.")
    return [2**i for i in range(2, size.bit_length())]


def channels_at(side: int, base: int, largest: int) -> int:
    """Returns the number of channels of maps of a side: `base` divided by it, at most `largest`.

    Raises:
        GanzooError: if that leaves none.
    """
    if base < side or largest < 1:
        raise GanzooError(f"base: {base} given, at most {largest}, which leaves no channels to maps of {side} pixels.")
    return min(base // side, largest)
