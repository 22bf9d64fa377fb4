"""Scores on disk by the names of their files. Imports nothing heavy."""

import ast
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("scores")


@dataclass(frozen=True)
class ScoreFile:
    """A score's file as it can be read without importing it.

    Attributes:
        name: of the file, by which its scores can be asked for all at once.
        gives: short names of its scores; the file's own name where its class names no others.
        summary: first line of the file.
    """

    name: str
    gives: tuple[str, ...]
    summary: str


@cache
def score_files() -> dict[str, ScoreFile]:
    """Returns the files of `ganzoo/metrics/scores` by name, sorted."""
    return {path.stem: _read(path) for path in sorted(FOLDER.glob("*.py")) if path.stem != "__init__"}


def score_names() -> list[str]:
    """Returns the short names that can be asked for: those of scores, and of files that give several."""
    files = score_files().values()
    return [name for file in files for name in dict.fromkeys((file.name, *file.gives))]


def load_score(name: str) -> Any:
    """Returns the score of a file: an instance of the one class in it that derives from `Score`.

    Raises:
        TypeError: the file defines none, or several.
    """
    from ganzoo.metrics.score import Score

    module = import_module(f"ganzoo.metrics.scores.{name}")
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Score)]
    own = [kind for kind in kinds if kind.__module__ == module.__name__]
    if len(own) != 1:
        raise TypeError(f"{module.__file__} must define one class that derives from Score, not {len(own)}.")
    return own[0](name)


def _read(path: Path) -> ScoreFile:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    summary = (ast.get_docstring(tree) or "").partition("\n")[0]
    for node in (inner for outer in tree.body if isinstance(outer, ast.ClassDef) for inner in outer.body):
        if isinstance(node, ast.Assign) and [t.id for t in node.targets if isinstance(t, ast.Name)] == ["gives"]:
            return ScoreFile(path.stem, tuple(ast.literal_eval(node.value)), summary)
    return ScoreFile(path.stem, (path.stem,), summary)
