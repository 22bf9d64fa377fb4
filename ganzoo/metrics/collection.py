"""Collection of what scores look at: of the reference once, and of what a model makes of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ganzoo.common.conditions import Values, join_values, map_values
from ganzoo.metrics.score import Items, Keep, Score

Gather = Callable[[Tensor], list[Tensor]]  # the parts of all processes
NOTHING = torch.empty(0)


@dataclass(frozen=True)
class Side:
    """All items of one side, as the scores see them.

    Attributes:
        kept: What each `keep` made of them.
        features: An extractor's features (N, D), and its logits (N, K), in float32; None without one.
        conditions: What each was drawn with (N, ...), or a tuple of several conditions; None of nothing.
        values: Of scores that judge items one by one, by their names.
    """

    kept: Mapping[Keep, Tensor] = field(default_factory=dict)
    features: tuple[Tensor, Tensor] | None = None
    conditions: Values = None
    values: Mapping[str, Tensor] = field(default_factory=dict)

    def seen_by(self, score: Score, device: torch.device, prepared: Any = None) -> Items:
        """Returns what a score is shown of it."""
        features, logits = self.features or (NOTHING, NOTHING)
        return Items(
            kept=self.kept.get(score.keep, NOTHING),
            features=wide(features, device),
            logits=wide(logits, device),
            conditions=self.conditions,
            values=self.values.get(score.name, NOTHING),
            prepared=prepared,
        )


@dataclass(frozen=True)
class Collected:
    """The reference as scores see it, and what a model made of it, if that is what it does.

    Attributes:
        reference: Real items.
        made: Translations, reconstructions, or what a classifier answered; None of models that draw samples.
        prepared: What scores have computed from the reference alone, by their names.
        observers: Other packages' metrics by their names, after they were shown all batches so far.
        whole: Whether this is the whole split.
    """

    reference: Side = field(default_factory=Side)
    made: Side | None = None
    prepared: Mapping[str, Any] = field(default_factory=dict)
    observers: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = False


class Parts:
    """What this process keeps of the batches of one side.

    Args:
        keeps: See `Score.keep`.
        datamodule: For those.
        extract: From a batch to an extractor's features and logits; None without one.
    """

    def __init__(
        self,
        keeps: Sequence[Keep] = (),
        datamodule: Any = None,
        extract: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None,
    ) -> None:
        self.datamodule, self.extract = datamodule, extract
        self.count = 0
        self._kept: dict[Keep, list[Tensor]] = {keep: [] for keep in keeps}
        self._extracted: list[tuple[Tensor, Tensor]] = []
        self._conditions: list[Values] = []
        self._values: dict[str, list[Tensor]] = {}

    def add(self, x: Tensor, conditions: Values = None) -> Tensor | None:
        """Adds a batch, and returns an extractor's logits of it, if there is one."""
        if self.extract is not None:
            self._extracted.append(self.extract(x))
        for keep, parts in self._kept.items():
            parts.append(keep(x, self.count, self.datamodule))
        if conditions is not None:
            self._conditions.append(map_values(lambda tensor: tensor.to(x.device), conditions))
        self.count += len(x)
        return self._extracted[-1][1] if self._extracted else None

    def judge(self, name: str, values: Tensor) -> None:
        """Adds the values (N,) of a batch by a score that judges items one by one."""
        self._values.setdefault(name, []).append(values)

    def whole(self, gather: Gather) -> Side:
        """Returns all items of all processes, each of which has to have added at least a batch."""

        def joined(parts: Sequence[Tensor]) -> Tensor:
            return torch.cat(gather(torch.cat([*parts])))

        conditions = join_values(self._conditions) if self._conditions else None
        features = tuple(map(joined, zip(*self._extracted, strict=True))) if self._extracted else None
        return Side(
            kept={keep: joined(parts) for keep, parts in self._kept.items() if parts},
            features=features,  # type: ignore[arg-type]  # of pairs
            conditions=map_values(lambda tensor: joined([tensor]), conditions),
            values={name: joined(parts) for name, parts in self._values.items()},
        )


def wide(x: Tensor, device: torch.device) -> Tensor:
    """Returns a tensor in float64, as distances are differences of large sums; on the CPU for Apple's GPUs."""
    return x.cpu().double() if device.type == "mps" else x.to(device).double()
