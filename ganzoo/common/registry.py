"""Recipes and bundled checkpoints on disk, and the variants that they name. Imports nothing heavy."""

import ast
import inspect
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ganzoo.common.errors import GanzooError, nearest

PACKAGE = Path(__file__).parents[1]


def _beside(name: str) -> Path:
    """Recipes and checkpoints lie in the package in an installed wheel, beside it in the repository."""
    inside = PACKAGE / "zoo" / name
    return inside if inside.is_dir() else PACKAGE.parent / name


RECIPES = _beside("recipes")
CHECKPOINTS = _beside("checkpoints")


@dataclass(frozen=True)
class Variant:
    """The first lines of a model file: what it is and where it comes from."""

    module: str
    title: str
    paper: str
    year: str
    url: str


def list_recipes() -> list[str]:
    """Returns the names of the recipes on disk, sorted."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def list_checkpoints() -> list[str]:
    """Returns the names of the bundled checkpoints, sorted."""
    return sorted(path.parent.name for path in CHECKPOINTS.glob("*/model.safetensors"))


def find_recipe(name: str) -> Path:
    """Returns the file of a recipe: a name on disk with `-` or `_`, or a path to a YAML file.

    Raises:
        GanzooError: if there is none; the message names the nearest one.
    """
    path = Path(name)
    if path.suffix in {".yaml", ".yml"}:
        if path.is_file():
            return path
        raise GanzooError(f"--recipe: there is no file '{name}'.")
    stem = name.replace("-", "_")
    if stem in list_recipes():
        return RECIPES / f"{stem}.yaml"
    raise GanzooError(f"--recipe: there is no recipe '{name}'.{nearest(stem, list_recipes())} `ganzoo list` shows all.")


def find_checkpoint(name: str) -> Path | None:
    """Returns the folder of a bundled checkpoint, named with `-` or `_`, or None."""
    stem = name.replace("_", "-")
    return CHECKPOINTS / stem if stem in list_checkpoints() else None


def checkpoint_of(recipe: str) -> Path | None:
    """Returns the folder of the bundled checkpoint that a recipe has trained, or None.

    It has the recipe's name, without `_small`: `sagan-cifar10` is that of `sagan_cifar10_small`. Its card says whose it
    is where there are both recipes.
    """
    folder = find_checkpoint(recipe.removesuffix("_small"))
    if folder is None or f"\n  recipe: {recipe}\n" not in (folder / "README.md").read_text(encoding="utf-8"):
        return None
    return folder


def name_or_path(folder: Path) -> str:
    """Returns by what `ganzoo` loads a checkpoint folder here: a bundled checkpoint's name, else a path."""
    folder = folder.resolve()
    if folder.parent == CHECKPOINTS.resolve():
        return folder.name
    here = Path.cwd().resolve()
    return f"./{folder.relative_to(here).as_posix()}" if folder.is_relative_to(here) else str(folder)


def title_of(folder: Path) -> str:
    """Returns a checkpoint folder's title: its name, but of a run's export the recipe's and the run's."""
    run = folder.absolute().parent
    return f"{run.parent.name}-{run.name}".replace("_", "-") if folder.name == "export" else folder.absolute().name


def model_class_path(recipe: Path) -> str:
    """Returns the import path of a recipe's model class."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML has it
    return yaml.load(recipe.read_text(), loader)["model"]["class_path"]


@cache
def variant(class_path: str) -> Variant:
    """Reads title, paper, year and address of a model class from its file's docstring, without importing it.

    Of a module that is not ganzoo's this is known once it has been imported.
    """
    module, _, name = class_path.rpartition(".")
    file = PACKAGE.parent.joinpath(*module.split(".")).with_suffix(".py")
    if file.is_file():
        text = file.read_text(encoding="utf-8")
        end = text.find('"""', 3) + 3 if text.startswith('"""') else len(text)  # the rest need not be parsed
        docstring = ast.get_docstring(ast.parse(text[:end])) or ""
    else:
        imported = sys.modules.get(module) if module != "__main__" else None
        docstring = inspect.cleandoc(getattr(imported, "__doc__", None) or "")
    title, _, rest = docstring.partition("\n")
    if ":" not in title:  # a module that tells something else, perhaps of several classes
        title = name
    fields = dict(line.split(": ", 1) for line in rest.splitlines() if ": " in line and line[0].isupper())
    paper = fields.get("Paper", "").rstrip(".")
    year = paper[-4:] if paper[-4:].isdigit() else ""
    return Variant(module, title, paper, year, fields.get("URL", "").split(" ")[0])
