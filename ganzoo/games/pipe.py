"""Random changes of images, each with a probability of its own: the pipe of augmentations of ADA.

Source: Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", arXiv 2006.06676, appendix B;
with `filtered`, `hue` and `luma_flip` it computes what the authors' code does, `bgc` and cutout
(https://github.com/NVlabs/stylegan2-ada-pytorch).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.games.warping import filtered_warp, rotation_matrix, scaling_matrix, translation_matrix, warp


class Draws:
    """Random numbers for the parts of a pipe: one for each image with the part's probability, else 0.

    Args:
        x: images (N, C, H, W), whose number and device it is.
        p: probability of a part in [0, 1], a number or a scalar.
    """

    def __init__(self, x: Tensor, p: float | Tensor) -> None:
        self.n, self.device = x.shape[0], x.device
        self.p = p if isinstance(p, Tensor) else torch.full((), p, device=x.device)

    def choice(self, part: str, options: int, strength: float = 1.0) -> Tensor:
        """Returns one of 0 to `options` - 1 (N,) for the part of this name, whose probability is `strength` p."""
        drawn = torch.randint(0, options, (self.n,), device=self.device).float()
        return self.maybe(drawn, self.p * strength)

    def uniform(self, part: str, reach: float, strength: float = 1.0, axes: int = 0, halved: bool = False) -> Tensor:
        """Returns numbers (N,) or (N, axes) within +-`reach`.

        Args:
            part: see `choice`.
            reach: the largest number.
            strength: see `choice`.
            axes: numbers for each image; 0 for one without an axis of its own.
            halved: whether the part is there twice, so that at least one of the two comes with its probability.
        """
        drawn = reach * (2 * torch.rand(self.n, *[axes] * bool(axes), device=self.device) - 1)
        p = self.p * strength
        return self.maybe(drawn, 1 - (1 - p).sqrt() if halved else p)

    def normal(
        self, part: str, spread: float, strength: float = 1.0, axes: int = 0, dtype: torch.dtype = torch.float32
    ) -> Tensor:
        """Returns normal numbers (N,) or (N, axes) of a standard deviation; for the arguments see `uniform`."""
        drawn = spread * torch.randn(self.n, *[axes] * bool(axes), device=self.device, dtype=dtype)
        return self.maybe(drawn, self.p * strength)

    def place(self, part: str, strength: float, otherwise: float) -> Tensor:
        """Returns places (N, 2) in [0, 1), or `otherwise`."""
        return self.maybe(torch.rand(self.n, 2, device=self.device), self.p * strength, otherwise)

    def maybe(self, drawn: Tensor, p: Tensor, otherwise: float = 0.0) -> Tensor:
        """Returns `drawn` (N, ...) for each image with probability p, else `otherwise`."""
        chosen = torch.rand(self.n, device=self.device) < p
        return torch.where(chosen.view(-1, *[1] * (drawn.dim() - 1)), drawn, otherwise)


@dataclass(frozen=True)
class Pipe:
    """Which parts there are, and factors on their probabilities.

    Attributes:
        flips: mirror, and turn by quarters.
        turn: largest angle of the free rotations in degrees.
        filtered: warp between a wavelet's filters, at twice the side.
        hue: turn the colours of images in colour.
        luma_flip: invert brightness.
        blit: factor for flips and for shifts by whole pixels.
        geometry: factor for sizes, free rotations, stretching and other shifts.
        colours: factor for brightness, contrast, inversion, hue and saturation.
        cutout: factor for a blank square of half the side.
    """

    flips: bool = True
    turn: float = 180.0
    filtered: bool = True
    hue: bool = True
    luma_flip: bool = True
    blit: float = 1.0
    geometry: float = 1.0
    colours: float = 1.0
    cutout: float = 0.0

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """Changes images (N, C, H, W), differentiably."""
        if self.blit or self.geometry:
            x = (filtered_warp if self.filtered else warp)(x, self.map(x, draws))
        if self.colours:
            x = self.coloured(x, draws)
        return cut_out(x, draws.place("cutout", self.cutout, -1.0)) if self.cutout else x

    def map(self, x: Tensor, draws: Draws) -> Tensor:
        """Draws for each image an affine map (N, 3, 3) from output to input coordinates, in pixels."""
        n, _, height, width = x.shape
        matrix = torch.eye(3, device=x.device).expand(n, 3, 3)
        if self.blit and self.flips:
            mirrored = draws.choice("xflip", 2, self.blit)
            matrix = matrix @ scaling_matrix(1 - 2 * mirrored, torch.ones_like(mirrored))
            matrix = matrix @ rotation_matrix(math.pi / 2 * draws.choice("rotate90", 4, self.blit))
        if self.blit:
            by = draws.uniform("xint", 0.125, self.blit, axes=2)
            matrix = matrix @ translation_matrix((by[:, 0] * width).round(), (by[:, 1] * height).round())
        if not self.geometry:
            return matrix
        size = draws.normal("scale", 0.2, self.geometry).exp2()
        matrix = matrix @ scaling_matrix(size, size)
        turn = math.radians(self.turn)
        matrix = matrix @ rotation_matrix(draws.uniform("rotate", turn, self.geometry, halved=True))
        stretch = draws.normal("aniso", 0.2, self.geometry).exp2()
        matrix = matrix @ scaling_matrix(stretch, 1 / stretch)
        matrix = matrix @ rotation_matrix(draws.uniform("rotate after", turn, self.geometry, halved=True))
        by = draws.normal("xfrac", 0.125, self.geometry, axes=2)
        return matrix @ translation_matrix(by[:, 0] * width, by[:, 1] * height)

    def coloured(self, x: Tensor, draws: Draws) -> Tensor:
        """Changes the colours of each image; hue and saturation leave grey images as they are."""

        def normal(part: str, spread: float) -> Tensor:
            return draws.normal(part, spread, self.colours, dtype=x.dtype)[:, None, None, None]

        x = (x + normal("brightness", 0.2)) * normal("contrast", 0.5).exp2()
        if self.luma_flip:
            flipped = draws.choice("lumaflip", 2, self.colours).to(x.dtype)[:, None, None, None]
            x = x - 2 * flipped * x.mean(1, keepdim=True)
        if x.shape[1] == 1:
            return x
        if self.hue and x.shape[1] == 3:
            x = with_hue(x, draws.uniform("hue", math.pi, self.colours).to(x.dtype)[:, None, None, None])
        return torch.lerp(x.mean(1, keepdim=True), x, normal("saturation", 1.0).exp2())


def augmented(x: Tensor, pipe: Pipe, p: float | Tensor) -> Tensor:
    """Returns images (N, C, H, W) after a pipe whose parts have the probability p.

    Raises:
        GanzooError: if these are no images.
    """
    if x.dim() != 4:
        raise GanzooError(f"model.stabilisers: ADA is for images, but the data has shape {tuple(x.shape[1:])}.")
    with torch.autocast(x.device.type, enabled=False):  # places in an image want more than bfloat16's three digits
        return pipe(x, Draws(x, p))


def with_hue(x: Tensor, angle: Tensor) -> Tensor:
    """Turns the colours of images (N, 3, H, W) about the grey axis by angles (N, 1, 1, 1) in radians."""
    grey = x.mean(1, keepdim=True)
    across = (x.roll(1, 1) - x.roll(-1, 1)) / 3**0.5  # the product of the axis with the colour
    return x * angle.cos() + grey * (1 - angle.cos()) + across * angle.sin()


def cut_out(x: Tensor, centre: Tensor, size: float = 0.5) -> Tensor:
    """Blanks a rectangle of images (N, C, H, W): `size` of both sides about a centre (N, 2), in shares of the sides."""
    height, width = x.shape[2:]
    columns = ((torch.arange(width, device=x.device) + 0.5) / width - centre[:, :1]).abs() < size / 2
    rows = ((torch.arange(height, device=x.device) + 0.5) / height - centre[:, 1:]).abs() < size / 2
    return x * ~(rows[:, :, None] & columns[:, None, :])[:, None]
