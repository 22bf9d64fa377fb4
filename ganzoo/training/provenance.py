"""Provenance of arguments on the data: stated by which recipe, or by the options behind them.

What a recipe says of its own pictures (title, licence, source, whether they are grey) is true of no others, and what it
scores with was chosen for its own data. Both are dropped where something else is trained on, unless it is stated there.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

WORDS = ("title", "licence", "source")  # what data are, for people
SECTIONS_OF_DATA = ("data", "quality")
Layer = dict[str, dict[str, Any]]


def layers(words: Sequence[str]) -> list[Layer]:
    """Returns what each `--config` of a command line states of data and quality, and last what its options do."""
    files: list[Layer] = []
    options: Layer = {section: {} for section in SECTIONS_OF_DATA}
    for name, value in _options(words):
        if name in ("--config", "-c"):
            files.append(_of_file(Path(value)))
            continue
        section, *keys = name.lstrip("-").split(".")
        if section in SECTIONS_OF_DATA:
            options[section] |= _flat(section, _nested([key for key in keys if key != "init_args"], value))
    return [*files, options]


def dropped(history: Sequence[Layer], section: str, names: Sequence[str], kin: Collection[str] = ()) -> list[str]:
    """Returns which of these arguments are stated somewhere, but of other data than those that are used.

    Args:
        history: see `layers`.
        section: "data" or "quality".
        names: the arguments.
        kin: names of the classes that the used data's class descends from, itself included: what is stated of any of
            them holds, wherever the data lies. Without, only what is stated of this very class and root holds.
    """
    data: dict[str, Any] = {}
    of: dict[str, dict[str, Any]] = {}
    for layer in history:
        data |= {key: layer["data"][key] for key in ("class_path", "root") if key in layer["data"]}
        of |= {name: dict(data) for name in names if name in layer[section]}
    fitting = {*kin, _name(data), ""}
    return [name for name, then in of.items() if _name(then) not in fitting or not (kin or _holds(name, then, data))]


def _name(data: dict[str, Any]) -> str:
    return str(data.get("class_path") or "").rpartition(".")[2]


def _holds(name: str, then: dict[str, Any], now: dict[str, Any]) -> bool:
    if "root" not in then or same_place(then["root"], now["root"]):
        return True
    return name not in WORDS and then["root"] is None  # a published recipe knows its pictures' form, not their place


def same_place(root: str | None, other: str | None) -> bool:
    """Returns whether two roots of data are one folder or file; None is one that nobody knows."""
    return root == other or (root is not None and other is not None and real_root(root) == real_root(other))


def real_root(root: str | os.PathLike[str]) -> str:
    """Returns the real path of data's root: from here, or else under `$GANZOO_DATA`."""
    here, data = Path(root).expanduser(), os.environ.get("GANZOO_DATA")
    if not here.exists() and data:
        here = Path(data).expanduser() / root
    return os.path.realpath(here)


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yields (name, value) of `--name value` and `--name=value`."""
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word.startswith("-"):
            name, equals, value = word.partition("=")
            yield name, value if equals else after


def _nested(keys: Sequence[str], value: str) -> Any:
    """Returns `{key: {...: value}}`, the value as YAML reads it."""
    loaded: Any = value
    with suppress(yaml.YAMLError):
        loaded = yaml.safe_load(value)
    for key in reversed(keys):
        loaded = {key: loaded}
    return loaded


def _of_file(file: Path) -> Layer:
    try:
        recipe = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):  # the parser says so
        recipe = None
    recipe = recipe if isinstance(recipe, dict) else {}
    return {section: _flat(section, recipe.get(section), file.parent) for section in SECTIONS_OF_DATA}


def _flat(section: str, value: Any, folder: Path = Path()) -> dict[str, Any]:
    """Returns a section's arguments beside its `class_path`; a section may be the name of a class or of a file."""
    if isinstance(value, str) and value.endswith((".yaml", ".yml")):
        with suppress(OSError, ValueError, yaml.YAMLError):
            value = yaml.safe_load((folder / value).read_text(encoding="utf-8"))
    if isinstance(value, str):
        return {"class_path": value}
    value = value if isinstance(value, dict) else {}
    return {key: item for key, item in value.items() if key != "init_args"} | dict(value.get("init_args") or {})
