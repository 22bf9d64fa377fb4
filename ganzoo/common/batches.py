"""Batches: their parts for gradient accumulation, and the targets and labels in their y."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from ganzoo.common.errors import GanzooError


def chunks(batch: Any, count: int) -> Iterator[Any]:
    """Splits a tensor, None, or a tuple of them into `count` parts along the first axis."""
    if batch is None:
        return iter([None] * count)
    if isinstance(batch, tuple | list):
        return zip(*(chunks(part, count) for part in batch), strict=True)
    if len(batch) < count:
        raise GanzooError(f"model.accumulate: cannot split a batch of {len(batch)} into {count}.")
    return iter(batch.tensor_split(count))


def batch_target(y: Any) -> Any:
    """Returns the target images of a batch's y: those themselves, or the first of (targets, labels)."""
    return y[0] if isinstance(y, tuple | list) else y


def batch_labels(y: Any) -> Tensor | None:
    """Returns the labels (N,) of a batch's y, or None where there are none."""
    return y[1] if isinstance(y, tuple | list) else None
