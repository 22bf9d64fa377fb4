"""Exponential moving average of a network's weights, by a decay per update or by a half-life in images."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ganzoo.common.errors import GanzooError
from ganzoo.games.schedules import Schedule, value


@dataclass(frozen=True)
class Averaging:
    """How an averaged network follows the live one: by a decay per update, or by a half-life in images.

    Args:
        decay: share of the old average that an update keeps, in [0, 1). Update n keeps (1 + n) / (10 + n) as long as
            that is less, unless `start` says when to begin.
        half_life: real images after which half of an average is left, in the place of `decay`; a schedule changes over
            the run's progress. An update of b images keeps 0.5^(b / half-life) (Karras et al. 2020, arXiv 1912.04958,
            whose code has it at 10,000 for most data and at 500,000 for CIFAR-10).
        ramp_up: the half-life is no longer than this share of the images seen before the update; null for no ramp.
        start: updates before this one copy the live weights; from it on a decay is what it is, as in BigGAN.
        buffers: average buffers of floating point, such as BatchNorm's statistics, as BigGAN does, not copy them.

    Raises:
        GanzooError: if there is neither a decay nor a half-life, or both, or one that is out of range.
    """

    decay: float | None = None
    half_life: float | Schedule | None = None
    ramp_up: float | None = 0.05
    start: int = 0
    buffers: bool = False

    def __post_init__(self) -> None:
        if (self.decay is None) == (self.half_life is None):
            raise GanzooError("model.ema: either a decay or a half_life in images is wanted.")
        if self.decay is not None and not 0 <= self.decay < 1:
            raise GanzooError(f"model.ema: must be in [0, 1), or null for no average, not {self.decay}.")
        least = {"half_life": self.half_life, "ramp_up": self.ramp_up, "start": self.start}
        for name, number in least.items():
            if number is not None and not isinstance(number, Schedule) and number < 0:
                raise GanzooError(f"model.ema.{name}: must be at least 0, not {number}.")

    def kept(self, updates: int, images: int, batch: int, progress: float) -> float:
        """Returns the share of the old average that is kept, in [0, 1].

        Args:
            updates: of the live network, the present one among them.
            images: real ones seen before this update, over all processes.
            batch: real images since then.
            progress: share of the run that is done, in [0, 1].
        """
        if updates < self.start:
            return 0.0
        if self.half_life is None:
            assert self.decay is not None
            return self.decay if self.start else min(self.decay, (1 + updates) / (10 + updates))
        half_life = value(self.half_life, progress)
        if self.ramp_up is not None:
            half_life = min(half_life, images * self.ramp_up)
        return 0.5 ** (batch / max(half_life, 1e-8))


class Average(nn.Module):
    """An exponential moving average of a module's parameters, always frozen and in evaluation mode.

    Args:
        module: what to follow; it is copied.
        by: how to follow it; a number is a decay. With (1 + n) / (10 + n) at update n the random initialisation is
            forgotten: a decay of 0.999 holds from update 8,990 on, and a run of 4,000 updates ends at 0.9978.

    Raises:
        GanzooError: if the decay is outside [0, 1).
    """

    def __init__(self, module: nn.Module, by: float | Averaging) -> None:
        super().__init__()
        self.by = by if isinstance(by, Averaging) else Averaging(by)
        self.module = deepcopy(module).eval().requires_grad_(False)
        self.pairs: tuple = (None, [], [], [])  # walking through the modules would cost more than averaging them

    def train(self, mode: bool = True) -> "Average":
        """Stays in evaluation mode whatever its parent does."""
        return self

    def _apply(self, fn: Any, recurse: bool = True) -> "Average":
        self.pairs = (None, [], [], [])  # moving to another device or precision puts new buffers in the old ones' place
        return super()._apply(fn, recurse)

    @torch.no_grad()
    def update(self, live: nn.Module, updates: int, images: int = 0, batch: int = 0, progress: float = 0.0) -> None:
        """Moves the average towards `live`, after the `updates`-th update of that; for the rest see `Averaging`."""
        if self.pairs[0] is not live:
            self.pairs = self._pairs(live)
        _, ours, theirs, copies = self.pairs
        kept = self.by.kept(updates, images, batch, progress)
        get_ema_multi_avg_fn(kept)(ours, theirs, updates)
        for our, their in copies:
            our.copy_(their)

    def _pairs(self, live: nn.Module) -> tuple[nn.Module, list[Any], list[Any], list[Any]]:
        """Returns `live`, what is averaged here and there, and pairs of the buffers that are copied."""
        ours: list[Tensor] = [*self.module.parameters()]
        theirs: list[Tensor] = [*live.parameters()]
        copied = []
        for pair in zip(self.module.buffers(), live.buffers(), strict=True):
            if self.by.buffers and pair[0].is_floating_point():
                ours.append(pair[0])
                theirs.append(pair[1])
            else:
                copied.append(pair)
        return live, ours, theirs, copied
