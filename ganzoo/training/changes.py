"""Changed settings of a continued run: applied to its checkpoint, or refused where they do not fit."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from lightning.pytorch.callbacks import EarlyStopping
from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.data.base import DataModule
from ganzoo.data.loader import Resumable
from ganzoo.games.lightning import loader_states
from ganzoo.training.optimizer_state import Steppers, carry, match, steppers
from ganzoo.training.resolved import differences

Difference = tuple[str, Any, Any]  # option, before, after

NEW_RUN = "leave it out, or start a new run without --ckpt_path"
# Options of data that tell how it is read or described. What the others choose is compared.
READING = {"batch_size", "flip", "num_workers", "download", *("title", "licence", "source")}
ITEMS_HASHED = 16  # items of the training data, by which other data is told from data that has moved


def recipe_changes(checkpoint: Mapping[str, Any], recipe: str) -> list[Difference]:
    """Returns the differences between a recipe and the one that a checkpoint was trained with.

    A setting that is newer than the run does not count.

    Args:
        checkpoint: a training checkpoint's content.
        recipe: resolved, as YAML.
    """
    before = yaml.safe_load(checkpoint["game"].get("recipe", "")) or {}
    return differences(before, yaml.safe_load(recipe) or {})


def require_continuable(checkpoint: Mapping[str, Any], recipe: str, model: Any, datamodule: Any) -> None:
    """Raises GanzooError for what cannot be continued from a checkpoint: other networks, other optimizers, other data.

    Args:
        checkpoint: a training checkpoint's content.
        recipe: resolved, as YAML: what the run is to go on with.
        model: made of it; it takes the checkpoint's weights.
        datamodule: made of it and set up.
    """
    changed = recipe_changes(checkpoint, recipe)
    load_weights(checkpoint, model, changed)
    if any(name.startswith("model.") for name, _, _ in changed):
        matching_steppers(checkpoint, recipe, changed)
    require_data(checkpoint, datamodule, changed)


def require_same_classes(checkpoint: Mapping[str, Any], recipe: str) -> None:
    """Raises GanzooError where a run that is continued is to be of another class of model or data, or another seed.

    Args:
        checkpoint: a training checkpoint's content.
        recipe: resolved, as YAML: what the run is to go on with.
    """
    fixed = {"model.class_path", "data.class_path", "seed_everything"}
    if others := [one for one in recipe_changes(checkpoint, recipe) if one[0] in fixed]:
        raise GanzooError(f"{refusal(others)}; {NEW_RUN}.")


def require_same_start(checkpoint: Mapping[str, Any], start: str | None) -> None:
    """Raises GanzooError where a run that is continued is to start from another checkpoint than it did.

    Args:
        checkpoint: a training checkpoint's content.
        start: name of the checkpoint to start from, if any.
    """
    before = (yaml.safe_load(checkpoint["game"].get("recipe", "")) or {}).get("start")
    if start != before:
        began = f"from '{before}'" if before else "from nothing"
        raise GanzooError(f"start: '{start}' given, but the run has begun {began}; {NEW_RUN}.")


def refusal(changed: Sequence[Difference]) -> str:
    """Returns the message that refuses differences: the new value of each, and the one of the training."""
    return "; ".join(
        f"{name}: {_written(after)} given, but the run was trained with {_written(before)}"
        for name, before, after in changed
    )


def _written(value: Any) -> str:
    """Writes a value as a recipe does."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def load_weights(checkpoint: Mapping[str, Any], model: Any, changed: Sequence[Difference] = ()) -> None:
    """Loads the weights of a checkpoint into a model.

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


def matching_steppers(
    checkpoint: Mapping[str, Any], recipe: str, changed: Sequence[Difference]
) -> tuple[Steppers, Steppers]:
    """Returns the optimizers at the beginning of a checkpoint's recipe and of another one.

    Args:
        checkpoint: a training checkpoint's content.
        recipe: resolved, as YAML: what the run is to go on with.
        changed: in what they differ.

    Raises:
        GanzooError: if the latter cannot go on with the state of the former; it names the options to blame.
    """
    before, after = steppers(checkpoint["game"]["recipe"]), steppers(recipe)
    if not match(before, after, checkpoint["optimizer_states"]):
        options = [one for one in changed if one[0].startswith("model.")]
        blamed = [one for one in options if any(_names_optimizer(value) for value in one[1:])] or options
        raise GanzooError(f"{refusal(blamed)}, and the state of its optimizers does not fit; {NEW_RUN}.")
    return before, after


def _names_optimizer(value: Any) -> bool:
    return isinstance(value, str) and ".optim." in f".{value}"


def apply_to_checkpoint(checkpoint: dict[str, Any], recipe: str) -> None:
    """Sets in a checkpoint what its optimizers and schedulers would bring back, but the recipe now says otherwise.

    Args:
        checkpoint: a training checkpoint's content, changed in place.
        recipe: resolved, as YAML: what the run goes on with.
    """
    changed = recipe_changes(checkpoint, recipe)
    if any(name.startswith("model.") for name, _, _ in changed):
        carry(checkpoint, *matching_steppers(checkpoint, recipe, changed))


def fingerprint(datamodule: Any) -> str:
    """Returns a digest of a sample of the training data, wherever it lies; empty where it cannot be looked at."""
    if not isinstance(datamodule, DataModule):
        return ""
    items, _ = datamodule.split("train")
    digest = hashlib.sha256(repr((datamodule.shape, len(items))).encode())
    for place in torch.linspace(0, len(items) - 1, min(ITEMS_HASHED, len(items))).long().unique().tolist():
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
    places = loader_states(checkpoint)
    if isinstance(loader, Resumable) and len(places) == 1:
        loader.load_state_dict(places[0])


def changes_so_far(checkpoint: Mapping[str, Any], recipe: str) -> list[list[Any]]:
    """Returns the changes of a run, those that it goes on with included: `[step, option, before, after]` each."""
    earlier = [list(change) for change in checkpoint["game"].get("changes", [])]
    step = checkpoint["global_step"]
    now = [[step, *change] for change in recipe_changes(checkpoint, recipe) if _matters(change[0])]
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


def annotate(recipe: str, changes: Sequence[Sequence[Any]]) -> str:
    """Returns a recipe with a comment above it on what was otherwise in the run's earlier parts."""
    return "".join(f"# {' '.join(line.split())}\n" for line in remarks(changes)) + recipe


def keep_patience(checkpoint: dict[str, Any], callbacks: Sequence[Any]) -> None:
    """Keeps the present patience of callbacks that stop early, which Lightning would bring back from a checkpoint."""
    for callback in callbacks:
        if isinstance(callback, EarlyStopping) and callback.state_key in checkpoint["callbacks"]:
            checkpoint["callbacks"][callback.state_key]["patience"] = callback.patience


def require_steps_left(checkpoint: Mapping[str, Any], trainer: Any) -> None:
    """Raises GanzooError where a run has taken more steps than it is to take."""
    done, target = checkpoint["global_step"], trainer.max_steps
    if 0 < target < done:
        raise GanzooError(
            f"trainer.max_steps: {target:,} given, but the run has taken {done:,} steps already: nothing is left to "
            f"train. Raise --trainer.max_steps above {done:,} to go on."
        )


def note_changes(checkpoint: Mapping[str, Any], model: Any, trainer: Any, folder: Path) -> list[str]:
    """Records the changes of a run that goes on in its model and its recipe.

    Args:
        checkpoint: a training checkpoint's content.
        model: with the resolved recipe.
        trainer: Lightning's.
        folder: the run's.

    Returns:
        What there is to say of it; of a run that has taken all its steps, that.
    """
    model.changes = changes_so_far(checkpoint, model.recipe)
    model.recipe = annotate(model.recipe, model.changes)
    done = checkpoint["global_step"]
    if done == trainer.max_steps:
        left = f"{folder} has taken all its {done:,} steps: nothing is left to train."
        return [f"{left} Raise --trainer.max_steps to go on."]
    return remarks(model.changes[len(checkpoint["game"].get("changes", [])) :])


def is_finished(checkpoint: Mapping[str, Any], trainer: Any, folder: Path) -> bool:
    """Returns whether a run has taken all its steps, validated the last of them, and exported its weights since."""
    due = checkpoint.get("callbacks", {}).get("Last", {}).get("due", False)
    exported = [folder / "export" / name for name in ("README.md", "model.safetensors")]
    if due or checkpoint["global_step"] != trainer.max_steps or not all(file.is_file() for file in exported):
        return False
    return min(file.stat().st_mtime for file in exported) >= (folder / "last.ckpt").stat().st_mtime
