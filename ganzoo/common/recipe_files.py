"""Recipes as plain values: their files and the command line's options, read before any class is imported."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from ganzoo.common import registry
from ganzoo.common.errors import GanzooError
from ganzoo.common.signatures import Argument, describe_class

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML has it
CLASSES = ("model", "data")  # sections that name a class and its arguments


def load_recipe(file: Path) -> dict[str, Any]:
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


def read_words(arguments: Sequence[str]) -> tuple[list[Path], dict[str, Any]]:
    """Returns the recipes' files and the values that the words of `ganzoo fit` make, as far as plain values go.

    Args:
        arguments: recipes, configurations and overrides in the order in which they count.

    Returns:
        The files, and their values with the overrides; both empty where no file is named.

    Raises:
        GanzooError: if a file is not there or is no recipe.
    """
    files: list[Path] = []
    values: dict[str, Any] = {}
    for flag, value in _pairs(arguments):
        if flag in {"recipe", "config", "c"}:
            files.append(registry.find_recipe(value) if flag == "recipe" else Path(value))
            for name, section in load_recipe(files[-1]).items():
                _put(values, [name], section)
        elif flag.partition(".")[0] in {*CLASSES, "trainer", "quality", "grid", "collapse", "seed_everything"}:
            try:
                _put(values, [key for key in flag.split(".") if key != "init_args"], yaml.load(value, LOADER))
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
        arguments = value.get("init_args")
        return value["class_path"], arguments if isinstance(arguments, dict) else {}
    may_be_class = argument is None or not argument.type.startswith(("class of", "str"))
    if isinstance(value, str) and may_be_class and (argument is None or describe_class(value)):
        return value, {}
    return None


def with_class_paths(value: Any) -> Any:
    """Returns a value in which import paths alone stand for classes."""
    if isinstance(value, list):
        return [with_class_paths(part) for part in value]
    return value["class_path"] if isinstance(value, dict) and "class_path" in value else value


def require_recipes(arguments: Sequence[str]) -> None:
    """Raises GanzooError if words of `ganzoo fit` name a recipe that does not exist; does not wait for PyTorch.

    The message names the nearest.
    """
    for flag, value in _pairs(arguments):
        if flag == "recipe":
            registry.find_recipe(value)


def option_text(value: Any) -> str:
    """Returns a value as the command line takes it."""
    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), allow_unicode=True, sort_keys=False)
    return text.removesuffix("\n...\n").strip()


def _pairs(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yields options and their values, written `--name value` or `--name=value`."""
    waiting = iter(arguments)
    for word in waiting:
        flag, equals, value = word.partition("=")
        if flag.startswith("-"):
            yield flag.lstrip("-"), value if equals else next(waiting, "")


def _put(values: dict[str, Any], keys: list[str], value: Any) -> None:
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
        place[last] = value
    elif isinstance(value, dict):
        for key, inner_value in value.items():
            _put(old, [key], inner_value)
    elif "class_path" in old and isinstance(value, str):
        old["class_path"] = value  # which keeps the arguments that it takes, too
    else:
        place[last] = value
