"""Settings of one recipe that are compared, `--vary g_lr=1e-4,2e-4`: each run's arguments, label and folder."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from ganzoo.common import recipe_files
from ganzoo.common.errors import GanzooError, nearest
from ganzoo.common.importing import import_path
from ganzoo.common.parser_errors import accepted

RECIPE_SECTIONS = ("model", "data", "trainer", "quality", "grid", "collapse")
UNSAFE = re.compile(r"[^\w.=+-]+")  # in the name of a folder that is also looked for by a pattern
LONGEST_FOLDER_NAME = 80  # characters of such a name
OPENING, CLOSING = "[{(", "]})"

Setting = Mapping[str, str]  # what was varied, as it was typed, to one of its values


def setting_combinations(varied: Sequence[str]) -> list[Setting]:
    """Returns every combination of the values that are to be compared; one without any where nothing is varied.

    Args:
        varied: `KEY=VALUE,VALUE` each; a comma inside brackets or quotes parts nothing.

    Raises:
        GanzooError: one is not of this form, or is there twice.
    """
    choices: dict[str, list[str]] = {}
    for text in varied:
        key, equals, values = text.partition("=")
        if not equals or not key or not (parts := [part for part in split_at_commas(values) if part]):
            raise GanzooError(f"--vary: '{text}' given, but it must be of the form KEY=VALUE,VALUE.")
        if key == "seed_everything":
            raise GanzooError("--vary: seeds are no setting that is compared; give several with --seeds.")
        if key in choices:
            raise GanzooError(f"--vary: {key} is given twice; write all of its values after one another.")
        choices[key] = parts
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]


def split_at_commas(text: str) -> list[str]:
    """Returns the parts of a text between commas that stand in no bracket and no quotes, without blanks around them."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        else:
            depth += (character in OPENING) - (character in CLOSING)
        if character == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def full_names(keys: Iterable[str], recipe: Path) -> dict[str, str]:
    """Returns the dotted names in a recipe by the keys that stand for them.

    Raises:
        GanzooError: a key is neither a full name nor an argument of the recipe's model or data.
    """
    classes = {}
    for section in ("model", "data"):
        if named := recipe_files.split_class(recipe_files.load_recipe(recipe).get(section)):
            classes[section] = named[0]
    return {key: full_name(key, classes) for key in keys}


def full_name(key: str, classes: Mapping[str, str]) -> str:
    """Returns the dotted name in a recipe that a key is short for: `g_lr` is `model.init_args.g_lr`.

    Args:
        key: a full name, such as `trainer.precision`, or one that starts at an argument of the model or the data.
        classes: import paths of the classes of `model` and `data`.

    Raises:
        GanzooError: it stands for nothing.
    """
    first, _, rest = key.partition(".")
    if first in RECIPE_SECTIONS and rest:
        return key
    try:
        arguments = {section: accepted(path) for section, path in classes.items()}
    except (ImportError, AttributeError):  # of which the recipe's parser will complain
        arguments = {"model": [first]}
    for section, names in arguments.items():
        if first in names:
            return f"{section}.init_args.{key}"
    hint = nearest(first, [name for names in arguments.values() for name in names])
    of = " or ".join(path.rpartition(".")[2] for path in classes.values())
    raise GanzooError(f"--vary: {first} is no argument of {of}.{hint} Others need a full name: trainer.precision.")


def setting_text(setting: Mapping[str, Any]) -> str:
    """Returns a setting as a table shows it: `g_lr=0.0001, n_critic=5`."""
    return ", ".join(f"{key}={_text(value)}" for key, value in setting.items())


def run_folder_name(setting: Mapping[str, Any], seed: int) -> str:
    """Returns the name of a run's folder, the same for the same values however they were typed: `g_lr=0.0001_seed_0`.

    What cannot stand in a name of sensible length is told apart by its hash.
    """
    if not setting:
        return f"seed_{seed}"
    text = "_".join(f"{key}={_text(value)}" for key, value in setting.items())
    safe = UNSAFE.sub("_", text)
    if safe != text or len(text) > LONGEST_FOLDER_NAME:
        digest = hashlib.sha256(json.dumps(dict(setting), sort_keys=True, default=str).encode()).hexdigest()
        safe = f"{safe[:LONGEST_FOLDER_NAME].rstrip('_')}_{digest[:6]}"
    return f"{safe}_seed_{seed}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def recipe_value(config: Any, name: str) -> Any:
    """Returns the value of a parsed recipe under a dotted name, in which `init_args` may be missing, as JSON would."""
    for part in name.split("."):
        inner = config.get("init_args") if hasattr(config, "get") else None
        holder = config if hasattr(config, "get") and part in config else inner
        config = holder.get(part) if holder is not None else None
    return json.loads(json.dumps(config.as_dict() if hasattr(config, "as_dict") else config, default=_path))


def _path(value: Any) -> str:
    return import_path(value) if isinstance(value, type) else str(value)
