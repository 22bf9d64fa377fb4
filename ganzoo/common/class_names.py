"""Class names: numbers of the classes in `--labels cat dog`, and names in messages, cards and weights files."""

import json
from collections.abc import Sequence
from typing import Any

from ganzoo.common.errors import GanzooError, nearest

CLASSES_SHOWN = 20  # classes in a message
LONGEST_NAME = 100  # characters of a stranger's class name


def class_number(model: Any, word: str | int, field: str = "--labels") -> int:
    """Returns the number of a class by its name or number.

    A name goes before a number: where folders are called 1, 2 and 3, the word "1" is the first of them.

    Args:
        model: Has `n_classes` and perhaps `class_names`.
        word: A name, or a number from 0 on.
        field: What an error names.

    Raises:
        GanzooError: The model has no classes, or none of that name.
    """
    names: Sequence[str] = getattr(model, "class_names", ())
    classes = getattr(model, "n_classes", 0)
    if not classes:
        raise GanzooError(f"{field}: {type(model).__name__} is unconditional; it has no classes to choose from.")
    if str(word) in names:
        return names.index(str(word))
    if str(word).isdecimal() and int(word) < classes:
        return int(word)
    if not names:
        raise GanzooError(
            f"{field}: '{word}' given, but the classes have no names; give numbers from 0 to {classes - 1}."
        )
    raise GanzooError(f"{field}: there is no class '{word}'.{nearest(str(word), names)} Classes: {class_list(names)}.")


def class_numbers(model: Any, words: Sequence[str | int], field: str = "--labels") -> list[int]:
    """Returns the numbers of classes by their names or numbers; see `class_number`."""
    return [class_number(model, word, field) for word in words]


def class_list(names: Sequence[str]) -> str:
    """Returns class names with their numbers as text: `0 cat, 1 dog`; names that are their numbers once."""
    shown = [name if name == str(number) else f"{number} {name}" for number, name in enumerate(names[:CLASSES_SHOWN])]
    return ", ".join(shown) + (f" and {len(names) - CLASSES_SHOWN} more" if len(names) > CLASSES_SHOWN else "")


def class_names_entry(names: Sequence[str]) -> dict[str, str]:
    """Returns class names as an entry for the header of a weights file; nothing if there are none."""
    return {"class_names": json.dumps([*names])} if names else {}


def parse_class_names(header: dict[str, str], classes: int | None) -> tuple[str, ...]:
    """Returns the class names in a weights file's header, a stranger's perhaps; none if they make no sense.

    Args:
        header: As `class_names_entry` writes it.
        classes: How many there must be; None for any number.
    """
    try:
        names = json.loads(header.get("class_names", "[]"))
    except (ValueError, RecursionError):
        return ()
    good = isinstance(names, list) and all(isinstance(name, str) and len(name) <= LONGEST_NAME for name in names)
    return tuple(names) if good and classes in (None, len(names)) else ()
