"""The `ganzoo new` command: a variant to begin with, in a package of one's own or in the rooms of a checkout."""

import keyword
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from string import Template

from ganzoo.common import registry
from ganzoo.common.errors import GanzooError

TEMPLATES = Path(__file__).with_name("templates")
ACRONYMS = {"gan", "vae", "wgan"}  # parts of names that classes write in capitals


@dataclass(frozen=True)
class Scaffold:
    """Files of a new variant.

    Attributes:
        files: what was written.
        commands: that train and test it as it is.
    """

    files: tuple[Path, ...]
    commands: tuple[str, ...]


def new(name: str, *, out: Path | None = None) -> Scaffold:
    """Write a new variant that trains as it is: model, recipe and test.

    In a checkout of ganzoo they go to the rooms they belong in, anywhere else into a package of your own.

    Args:
        name: of the variant, such as my_gan: module, recipe and test are called by it.
        out: folder of a package of your own, also within a checkout; by default NAME in the current folder.

    Returns:
        The files, and the commands to go on with.

    Raises:
        GanzooError: if it is no name for a module, or something of that name is there.
    """
    name = name.replace("-", "_")
    if not name.isidentifier() or keyword.iskeyword(name) or name != name.lower() or name.startswith("_"):
        raise GanzooError(f"name: '{name}' is no name for a module; take small letters, digits and _, as in my_gan.")
    tree = registry.PACKAGE.parent
    inside = out is None and (tree / "tests" / "models").is_dir() and Path.cwd().is_relative_to(tree)
    texts, commands = _in_rooms(name) if inside else _own_package(name)
    folder = tree if inside else out or Path(name)
    if not inside and find_spec(name) is not None and not Path(name).is_dir():
        raise GanzooError(f"name: Python has a package '{name}' already, which would be imported in its place.")
    there = [folder / file for file in texts if (folder / file).exists()]
    if there:
        raise GanzooError(f"name: '{there[0]}' is there already; choose another name.")
    for file, text in texts.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
    here = [] if inside or folder.resolve() == Path.cwd() else [f"cd {folder}"]
    return Scaffold(tuple(folder / file for file in texts), (*here, *commands))


def shown(scaffold: Scaffold) -> list[str]:
    """Returns the files that were written, and what to do next."""
    return [*map(str, scaffold.files), "", "It trains as it is:", *(f"  {line}" for line in scaffold.commands)]


def class_name(name: str) -> str:
    """Returns the name of a variant's class: `MyGAN` of my_gan."""
    return "".join(part.upper() if part in ACRONYMS else part.capitalize() for part in name.split("_"))


def _in_rooms(name: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Returns the files of a variant in ganzoo's own rooms, and commands that train and test it."""
    words = _words(name, f"ganzoo.models.{name}")
    recipe, test = words["recipe"], f"tests/models/test_{name}.py"
    files = {
        f"ganzoo/models/{name}.py": _filled(words, "model"),
        f"recipes/{recipe}.yaml": _filled(words | {"file": recipe}, "recipe"),
        test: _filled(words, "imports_room", "property"),
    }
    train = f"ganzoo fit --recipe {recipe}"
    return files, (train, f"python -m pytest {test} tests/training/test_recipes.py -k {name}")


def _own_package(name: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Returns the files of a variant in a package of its own, and commands that train and test it."""
    words = _words(name, f"{name}.model")
    file = f"recipes/{words['recipe']}.yaml"
    files = {
        f"{name}/__init__.py": f'"""{words["title"]}, a variant for ganzoo."""\n',
        f"{name}/model.py": _filled(words, "model"),
        file: _filled(words | {"file": file}, "recipe"),
        f"tests/test_{name}.py": _filled(words, "imports_package", "property", "training"),
        "pyproject.toml": _filled(words, "pyproject"),
        "README.md": _filled(words, "readme"),
    }
    return files, (f"ganzoo fit --recipe {file}", "python -m pytest")


def _words(name: str, module: str) -> dict[str, str]:
    """Returns what takes the place of the names in templates."""
    distribution, year = name.replace("_", "-"), str(date.today().year)
    return {
        "name": name,
        "title": class_name(name),
        "module": module,
        "recipe": f"{name}_digits",
        "distribution": distribution,
        "year": year,
    }


def _filled(words: Mapping[str, str], *templates: str) -> str:
    """Returns templates, one below the other, with their words filled in."""
    texts = [(TEMPLATES / f"{template}.txt").read_text(encoding="utf-8") for template in templates]
    return "".join(Template(text).substitute(words) for text in texts)
