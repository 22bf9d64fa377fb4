"""Model, data and trainer of a recipe for notebooks: `from_recipe`."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl

from ganzoo.common import registry
from ganzoo.common.errors import GanzooError
from ganzoo.common.importing import import_path
from ganzoo.games.game import Game
from ganzoo.training import runs
from ganzoo.training.quiet import quieten
from ganzoo.training.recipe_cli import RecipeCLI


def from_recipe(
    name: str | Path, overrides: Mapping[str, Any] | None = None, /, **more: Any
) -> tuple[Game, pl.LightningDataModule, pl.Trainer]:
    """Returns the model, data and trainer of a recipe, ready for `trainer.fit(model, datamodule)`.

    Lightning's own messages are silenced; errors are one line.

    Args:
        name: a recipe's name, with `-` or `_`, or a path to a YAML file.
        overrides: values in the place of the recipe's by their dotted names: `{"trainer.max_steps": 100}`. A class, one
            of your own too, stands for its import path, alone or as the `class_path` of a dictionary with `init_args`.
        **more: likewise, dots written as double underscores: `trainer__max_steps=100, model__ema=0.99`.

    Returns:
        (model, datamodule, trainer).

    Raises:
        GanzooError: if there is no such recipe, or a value does not fit.
    """
    quieten()
    try:
        path = registry.find_recipe(str(name))
        words = flags({**(overrides or {}), **{key.replace("__", "."): value for key, value in more.items()}})
        cli = RecipeCLI(["--config", str(path), *words], runs.recipe_name(path), run=False)
        cli.model.recipe = cli.recipe_text()
    except GanzooError as error:
        raise GanzooError(str(error)) from None  # without the parser's tracebacks, which repeat it in many lines
    return cli.model, cli.datamodule, cli.trainer


def flags(overrides: Mapping[str, Any]) -> list[str]:
    """Returns `{"trainer.max_steps": 3}` as words of a command line: texts and paths as they are, all else as JSON.

    Raises:
        GanzooError: if a recipe cannot state a value.
    """
    words = []
    for field, value in overrides.items():
        try:
            word = _plain(value) if isinstance(value, str | os.PathLike | type) else json.dumps(value, default=_plain)
        except (TypeError, ValueError):
            raise GanzooError(
                f"{field}: must be what a recipe can state: a number, a text, a path, a class, or a list or dictionary "
                f"of such, not {_described(value)}."
            ) from None
        words.append(f"--{field}={word}")
    return words


def _plain(value: Any) -> str:
    return import_path(value) if isinstance(value, type) else os.fspath(value)


def _described(value: Any) -> str:
    """Says of an object that was made already what to give in its place."""
    if type(value).__module__ == "builtins":
        return repr(value)
    return f"an object; give {type(value).__name__} itself as the class_path of a dictionary, with its init_args"
