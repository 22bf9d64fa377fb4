"""Players of a game: the modules, loss and optimizer of each side."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ganzoo.games.schedules import Schedule

Terms = Mapping[str, Tensor]
Loss = Callable[[Any, Any, Any], Terms]  # of a batch (x, y) in a move


class Gate(NamedTuple):
    """Condition under which a player steps, once it is its turn.

    Attributes:
        opens: called before the loss; where it says no, the loss is computed and noted, but no step is taken.
        saw: called last, with the move and whether there was a step.
    """

    opens: Callable[[], bool]
    saw: Callable[[Any, bool], None]


@dataclass(frozen=True)
class Player:
    """A side of a game: its modules, its loss and its optimizer.

    Args:
        name: prefix of its logged terms, such as `d`.
        modules: what its optimizer updates; two players may share a module.
        loss: (x, y, move) -> {term: scalar}; the sum is descended. For the move see `ganzoo.games.move`.
        optim: parameters -> optimizer.
        every: moves on every k-th batch, counted since its own last move; constant or over the run's progress.
        scheduler: optimizer -> learning-rate scheduler, stepped once per counted update.
        after: called with the move right after its step.
        shares: name of another player whose optimizer it uses instead of one of its own.
        lazy: whether it is a lazy regulariser, for whose additional steps the shared optimizer is corrected.
        counted: whether its updates are the game's `global_step`; exactly one player's are.
        gate: condition for its steps; None takes all. It decides anew each time, so that such moves are not recorded.
    """

    name: str
    modules: Sequence[nn.Module]
    loss: Loss
    optim: Callable[[Any], Optimizer]
    every: float | Schedule = 1
    scheduler: Callable[[Optimizer], LRScheduler] | None = None
    after: Callable[[Any], None] | None = None
    shares: str | None = None
    lazy: bool = False
    counted: bool = False
    gate: Gate | None = None


def lazy_player(name: str, of: Player, loss: Loss, every: int) -> Player:
    """Returns the player of a lazy regulariser: Karras et al. 2020, arXiv 1912.04958, appendix B.

    It updates the modules of another player by that one's optimizer, on every k-th batch, after that one's move. Its
    loss has to be weighted by k.

    Args:
        name: its name.
        of: the player whose modules it regularises.
        loss: see `Player`.
        every: the interval k in batches.
    """
    return Player(name, of.modules, loss, of.optim, every, shares=of.name, lazy=True)


def correct_for_lazy(optimizer: Optimizer, every: float) -> None:
    """Corrects an optimizer for the steps of a lazy regulariser: k + 1 in the time of k.

    With c = k / (k + 1), the learning rate becomes lr * c and the moments' decay rates become beta^c.

    Args:
        optimizer: is changed; one without `betas`, in its learning rate alone.
        every: the interval k in batches.
    """
    c = every / (every + 1)
    for group in optimizer.param_groups:
        group["lr"] *= c
        if "betas" in group:
            group["betas"] = tuple(beta**c for beta in group["betas"])


def corrected(build: Callable[[Any], Optimizer], every: float, parameters: Any) -> Optimizer:
    """Returns an optimizer of parameters, corrected as for a lazy regulariser: see `correct_for_lazy`.

    Args:
        build: factory of the optimizer, from its parameters.
        every: the interval k in batches.
        parameters: what it updates.
    """
    optimizer = build(parameters)
    correct_for_lazy(optimizer, every)
    return optimizer


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
