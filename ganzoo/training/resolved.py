"""Lookup and comparison of resolved recipes, in which every default is spelt out."""

from collections.abc import Mapping
from typing import Any


def option_value(recipe: Any, option: str) -> Any:
    """Returns the value of an option in a resolved recipe, `init_args` spelt out or not; None if there is none."""
    for part in option.split("."):
        if not isinstance(recipe, Mapping):
            return None
        inner = recipe.get("init_args")
        recipe = recipe[part] if part in recipe else inner.get(part) if isinstance(inner, Mapping) else None
    return recipe


def differences(before: Any, after: Any, name: str = "") -> list[tuple[str, Any, Any]]:
    """Returns the differences of two resolved recipes in options that both of them state.

    Returns:
        (option, what the first says, what the second says), of classes that differ the class alone.
    """
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return [] if before == after else [(name, before, after)]
    if before.get("class_path") != after.get("class_path"):
        return [(f"{name}.class_path", before.get("class_path"), after.get("class_path"))]
    both = [key for key in before if key in after]
    return [one for key in both for one in differences(before[key], after[key], f"{name}.{key}" if name else key)]
