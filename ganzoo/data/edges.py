"""Edge drawings of pictures: pairs for image to image, made from any folder."""

from math import ceil
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from ganzoo.common.errors import GanzooError
from ganzoo.common.images import luma
from ganzoo.data.image_folder import ImageFolder

RATIO = 1.6  # of the two Gaussians: near the Laplacian of one, and what Winnemöller et al. take


class Edges(ImageFolder):
    """Every picture of a folder or a zip as the target, and its edges, black lines on white, as the source.

    Args:
        root: the folder or zip. A relative path that does not exist is also looked for under `$GANZOO_DATA`.
        size: height and width of the images in pixels.
        held_out: share of the pictures that make the test split.
        sigma: width of the lines in pixels, see `draw_edges`.
        threshold: how far an edge must stand out to be drawn, see `draw_edges`.
        **kwargs: see `ImageFolder`.

    Raises:
        GanzooError: if `sigma` or `threshold` is not above 0.
    """

    def __init__(
        self,
        root: str | None = None,
        size: int = 64,
        held_out: float = 0.1,
        sigma: float = 0.7,
        threshold: float = 0.02,
        **kwargs: Any,
    ) -> None:
        super().__init__(root, size, held_out=held_out, **kwargs)
        for name, value in (("sigma", sigma), ("threshold", threshold)):
            if value <= 0:
                raise GanzooError(f"data.{name}: {value} given, but it must be above 0.")
        self.sigma, self.threshold = sigma, threshold
        self.source_shape = (1, size, size)

    def make(self, x: Tensor, y: Tensor | None, generator: torch.Generator, train: bool) -> tuple[Tensor, Any]:
        """Returns (edges, pictures) of pictures; (edges, (pictures, labels)) if there are classes."""
        return draw_edges(x, self.sigma, self.threshold), x if y is None else (x, y)


def draw_edges(x: Tensor, sigma: float = 0.7, threshold: float = 0.02, sharpness: float = 100.0) -> Tensor:
    """Draws the edges of pictures like a pen, where they are darker than their surroundings.

    The difference of two Gaussians under a soft threshold: Winnemöller, Kyprianidis, Olsen 2012, "XDoG: an eXtended
    difference-of-Gaussians compendium", with equal weights of the two and a negative epsilon.

    Args:
        x: pictures (N, 1 or 3, H, W) in [-1, 1].
        sigma: standard deviation of the narrower Gaussian in pixels; lines are about three times as wide.
        threshold: what the difference must exceed for any ink, in the units of x.
        sharpness: how fast the ink gets black from there; phi in the paper.

    Returns:
        Black (-1) on white (1): (N, 1, H, W). Paper without an edge is exactly white.
    """
    grey = luma(x)
    darker = _blur(grey, RATIO * sigma) - _blur(grey, sigma)
    return 1 - 2 * torch.tanh(sharpness * (darker - threshold).clamp_min(0))


def _blur(x: Tensor, sigma: float) -> Tensor:
    """Convolves maps (N, 1, H, W) with a Gaussian; the border goes on beyond the image."""
    radius = ceil(3 * sigma)
    line = torch.exp(-(torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype) ** 2) / (2 * sigma**2))
    line /= line.sum()
    x = conv2d(pad(x, (radius,) * 4, mode="replicate"), line.view(1, 1, 1, -1))
    return conv2d(x, line.view(1, 1, -1, 1))
