"""Pages of classes and functions: one for each room of the package that is used from Python, by mkdocstrings."""

import ast
from pathlib import Path

import ganzoo
from ganzoo.common import registry

# Room, its heading, and what it is for, in the order of the navigation.
ROOMS = {
    "games": (
        "Games",
        "The training loop, its players, latent spaces, and the kinds of game that variants are.",
    ),
    "losses": ("Losses", "Objectives and penalties: pure functions of tensors and networks."),
    "stabilisers": ("Stabilisers", "What a recipe can add to any game with a discriminator."),
    "data": ("Data", "Data sets and folders of pictures, clips, captions, voxels and music as LightningDataModules."),
    "metrics": ("Metrics", "Scores of samples: extractors, distances, intervals."),
    "drawing": ("Drawing", "Tensors and curves as pictures, movies and figures."),
    "checkpoints": ("Checkpoints", "Trained models outside a run: folders, cards, trust, the Hub, other runtimes."),
    "tools": ("Commands", "Every command of `ganzoo` as a function."),
}


def modules_of(room: str) -> list[str]:
    """Returns the modules of a room that have something public.

    These are its files, its packages as a whole, such as a command's, and the files of packages that are rooms of their
    own, such as `metrics.scores`.
    """
    folder = registry.PACKAGE / room
    files = [file for file in folder.glob("*.py") if not file.name.startswith("_")]
    for package in folder.glob("*/__init__.py"):
        files += [package] if public_names(package.read_text(encoding="utf-8")) else package.parent.glob("[!_]*.py")
    return sorted(module_name(file) for file in files if public_names(file.read_text(encoding="utf-8")))


def module_name(file: Path) -> str:
    """Returns the import path of a file."""
    parts = file.relative_to(registry.PACKAGE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def public_names(source: str) -> list[str]:
    """Returns the classes and functions that a file's text defines and does not hide."""
    body = ast.parse(source).body
    defined = (node.name for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef))
    return [name for name in defined if not name.startswith("_")]


def room_page(room: str) -> str:
    """Returns the page of a room."""
    title, text = ROOMS[room]
    blocks = "\n".join(f"::: {module}\n" for module in modules_of(room))
    return f"# {title}\n\n{text}\n{{.lead}}\n\n{blocks}"


def package_page() -> str:
    """Returns the page of what `import ganzoo` has."""
    rooms = "\n".join(f"- [{title}]({room}.md): {text}" for room, (title, text) in ROOMS.items())
    blocks = "\n".join(f"::: ganzoo.{name}\n" for name in ganzoo.__all__)
    return (
        "# ganzoo in Python\n\nWhat `import ganzoo` has. The rest is in the rooms of the package:\n{.lead}\n\n"
        f"{rooms}\n- the [variants](../models/index.md), each on its own page\n\n{blocks}"
    )
