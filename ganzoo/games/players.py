"""Players of a game: the modules, loss and optimizer of each side."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ganzoo.games.schedules import Schedule

Terms = Mapping[str, Tensor]


@dataclass(frozen=True)
class Player:
    """A side of a game: its modules, its loss and its optimizer.

    Args:
        name: prefix of its logged terms, such as `d`.
        modules: what its optimizer updates; two players may share a module.
        loss: (x, y) -> {term: scalar}; the sum is descended.
        optim: parameters -> optimizer.
        every: moves on every k-th batch, counted since its own last move; constant or over the run's progress.
        scheduler: optimizer -> learning-rate scheduler, stepped once per counted update.
        after: called right after its step.
        shares: name of another player whose optimizer it uses instead of one of its own.
        counted: whether its updates are the game's `global_step`; exactly one player's are.
    """

    name: str
    modules: Sequence[nn.Module]
    loss: Callable[[Any, Any], Terms]
    optim: Callable[[Any], Optimizer]
    every: float | Schedule = 1
    scheduler: Callable[[Optimizer], LRScheduler] | None = None
    after: Callable[[], None] | None = None
    shares: str | None = None
    counted: bool = False


def build_optim(
    kind: type[Optimizer], lr: float, betas: tuple[float, float], **more: float
) -> Callable[[Any], Optimizer]:
    """Returns a factory of optimizers (parameters -> optimizer) with those options that `kind` accepts."""
    options: dict[str, Any] = {"lr": lr, "betas": tuple(betas), "fused": True, **more}
    accepted = inspect.signature(kind).parameters
    return partial(kind, **{name: option for name, option in options.items() if name in accepted})


def without_capture_check(optimizer: Optimizer) -> Optimizer:
    """Removes the check for graph capture that Adam makes before every step, on a machine without an accelerator.

    To answer it, a CUDA build of PyTorch looks for the driver's library anew each time: 0.1 ms, here for nothing.
    """
    if torch.accelerator.current_accelerator(check_available=True) is None:
        for name in ("_accelerator_graph_capture_health_check", "_cuda_graph_capture_health_check"):
            if hasattr(optimizer, name):
                setattr(optimizer, name, _nothing)
    return optimizer


def _nothing() -> None:
    """Returns None; a function of the module, so that optimizers can still be copied."""
