"""Batches in parts."""

from collections.abc import Iterator
from typing import Any

from ganzoo.errors import GanzooError


def chunks(batch: Any, count: int) -> Iterator[Any]:
    """Splits a tensor, None, or a tuple of them into `count` parts along the first axis."""
    if batch is None:
        return iter([None] * count)
    if isinstance(batch, tuple | list):
        return zip(*(chunks(part, count) for part in batch), strict=True)
    if len(batch) < count:
        raise GanzooError(f"model.accumulate: cannot split a batch of {len(batch)} into {count}.")
    return iter(batch.tensor_split(count))
