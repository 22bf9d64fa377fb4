"""Nearest training images: whether a model copies what it has seen."""

from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ganzoo.pictures import grid


def nearest_neighbours(samples: Tensor, datamodule: Any) -> tuple[Tensor, Tensor]:
    """Finds each sample's nearest training image, mirrored ones included, by Euclidean distance of pixels.

    Args:
        samples: images (N, C, H, W) in [-1, 1].
        datamodule: serves the training images through `loader("train")`.

    Returns:
        The neighbours (N, C, H, W), and the distances (N,) as root mean squares over pixels, on the scale of [-1, 1].
    """
    best = torch.full((len(samples),), torch.inf)
    neighbours = torch.empty_like(samples)
    flat = samples.flatten(1)
    for x, *_ in datamodule.loader("train"):
        for candidates in (x, x.flip(3)):
            distance, index = torch.cdist(flat, candidates.flatten(1)).min(1)
            closer = distance < best
            best[closer] = distance[closer]
            neighbours[closer] = candidates[index[closer]]
    return neighbours, best / flat.shape[1] ** 0.5


def neighbours_picture(samples: Tensor, neighbours: Tensor, columns: int = 8) -> Image.Image:
    """Lays out rows of samples, each with the row of their nearest training images below it."""
    pairs = zip(samples.split(columns), neighbours.split(columns), strict=True)
    return grid(torch.cat([row for pair in pairs for row in pair]), columns)
