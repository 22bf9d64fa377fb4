"""Tasks of recipes, such as translation or video, read from the sources of their classes: nothing heavy is imported.

A kind of game states its `tasks`; data that pose another one state theirs, which take their place. That samples are
drawn under classes is read off the networks, and a kind of sample that is not images is a task as well.
"""

import ast
from collections.abc import Mapping
from typing import Any

from ganzoo.common import kinds
from ganzoo.common.recipe_files import split_class
from ganzoo.common.signatures import class_statement

UNCONDITIONAL = "unconditional"
CLASS_CONDITIONAL = "class-conditional"


def tasks_of(recipe: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the tasks of a recipe: what its model is for, and the kind of its samples where these are no images.

    Args:
        recipe: its values, as `ganzoo.common.recipe_files.load_recipe` returns them.
    """
    model, arguments = split_class(recipe.get("model")) or ("", {})
    data, _ = split_class(recipe.get("data")) or ("", {})
    tasks = [*(_stated(data) or _stated(model))]
    if UNCONDITIONAL in tasks and _takes_labels(model, arguments):
        tasks[tasks.index(UNCONDITIONAL)] = CLASS_CONDITIONAL
    elif UNCONDITIONAL in tasks and _has_condition(data):
        tasks.remove(UNCONDITIONAL)
    kind = vars(kinds).get(_source(data, "kind"))
    return tuple(dict.fromkeys([*tasks, *([kind.name] if isinstance(kind, kinds.Kind) else [])]))


def _stated(path: str) -> tuple[str, ...]:
    """Returns the `tasks` that a class states, or its first bases."""
    return ast.literal_eval(_source(path, "tasks") or "()")


def _source(path: str, name: str) -> str:
    """Returns the value of a class's attribute as it is written; empty where it has none."""
    statement = class_statement(path, name)
    value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
    return ast.unparse(value) if value else ""


def _has_condition(data: str) -> bool:
    """Returns whether data serve conditions that are no classes, see `ganzoo.data.DataModule.condition`."""
    return isinstance(class_statement(data, "condition"), ast.FunctionDef) or _source(data, "condition") not in (
        "",
        "None",
    )


def _takes_labels(model: str, arguments: Mapping[str, Any]) -> bool:
    """Returns whether a model's generator takes the data's classes: its class makes it, or the recipe asks it to."""
    _, of_generator = split_class(arguments.get("generator")) or ("", {})
    follow = class_statement(model, "follow")
    labelled = (
        isinstance(key, ast.Constant) and key.value == "generator" and ast.unparse(value) == "spec.labelled()"
        for node in (ast.walk(follow) if follow else ())
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
    )
    return bool(of_generator.get("n_classes")) or any(labelled)
