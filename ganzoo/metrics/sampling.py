"""Samples from a model, batch by batch and over processes, without a trace in the global random state."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ganzoo.common.seeding import mix


def draw_samples(
    model: Any, samples: int, batch_size: int, seed: int, rank: int = 0, world_size: int = 1
) -> Iterator[Tensor]:
    """Yields this process's share of a model's samples, batch by batch.

    Batch k has its own seed and belongs to process k modulo `world_size`, so that all processes together draw the same
    samples as one.
    """
    # Every process draws a batch, or the others would wait for it for ever.
    batch_size = max(1, min(batch_size, samples // world_size))
    for k in range(rank, -(-samples // batch_size), world_size):
        with torch.inference_mode():
            x = model.sample(min(batch_size, samples - k * batch_size), seed=mix(seed, k))
        yield x


@contextmanager
def random_state(device: torch.device, seed: int) -> Iterator[None]:
    """Context manager: seeded global generators, restored on exit."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
