"""Procedural textures in colour: noise, gratings, checks and spots, a stand-in for crops of photographs."""

import torch
from torch import Tensor
from torch.nn import functional as F

SCALES = (4, 8, 16, 32)  # cells of smooth noise across a texture


def make_textures(count: int, side: int, seed: int) -> Tensor:
    """Makes textures, the four kinds in turn, each between two random colours and unevenly lit.

    Args:
        count: how many.
        side: height and width in pixels.
        seed: fixes all of them; two seeds have none in common.

    Returns:
        (count, 3, side, side) uint8.
    """
    generator = torch.Generator().manual_seed(seed)
    textures = torch.empty(count, 3, side, side, dtype=torch.uint8)
    for kind, pattern in enumerate((noise, gratings, checks, spots)):
        n = len(textures[kind::4])
        share = pattern(n, side, generator)
        one, other = torch.rand(2, n, 3, 1, 1, generator=generator)
        light = 0.6 + 0.4 * noise(n, side, generator)
        textures[kind::4] = (255 * light * torch.lerp(one, other, share)).round().to(torch.uint8)
    return textures


def noise(n: int, side: int, generator: torch.Generator) -> Tensor:
    """Returns smooth noise (n, 3, side, side) in [0, 1], scales from a quarter of a texture down, coarse ones most."""
    total = torch.zeros(n, 3, side, side)
    for cells in SCALES:
        grid = torch.randn(n, 3, cells + 1, cells + 1, generator=generator)
        total += F.interpolate(grid, (side, side), mode="bicubic", align_corners=True) * cells**-0.5
    low, high = total.amin((2, 3), keepdim=True), total.amax((2, 3), keepdim=True)
    return (total - low) / (high - low)


def gratings(n: int, side: int, generator: torch.Generator) -> Tensor:
    """Returns sine waves (n, 1, side, side) in [0, 1] of random direction and a period of 4 to 24 pixels."""
    return 0.5 + 0.5 * torch.sin(_waves(n, side, generator)[0])


def checks(n: int, side: int, generator: torch.Generator) -> Tensor:
    """Returns turned chessboards (n, 1, side, side) of zeros and ones, with fields of 2 to 12 pixels."""
    along, across = _waves(n, side, generator)
    return (along.sin() * across.sin() > 0).float()


def spots(n: int, side: int, generator: torch.Generator) -> Tensor:
    """Returns spots (n, 1, side, side) with soft edges, in [0, 1]: where smooth noise is above its middle."""
    return torch.sigmoid(40 * (noise(n, side, generator)[:, :1] - 0.5))


def _waves(n: int, side: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Returns the phases (n, 1, side, side) of two plane waves at right angles, of one period."""
    angle, phase, octave = torch.rand(3, n, 1, 1, generator=generator)
    angle, phase, period = torch.pi * angle, 2 * torch.pi * phase, 4 * 6**octave
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    along, across = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    return (phase + 2 * torch.pi / period * along)[:, None], (phase + 2 * torch.pi / period * across)[:, None]
