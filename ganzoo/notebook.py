"""`from_recipe`: what `ganzoo fit` makes of a recipe, for notebooks."""

import json
import os
from collections.abc import Mapping
from typing import Any

import lightning.pytorch as pl

from ganzoo import registry, runs
from ganzoo.errors import GanzooError
from ganzoo.game import Game
from ganzoo.training import RecipeCLI


def from_recipe(name: str, **overrides: Any) -> tuple[Game, pl.LightningDataModule, pl.Trainer]:
    """Makes what a recipe describes, ready for `trainer.fit(model, datamodule)`.

    Args:
        name: a recipe's name, with `-` or `_`, or a path to a YAML file.
        **overrides: values in the place of the recipe's, dots written as double underscores:
            `from_recipe("gan_toy", trainer__max_steps=100, model__init_args__ema=0.99)`.

    Returns:
        (model, datamodule, trainer).

    Raises:
        GanzooError: if there is no such recipe, or a value does not fit.
    """
    path = registry.find_recipe(name)
    cli = RecipeCLI(["--config", str(path), *flags(overrides)], runs.name_of(path), run=False)
    cli.model.recipe = cli.recipe_text()
    return cli.model, cli.datamodule, cli.trainer


def flags(overrides: Mapping[str, Any]) -> list[str]:
    """Writes `trainer__max_steps=3` as the command line takes it: texts and paths as they are, all else as JSON.

    Raises:
        GanzooError: if a value cannot be written.
    """
    words = []
    for key, value in overrides.items():
        field = key.replace("__", ".")
        try:
            word = os.fspath(value) if isinstance(value, str | os.PathLike) else json.dumps(value, default=os.fspath)
        except (TypeError, ValueError) as error:
            raise GanzooError(f"{field}: must be a path or what JSON can hold, not {value!r}.") from error
        words.append(f"--{field}={word}")
    return words
