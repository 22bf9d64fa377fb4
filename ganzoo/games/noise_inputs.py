"""Noise inputs of networks: per image, and fixed by a seed.

A network with `noise_shapes`, a shape (C, H, W) or the like for each of its layers that add noise, takes the noise as
its keyword `noise`: a tensor (N, *shape) for each, or None for a fresh draw.
"""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from ganzoo.common.seeding import mix

Shapes = Sequence[Sequence[int]]


def noise_seeds(n: int, seed: int | None = None) -> Tensor:
    """Returns the seeds (n,) of n images' noise: the i-th depends on the seed and on i alone.

    Args:
        n: how many images.
        seed: None draws them from the global random stream.
    """
    if seed is None:
        return torch.randint(2**62, (n,))
    return torch.tensor([mix(seed, i, 0) for i in range(n)], dtype=torch.long)


def draw_noise(seeds: Tensor, shapes: Shapes) -> Tensor:
    """Draws standard normal noise on the CPU, whatever the device, so that the same image has the same noise anywhere.

    Args:
        seeds: one (N,) for each image; images of one seed have the same noise.
        shapes: of the layers' noise.

    Returns:
        The noise (N, D) of all layers, flattened and one after the other; see `split_noise`.
    """
    total = sum(map(prod, shapes))
    single, which = seeds.cpu().unique(return_inverse=True)  # a walk has the same noise all along
    drawn = [torch.randn(total, generator=torch.Generator().manual_seed(int(seed))) for seed in single]
    return torch.stack(drawn)[which] if drawn else torch.empty(0, total)


def split_noise(noise: Tensor, shapes: Shapes) -> list[Tensor]:
    """Splits the noise (N, D) of all layers into a tensor (N, *shape) for each."""
    parts = noise.split([prod(shape) for shape in shapes], 1)
    return [part.unflatten(1, tuple(shape)) for part, shape in zip(parts, shapes, strict=True)]
