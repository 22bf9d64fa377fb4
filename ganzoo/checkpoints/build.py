"""Models and data built from the recipes of checkpoints."""

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentError, ArgumentParser
from lightning.pytorch import LightningDataModule
from torch import Tensor

from ganzoo.checkpoints import trust
from ganzoo.common.errors import GanzooError
from ganzoo.common.parser_errors import explain
from ganzoo.games.game import Game


def build_model(recipe: str, source: Path, trusted: bool = True, weights: Mapping[str, Tensor] | None = None) -> Game:
    """Returns the model that a recipe's `model:` describes.

    Args:
        recipe: as YAML.
        source: its file, for messages.
        trusted: whether it may name any importable class, and be of any size.
        weights: its weights file's tensors; a model that is not trusted may not be much larger than they are.

    Raises:
        GanzooError: if it describes none, or names what is not trusted, or is too large.
    """
    try:
        described = trust.parse_yaml(recipe)["model"]
        described["class_path"]
    except (ValueError, KeyError, TypeError) as error:
        why = f": {error}" if isinstance(error, ValueError) else ""
        raise GanzooError(f"'{source}' describes no model{why}.") from error
    if not trusted:
        trust.require_all_trusted(described, source)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--model", type=Game)  # add_subclass_arguments would open files that a value names
    try:
        config = parser.parse_object({"model": described})
    except (ArgumentError, ValueError) as error:
        raise GanzooError(f"'{source}': {explain(error, [])}") from error

    if not trusted:
        trust.require_all_trusted(config.as_dict(), source)  # short class names are spelt out now
    try:
        with nullcontext() if trusted or weights is None else trust.Budget(weights, source):
            return parser.instantiate_classes(config).model
    except GanzooError:
        raise
    except Exception as error:  # constructors fail in many ways on numbers that make no sense
        raise GanzooError(f"'{source}' describes an impossible model: {error}.") from error


def make_datamodule(recipe: dict[str, Any]) -> Any:
    """Returns the data module that a resolved recipe describes."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(LightningDataModule, "data", required=True)
    return parser.instantiate_classes(parser.parse_object({"data": recipe["data"]})).data


def publishable_recipe(recipe: dict[str, Any]) -> str:
    """Returns a resolved recipe as YAML without what belongs to one machine: folders, devices, loggers."""
    kept = {
        name: section for name, section in recipe.items() if name in {"seed_everything", "model", "data", "quality"}
    }
    chosen = kept["data"].get("init_args", {})
    if "root" in chosen:  # points have none
        chosen["root"] = _portable(chosen["root"])
    trainer = {name: recipe["trainer"][name] for name in ("max_steps", "precision", "val_check_interval")}
    return yaml.safe_dump({**kept, "trainer": trainer}, sort_keys=False)


def _portable(root: str | None) -> str | None:
    return root if root and not Path(root).is_absolute() else None
