"""What is on disk: recipes, bundled checkpoints and the variants they name. Imports nothing heavy."""

import ast
import inspect
import logging
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ganzoo.common.errors import GanzooError, nearest

log = logging.getLogger(__name__)

PACKAGE = Path(__file__).parents[1]
WEIGHTS = ("best.ckpt", "last.ckpt")  # of a run, in the order in which they are taken
PUBLISHED = "model.safetensors"  # of a checkpoint folder


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


def locate(name: str) -> Path | None:
    """Returns where a model lies on this disk: what the path leads to, else a bundled checkpoint; None if nothing does.

    A checkpoint folder, a run or a .ckpt goes before the bundled checkpoint of the same name; that is said.
    """
    path, bundled = Path(name).expanduser(), find_checkpoint(name)
    if bundled is None or not path.exists() or path.resolve() == bundled.resolve():
        return bundled or (path if path.exists() else None)
    if path.suffix == ".ckpt" or is_run(path) or (path / PUBLISHED).is_file():
        log.warning("'%s' is both here and bundled: the one here is taken (%s)", name, path.resolve())
        return path
    log.warning("'%s' here is no model: the bundled checkpoint of that name is taken, not ./%s", name, name)
    return bundled


def is_run(folder: Path) -> bool:
    """Whether a folder is a run's, with weights."""
    return any((folder / name).is_file() for name in WEIGHTS)


def weights_of(run: Path) -> Path | None:
    """Returns what stands for a run: its best.ckpt, else its last.ckpt, else its export; None if this is no run."""
    found = next((run / name for name in WEIGHTS if (run / name).is_file()), None)
    return found or (run / "export" if (run / "export" / PUBLISHED).is_file() else None)


def checkpoint_folder(name: str) -> Path | None:
    """Returns a bundled checkpoint, a checkpoint folder or a run's export by its name or path; None if there is none.

    Raises:
        GanzooError: it is a run without an export, or a .ckpt.
    """
    path = locate(name)
    if path is None or (path / PUBLISHED).is_file():
        return path
    if (path / "export" / PUBLISHED).is_file():
        log.warning("'%s' is a run: its export is taken (%s)", name, path / "export")
        return path / "export"
    if path.suffix == ".ckpt" or is_run(path):
        run = path if path.is_dir() else path.parent
        raise GanzooError(
            f"'{name}' is no checkpoint folder, which has a card; write one with ganzoo export {run} -o FOLDER."
        )
    return path if path.is_dir() else None


def newest_run(folder: Path) -> str:
    """Says which is the newest run in a folder of runs, which is none itself; "" if there are none."""
    runs = sorted(folder.glob("*/last.ckpt"), key=lambda file: file.stat().st_mtime)
    return f"'{folder}' holds {len(runs)} run(s), and is none itself; the newest is {runs[-1].parent}." if runs else ""


def called(folder: Path) -> str:
    """Returns what names a checkpoint folder to `ganzoo` here: a path, but of a bundled checkpoint its name."""
    folder = folder.resolve()
    if folder.parent == CHECKPOINTS.resolve():
        return folder.name
    here = Path.cwd().resolve()
    return f"./{folder.relative_to(here).as_posix()}" if folder.is_relative_to(here) else str(folder)


def title_of(folder: Path) -> str:
    """Returns a checkpoint folder's title: its name, but of a run's export the recipe's and the run's."""
    run = folder.absolute().parent
    return f"{run.parent.name}-{run.name}".replace("_", "-") if folder.name == "export" else folder.absolute().name


def class_path(recipe: Path) -> str:
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
        docstring = ast.get_docstring(ast.parse(file.read_text())) or ""
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
