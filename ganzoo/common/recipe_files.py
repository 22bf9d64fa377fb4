"""Recipes as plain values: files and what the command line gives beside them, before any class is imported."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from ganzoo.common import registry
from ganzoo.common.errors import GanzooError
from ganzoo.common.signatures import Argument, describe

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML has it
CLASSES = ("model", "data")  # sections that name a class and its arguments


def load(file: Path) -> dict[str, Any]:
    """Reads a recipe's file.

    Raises:
        GanzooError: if it cannot be read, or holds something else.
    """
    try:
        values = yaml.load(file.read_text(encoding="utf-8"), LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise GanzooError(f"--config: cannot read '{file}': {error}") from error
    if not isinstance(values, dict):
        raise GanzooError(f"--config: '{file}' is no recipe, which has sections such as model and data.")
    return values


def read(arguments: Sequence[str]) -> tuple[list[Path], dict[str, Any]]:
    """Reads what arguments of `ganzoo fit` describe, as far as plain values go.

    Args:
        arguments: recipes, configurations and overrides in the order in which they count.

    Returns:
        The files, and their values with the overrides; both empty where no file is named.

    Raises:
        GanzooError: if a file is not there or is no recipe.
    """
    files: list[Path] = []
    values: dict[str, Any] = {}
    for flag, given in _pairs(arguments):
        if flag in {"recipe", "config", "c"}:
            files.append(registry.find_recipe(given) if flag == "recipe" else Path(given))
            for name, section in load(files[-1]).items():
                _put(values, [name], section)
        elif flag.partition(".")[0] in {*CLASSES, "trainer", "quality", "grid", "collapse", "seed_everything"}:
            try:
                _put(values, [key for key in flag.split(".") if key != "init_args"], yaml.load(given, LOADER))
            except yaml.YAMLError:
                continue  # what is wrong with it is for training to say
    return files, values if files else {}


def split_class(value: Any, argument: Argument | None = None) -> tuple[str, dict[str, Any]] | None:
    """Returns import path and arguments of a class that a recipe names, whichever way; None if it names none.

    Args:
        value: of the recipe.
        argument: what the value is for; an import path alone names a class unless a class itself, or text, is wanted.
    """
    if isinstance(value, dict) and isinstance(value.get("class_path"), str):
        given = value.get("init_args")
        return value["class_path"], given if isinstance(given, dict) else {}
    wanted = argument is None or not argument.type.startswith(("class of", "str"))
    if isinstance(value, str) and wanted and (argument is None or describe(value)):
        return value, {}
    return None


def named(value: Any) -> Any:
    """Returns a value with classes by their import paths alone."""
    if isinstance(value, list):
        return [named(part) for part in value]
    return value["class_path"] if isinstance(value, dict) and "class_path" in value else value


def check(arguments: Sequence[str]) -> None:
    """Checks that the recipes which arguments of `ganzoo fit` name are there, without waiting for PyTorch.

    Raises:
        GanzooError: if one is not; the message names the nearest.
    """
    for flag, given in _pairs(arguments):
        if flag == "recipe":
            registry.find_recipe(given)


def one_line(value: Any) -> str:
    """Writes a value as the command line takes it."""
    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), allow_unicode=True, sort_keys=False)
    return text.removesuffix("\n...\n").strip()


def _pairs(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yields options and their values, written `--name value` or `--name=value`."""
    waiting = iter(arguments)
    for word in waiting:
        flag, equals, given = word.partition("=")
        if flag.startswith("-"):
            yield flag.lstrip("-"), given if equals else next(waiting, "")


def _put(values: dict[str, Any], keys: list[str], given: Any) -> None:
    """Puts a value where its dotted name leads: through classes into their arguments."""
    *way, last = keys
    place = values
    for key in way:
        inner = place.get(key)
        if isinstance(inner, str):
            inner = {"class_path": inner}
        if not isinstance(inner, dict):
            inner = {}
        place[key] = inner
        place = inner.setdefault("init_args", {}) if "class_path" in inner else inner
    old = place.get(last)
    if last == "class_path" or not isinstance(old, dict):
        place[last] = given
    elif isinstance(given, dict):
        for key, value in given.items():
            _put(old, [key], value)
    elif "class_path" in old and isinstance(given, str):
        old["class_path"] = given  # which keeps the arguments that it takes, too
    else:
        place[last] = given
