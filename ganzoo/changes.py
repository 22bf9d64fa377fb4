"""What a continued run is to do otherwise than before: applied to the checkpoint, or refused where it does not fit."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from lightning.pytorch.callbacks import EarlyStopping
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ganzoo.data.base import DataModule
from ganzoo.data.loader import Resumable
from ganzoo.errors import GanzooError
from ganzoo.resolved import differences

Difference = tuple[str, Any, Any]  # option, before, after
Stepper = tuple[Optimizer, LRScheduler | None]

NEW_RUN = "leave it out, or start a new run without --ckpt_path"
# Options of data that tell how it is read or described. What the others choose is compared.
READING = {"batch_size", "flip", "num_workers", "download", *("title", "licence", "source")}
PROGRESS = {"last_epoch", "_step_count", "_last_lr"}  # of a scheduler
LOOKED_AT = 16  # items of the training data, by which other data is told from data that has moved


def of(checkpoint: Mapping[str, Any], recipe: str) -> list[Difference]:
    """Returns in what a recipe differs from the one that a checkpoint was trained with.

    A setting that is newer than the run does not count.

    Args:
        checkpoint: a training checkpoint's content.
        recipe: resolved, as YAML.
    """
    before = yaml.safe_load(checkpoint["game"].get("recipe", "")) or {}
    return differences(before, yaml.safe_load(recipe) or {})


def require_fit(checkpoint: Mapping[str, Any], recipe: str, model: Any, datamodule: Any) -> None:
    """Raises GanzooError for what cannot be continued from a checkpoint: other networks, other optimizers, other data.

    Args:
        checkpoint: a training checkpoint's content.
        recipe: resolved, as YAML: what the run is to go on with.
        model: made of it; it takes the checkpoint's weights.
        datamodule: made of it and set up.
    """
    changed = of(checkpoint, recipe)
    require_weights(checkpoint, model, changed)
    if any(name.startswith("model.") for name, _, _ in changed):
        require_steppers(checkpoint, steppers(checkpoint["game"]["recipe"]), steppers(recipe), changed)
    require_data(checkpoint, datamodule, changed)


def require_same(checkpoint: Mapping[str, Any], recipe: str) -> None:
    """Raises GanzooError where a run that is continued is to be of another class of model or data, or another seed.

    Args:
        checkpoint: a training checkpoint's content.
        recipe: resolved, as YAML: what the run is to go on with.
    """
    fixed = {"model.class_path", "data.class_path", "seed_everything"}
    if others := [one for one in of(checkpoint, recipe) if one[0] in fixed]:
        raise GanzooError(f"{refusal(others)}; {NEW_RUN}.")


def refusal(changed: Sequence[Difference]) -> str:
    """Says what was asked for, and what the run was trained with."""
    return "; ".join(
        f"{name}: {_written(after)} given, but the run was trained with {_written(before)}"
        for name, before, after in changed
    )


def _written(value: Any) -> str:
    """Writes a value as a recipe does."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def require_weights(checkpoint: Mapping[str, Any], model: Any, changed: Sequence[Difference] = ()) -> None:
    """Gives a model the weights of a checkpoint.

    Args:
        checkpoint: a training checkpoint's content.
        model: what takes them.
        changed: what its recipe says otherwise than the checkpoint's.

    Raises:
        GanzooError: if they do not fit; it names the options that may be to blame.
    """
    saved, own = checkpoint["state_dict"], model.state_dict()
    try:
        model.load_state_dict(dict(saved), strict=model.strict_loading)
    except RuntimeError as error:
        strange = {name for name in {*saved, *own} if name not in saved or name not in own}
        strange |= {name for name in {*saved} & {*own} if saved[name].shape != own[name].shape}
        parts = {part for name in strange for part in name.split(".")[:2]}
        options = [one for one in changed if one[0].startswith("model.")]
        blamed = [one for one in options if parts.intersection(one[0].split("."))] or options
        if not blamed:
            first = sorted(strange)[0] if strange else str(error).splitlines()[0]
            raise GanzooError(
                f"--ckpt_path: the checkpoint does not fit the recipe's model, {first} to begin with."
            ) from error
        raise GanzooError(f"{refusal(blamed)}, and its checkpoint does not fit; {NEW_RUN}.") from error


def steppers(recipe: str) -> list[Stepper]:
    """Returns the players' optimizers and learning-rate schedulers as they are at the beginning of a recipe's run."""
    from ganzoo.hub import build  # it imports the game, which imports this

    with torch.random.fork_rng(devices=[]):
        model = build(recipe, Path("recipe.yaml"))
    return [(entry["optimizer"], entry.get("lr_scheduler")) for entry in model.configure_optimizers()]


def require_steppers(
    checkpoint: Mapping[str, Any], before: Sequence[Stepper], after: Sequence[Stepper], changed: Sequence[Difference]
) -> None:
    """Raises GanzooError where optimizers cannot go on with the state of those that a checkpoint was trained with."""
    kinds = [[type(optimizer) for optimizer, _ in each] for each in (before, after)]
    counts = [
        [[len(group["params"]) for group in optimizer.param_groups] for optimizer, _ in each]
        for each in (before, after)
    ]
    fit = kinds[0] == kinds[1] and counts[0] == counts[1]
    if fit and any(state["state"] for state in checkpoint["optimizer_states"]):
        fit = all(_keeps(new) <= _keeps(old) for (old, _), (new, _) in zip(before, after, strict=True))
    if fit:
        return
    options = [one for one in changed if one[0].startswith("model.")]
    blamed = [one for one in options if any(_names_optimizer(value) for value in one[1:])] or options
    raise GanzooError(f"{refusal(blamed)}, and the state of its optimizers does not fit; {NEW_RUN}.")


def _keeps(optimizer: Optimizer) -> set[str]:
    """Returns the names of what an optimizer keeps of each parameter: found by a step without a gradient."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    return {name for parameter in parameters for name in optimizer.state[parameter]}


def _names_optimizer(value: Any) -> bool:
    return isinstance(value, str) and ".optim." in f".{value}"


def apply(checkpoint: dict[str, Any], recipe: str) -> None:
    """Sets in a checkpoint what its optimizers and schedulers would bring back, but the recipe now says otherwise.

    A learning rate that a scheduler has changed keeps the factor that it has come to.

    Args:
        checkpoint: a training checkpoint's content, changed in place.
        recipe: resolved, as YAML: what the run goes on with.
    """
    changed = of(checkpoint, recipe)
    if not any(name.startswith("model.") for name, _, _ in changed):
        return
    before, after = steppers(checkpoint["game"]["recipe"]), steppers(recipe)
    require_steppers(checkpoint, before, after, changed)
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


def fingerprint(datamodule: Any) -> str:
    """Returns a digest of a sample of the training data, wherever it lies; empty where it cannot be looked at."""
    if not isinstance(datamodule, DataModule):
        return ""
    items, _ = datamodule.split("train")
    digest = hashlib.sha256(repr((datamodule.shape, len(items))).encode())
    for place in torch.linspace(0, len(items) - 1, min(LOOKED_AT, len(items))).long().unique().tolist():
        item = items[place]
        if isinstance(item, Tensor):
            digest.update(item.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def require_data(checkpoint: Mapping[str, Any], datamodule: Any, changed: Sequence[Difference]) -> None:
    """Raises GanzooError where a run that is continued would train on other data than before.

    Args:
        checkpoint: a training checkpoint's content.
        datamodule: set up.
        changed: what the recipe says otherwise than the checkpoint's.
    """
    others = [one for one in changed if one[0].startswith("data.") and one[0].rpartition(".")[2] not in READING]
    seen = checkpoint["game"].get("data")
    if others and seen and seen != fingerprint(datamodule):
        raise GanzooError(f"{refusal(others)}, which is other data; {NEW_RUN}.")
    loader = datamodule.train_dataloader()
    places = checkpoint["loops"]["fit_loop"]["state_dict"].get("combined_loader") or []
    if isinstance(loader, Resumable) and len(places) == 1:
        loader.load_state_dict(places[0])


def noted(checkpoint: Mapping[str, Any], recipe: str) -> list[list[Any]]:
    """Returns a run's changes so far and those that it goes on with: `[step, option, before, after]` each."""
    earlier = [list(change) for change in checkpoint["game"].get("changes", [])]
    step = checkpoint["global_step"]
    now = [[step, *change] for change in of(checkpoint, recipe) if _matters(change[0])]
    return [*earlier, *now]


def _matters(option: str) -> bool:
    """Whether an option decides what is learnt, rather than how long, where, or how it is measured."""
    section, _, name = option.partition(".")
    if section == "data":
        return option.rpartition(".")[2] not in {"num_workers", "download", "root", "title", "licence", "source"}
    return section == "model" or name in {"precision", "gradient_clip_val", "gradient_clip_algorithm"}


def remarks(changes: Sequence[Sequence[Any]]) -> list[str]:
    """Returns a line for each change of a run, for its card and its recipe."""
    return [
        f"From step {step:,} on {option} is {_written(after)}, before it was {_written(before)}."
        for step, option, before, after in changes
    ]


def annotated(recipe: str, changes: Sequence[Sequence[Any]]) -> str:
    """Returns a recipe that says above itself what was otherwise in the run's earlier parts."""
    return "".join(f"# {' '.join(line.split())}\n" for line in remarks(changes)) + recipe


def keep_patience(checkpoint: dict[str, Any], callbacks: Sequence[Any]) -> None:
    """Keeps the present patience of callbacks that stop early, which Lightning would bring back from a checkpoint."""
    for callback in callbacks:
        if isinstance(callback, EarlyStopping) and callback.state_key in checkpoint["callbacks"]:
            checkpoint["callbacks"][callback.state_key]["patience"] = callback.patience


def require_left(checkpoint: Mapping[str, Any], trainer: Any) -> None:
    """Raises GanzooError where a run has taken more steps than it is to take."""
    done, target = checkpoint["global_step"], trainer.max_steps
    if 0 < target < done:
        raise GanzooError(
            f"trainer.max_steps: {target:,} given, but the run has taken {done:,} steps already: nothing is left to "
            f"train. Raise --trainer.max_steps above {done:,} to go on."
        )


def finished(checkpoint: Mapping[str, Any], trainer: Any, folder: Path) -> bool:
    """Whether a run has taken all its steps, validated the last of them, and exported its weights since."""
    due = checkpoint.get("callbacks", {}).get("Last", {}).get("due", False)
    exported = [folder / "export" / name for name in ("README.md", "model.safetensors")]
    if due or checkpoint["global_step"] != trainer.max_steps or not all(file.is_file() for file in exported):
        return False
    return min(file.stat().st_mtime for file in exported) >= (folder / "last.ckpt").stat().st_mtime
