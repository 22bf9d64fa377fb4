"""Commands of `ganzoo`: their names and what each does, in a line. Nothing of them is imported."""

import ast
from functools import cache
from pathlib import Path

TRAINING = {
    "fit": "train a recipe",
    "validate": "score a run's best weights on the recipe's reference split",
    "test": "the same as validate: Lightning has both, and a recipe one reference split",
    "predict": "draw samples from a run's best weights to an .npz file",
}
OPTIONS = {
    "-h, --help": "show this help message and exit",
    "--version": "show the version and exit",
    "--debug": "show the traceback of an error",
}
TOOLS = Path(__file__).parents[1] / "tools"


@cache
def commands() -> dict[str, str]:
    """Returns the commands of `ganzoo.tools` and what each does, in a line; nothing is imported.

    A command is a module or a folder there with a function of its own name, whose docstring says what it does.
    """
    files = [*TOOLS.glob("*.py"), *(file.parent for file in TOOLS.glob("*/__init__.py"))]
    texts = {name: summary(name) for name in sorted(file.stem for file in files)}
    return {name: text for name, text in texts.items() if text is not None}


@cache
def summary(command: str) -> str | None:
    """Returns what a command of `ganzoo.tools` does, in a line; None if there is no such command."""
    files = (TOOLS / f"{command}.py", TOOLS / command / "__init__.py") if command.isidentifier() else ()
    for file in filter(Path.is_file, files):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name == command:
                text = (ast.get_docstring(node) or "").partition("\n")[0].rstrip(".")
                return text[:1].lower() + text[1:]
    return None
