"""Conditions kept with a model, so that it can be sampled from without any: the first of those it was trained with."""

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.common.conditions import Condition, Values, count_values, join_values, map_values, take_values

KEPT = 64


class ConditionExamples(nn.Module):
    """Examples of a condition without a natural order, such as vectors or texts, as buffers of a model.

    Args:
        condition: what the values are.
        count: how many are kept.

    Attributes:
        filled: how many there are.
    """

    filled: Tensor

    def __init__(self, condition: Condition, count: int = KEPT) -> None:
        super().__init__()
        self.count = count
        self.structure = condition.example(count)
        self.names: list[str] = []
        self._register(self.structure)
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))

    def _register(self, values: Any) -> None:
        def add(tensor: Tensor) -> None:
            self.names.append(f"values{len(self.names)}")
            self.register_buffer(self.names[-1], tensor.clone())

        map_values(add, values)

    def fill(self, values: Values) -> None:
        """Keeps the first of these values, of the condition's structure."""
        n = min(count_values(values), self.count)
        names = iter(self.names)
        map_values(lambda tensor: self.get_buffer(next(names))[:n].copy_(tensor[:n]), values)
        self.filled.fill_(n)

    def in_turn(self, n: int) -> Values:
        """Returns n values, those that are kept in turn; the placeholders of a model that has seen no data."""
        index = torch.arange(n, device=self.filled.device) % max(int(self.filled), 1)
        names = iter(self.names)
        return map_values(lambda _: self.get_buffer(next(names))[index], self.structure)


def reference_conditions(datamodule: Any, n: int, skip: int = 0) -> Values:
    """Returns the conditions of n items of the data's reference split, in its stored order and from its start again.

    They are the same in all processes, each of which a loader serves a share of the items alone.

    Args:
        datamodule: serves batches (x, conditions).
        n: how many.
        skip: how many to pass over first.
    """
    parts: list[Values] = []
    with torch.random.fork_rng(devices=[]):  # a loader's workers take their seed from the global state
        loader = datamodule.loader(datamodule.reference)
        for _, y in loader.undivided() if hasattr(loader, "undivided") else loader:
            parts.append(y)
            if sum(map(count_values, parts)) >= skip + n:
                break
    index = (skip + torch.arange(n)) % sum(map(count_values, parts))
    return take_values(join_values(parts), index)
