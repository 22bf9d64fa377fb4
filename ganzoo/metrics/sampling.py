"""Samples from a model, batch by batch and over processes, without a trace in the global random state."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzoo.common.conditions import Values, condition_of, take_values
from ganzoo.common.seeding import mix
from ganzoo.games.examples import reference_conditions


@dataclass(frozen=True)
class Drawn:
    """A batch of samples, and what they were drawn with.

    Args:
        x: Samples (N, ...).
        conditions: Of each sample, such as classes (N,); None of an unconditional model.
    """

    x: Tensor
    conditions: Values = None


def conditions_for(model: Any, datamodule: Any, n: int) -> Values:
    """Returns conditions to draw n samples with: the reference's, or None, if classes are to take turns.

    Args:
        model: Draws samples.
        datamodule: Its reference split has conditions, where the model's take no turns, such as vectors and texts.
        n: Number of samples.
    """
    condition = condition_of(model)
    if condition is None or condition.in_turn(1) is not None:
        return None
    return reference_conditions(datamodule, n)


def draw(
    model: Any,
    samples: int,
    batch_size: int,
    seed: int,
    rank: int = 0,
    world_size: int = 1,
    conditions: Values = None,
) -> Iterator[Drawn]:
    """Yields this process's share of a model's samples, batch by batch.

    Batch k has its own seed and belongs to process k modulo `world_size`, so that all processes together draw the same
    samples as one. Those of a model that is still growing are of the data's side.

    Args:
        model: Has `sample(n, seed=...)`, and of conditions `sample(n, y, seed=...)`; one that takes conditions in turn
            has `conditions(n)`, those that it samples with.
        samples: Their number, over all processes.
        batch_size: Samples drawn at a time.
        seed: Of all batches.
        rank: Index of this process.
        world_size: Number of processes.
        conditions: What `conditions_for` returns.
    """
    # Every process draws a batch, or the others would wait for it for ever.
    batch_size = max(1, min(batch_size, samples // world_size))
    for k in range(rank, -(-samples // batch_size), world_size):
        n = min(batch_size, samples - k * batch_size)
        with torch.inference_mode():
            if conditions is None:
                x, y = model.sample(n, seed=mix(seed, k)), in_turn(model, n)
            else:
                y = take_values(conditions, slice(k * batch_size, k * batch_size + n))
                x = model.sample(n, y, seed=mix(seed, k))
        yield Drawn(at_full_side(model, x), y)


def in_turn(model: Any, n: int) -> Values:
    """Returns the conditions with which a model samples n times if it is given none; None without any."""
    return model.conditions(n) if hasattr(model, "conditions") else None


def at_full_side(model: Any, samples: Tensor) -> Tensor:
    """Returns a model's samples; those of one that is still growing at the side that it grows to."""
    growth = getattr(model, "growth", None)
    return samples if growth is None else growth.enlarged(samples)


@contextmanager
def random_state(device: torch.device, seed: int) -> Iterator[None]:
    """Context manager: seeded global generators, restored on exit."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
