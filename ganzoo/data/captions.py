"""Captions beside images: several for each, of which training batches draw, and groups that tell wrong from right."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ganzoo.common.captions import numbered
from ganzoo.common.conditions import Sequences

Captions = tuple[Tensor, Tensor, Tensor]  # captions (N, K, ...), how many of these each image has (N,), groups (N,)


def stored_captions(texts: Sequence[Sequence[str]], condition: Sequences, groups: Tensor | None = None) -> Captions:
    """Returns the captions of N images as data keep them.

    Args:
        texts: captions of each image, at least one.
        condition: length and vocabulary.
        groups: numbers (N,) of groups of images, within which captions may be exchanged; None: each by itself.
    """
    rows = [numbered(own, condition) for own in texts]
    return padded_captions(rows, groups)


def padded_captions(rows: Sequence[Tensor], groups: Tensor | None = None) -> Captions:
    """Returns captions as data keep them, by images with several each: numbers of words, or vectors.

    Args:
        rows: (K, ...) of each image, any K of 1 and more.
        groups: see `stored_captions`.
    """
    counts = torch.tensor([len(row) for row in rows])
    values = torch.nn.utils.rnn.pad_sequence([*rows], batch_first=True)
    return values, counts, torch.arange(len(rows)) if groups is None else groups


def serve_captions(y: Any, generator: torch.Generator, train: bool, average: int = 1) -> Any:
    """Returns a batch's captions as they are handed out.

    Args:
        y: as data keep them, for a batch.
        generator: see `DataModule.make`.
        train: whether captions are drawn for training.
        average: how many are drawn of each image, to be averaged once they are encoded.

    Returns:
        In training captions (N, ...), or (N, average, ...) where that is more than one, and groups (N,). Otherwise the
        first caption of each image, (N, ...).
    """
    values, counts, groups = y
    if not train:
        return values[:, 0]
    drawn = torch.rand(len(counts), average, generator=generator).to(values.device)
    places = (drawn * counts[:, None]).long()
    chosen = values[torch.arange(len(counts), device=values.device)[:, None], places]
    return (chosen[:, 0] if average == 1 else chosen), groups
