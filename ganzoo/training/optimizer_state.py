"""State of optimizers and learning-rate schedulers, carried over to changed settings of a continued run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

Steppers = Sequence[tuple[Optimizer, LRScheduler | None]]
PROGRESS = {"last_epoch", "_step_count", "_last_lr"}  # of a scheduler


def steppers(recipe: str) -> Steppers:
    """Returns the players' optimizers and learning-rate schedulers as they are at the beginning of a recipe's run."""
    from ganzoo.checkpoints.build import build_model  # it imports the game, which imports this

    with torch.random.fork_rng(devices=[]):
        model = build_model(recipe, Path("recipe.yaml"))
    return [(entry["optimizer"], entry.get("lr_scheduler")) for entry in model.configure_optimizers()]


def match(before: Steppers, after: Steppers, states: Sequence[Mapping[str, Any]]) -> bool:
    """Returns whether optimizers can go on with the state of others.

    Args:
        before: the others, as they were at the beginning.
        after: those that go on.
        states: of the others in a checkpoint.
    """
    kinds, counts = (
        [[what(optimizer) for optimizer, _ in each] for each in (before, after)] for what in (type, _parameters)
    )
    if kinds[0] != kinds[1] or counts[0] != counts[1]:
        return False
    if not any(state["state"] for state in states):  # no step was taken
        return True
    return all(_keeps(new) <= _keeps(old) for (old, _), (new, _) in zip(before, after, strict=True))


def _parameters(optimizer: Optimizer) -> list[list[torch.Size]]:
    return [[parameter.shape for parameter in group["params"]] for group in optimizer.param_groups]


def _keeps(optimizer: Optimizer) -> set[str]:
    """Returns the names of what an optimizer keeps of each parameter: found by a step without a gradient."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    return {name for parameter in parameters for name in optimizer.state[parameter]}


def carry(checkpoint: dict[str, Any], before: Steppers, after: Steppers) -> None:
    """Sets in a checkpoint in what two sets of optimizers and schedulers differ at the beginning of a run.

    A learning rate that a scheduler has changed keeps the factor that it has come to.

    Args:
        checkpoint: a training checkpoint's content, changed in place.
        before: those that it was trained with.
        after: those that go on.
    """
    saved = iter(checkpoint["lr_schedulers"])
    schedules = []
    for (old, old_schedule), (new, new_schedule), state in zip(
        before, after, checkpoint["optimizer_states"], strict=True
    ):
        for group, was, now in zip(state["param_groups"], old.param_groups, new.param_groups, strict=True):
            _set_options(group, was, now, old_schedule is not None, new_schedule is not None)
        kept = next(saved) if old_schedule is not None else {}
        if new_schedule is not None:
            was, now = old_schedule.state_dict() if old_schedule else {}, new_schedule.state_dict()
            schedules.append({name: kept[name] if _kept(name, kept, was, now) else now[name] for name in now})
    checkpoint["lr_schedulers"] = schedules


def _kept(name: str, kept: Mapping[str, Any], was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    return name in kept and (name in PROGRESS or (name in was and was[name] == now[name]))


def _set_options(
    group: dict[str, Any], was: Mapping[str, Any], now: Mapping[str, Any], followed: bool, follows: bool
) -> None:
    """Sets what differs between two new optimizers in a parameter group of a checkpoint's.

    Args:
        group: the checkpoint's.
        was: of a new optimizer of the recipe that it was trained with.
        now: of one of the recipe that it goes on with.
        followed: whether its learning rate has followed a scheduler.
        follows: whether it is to follow one.
    """
    base = [new.get("initial_lr", new["lr"]) for new in (was, now)]
    for name, value in now.items():
        if name not in {"params", "lr", "initial_lr"} and (name not in was or was[name] != value):
            group[name] = value
    if followed and follows:
        if base[0] != base[1]:
            group["lr"] = group["lr"] * (base[1] / base[0]) if base[0] else now["lr"]
            group["initial_lr"] = base[1]
    elif followed != follows or base[0] != base[1]:
        group["lr"] = now["lr"]
        group.pop("initial_lr", None)
        if follows:
            group["initial_lr"] = base[1]
