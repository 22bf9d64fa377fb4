"""Exponential moving average of a network's weights."""

from copy import deepcopy
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ganzoo.common.errors import GanzooError


class Average(nn.Module):
    """An exponential moving average of a module's parameters, always frozen and in evaluation mode; buffers are copied.

    Args:
        module: what to follow; it is copied.
        decay: share of the old average that an update keeps. Update n keeps (1 + n) / (10 + n) as long as that is less,
            so that the random initialisation is forgotten: 0.999 holds from update 8,990 on, and a run of 4,000 updates
            ends at 0.9978.

    Raises:
        GanzooError: if `decay` is outside [0, 1).
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise GanzooError(f"model.ema: must be in [0, 1), or null for no average, not {decay}.")
        self.module = deepcopy(module).eval().requires_grad_(False)
        self.decay = decay
        self.pairs: tuple = (None, [], [], [])  # walking through the modules would cost more than averaging them

    def train(self, mode: bool = True) -> "Average":
        """Stays in evaluation mode whatever its parent does."""
        return self

    def _apply(self, fn: Any, recurse: bool = True) -> "Average":
        self.pairs = (None, [], [], [])  # moving to another device or precision puts new buffers in the old ones' place
        return super()._apply(fn, recurse)

    @torch.no_grad()
    def update(self, live: nn.Module, updates: int) -> None:
        """Moves the average towards `live`, after the `updates`-th update of that."""
        if self.pairs[0] is not live:
            ours, theirs = (list(module.parameters()) for module in (self.module, live))
            self.pairs = live, ours, theirs, list(zip(self.module.buffers(), live.buffers(), strict=True))
        _, ours, theirs, buffers = self.pairs
        decay = min(self.decay, (1 + updates) / (10 + updates))
        get_ema_multi_avg_fn(decay)(ours, theirs, updates)
        for our, their in buffers:
            our.copy_(their)
