"""The gallery: every bundled checkpoint on one page, a single file that asks for nothing else."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader
from PIL import Image

from ganzoo import __version__, registry
from ganzoo.curves import panels
from ganzoo.errors import GanzooError
from ganzoo.files import written
from ganzoo.hub import CURVES, PICTURE, no_checkpoint, read
from ganzoo.metrics.scores import made_by
from ganzoo.plot import concise, read_metrics
from ganzoo.previews import ways
from ganzoo.runs import duration
from ganzoo.stamp import metadata

WAYS, STEPS = 3, 12  # of a strip: ways between samples, and samples of each
TRAINER = ("max_steps", "precision")


@dataclass(frozen=True)
class Picture:
    """A picture as a page holds it."""

    uri: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True)
class Entry:
    """What the page says of a checkpoint."""

    name: str
    about: registry.Variant
    picture: Picture
    strip: Picture | None
    curves: Sequence[str]  # SVG elements
    scores: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, str]]
    commands: Sequence[str]


def write_gallery(out: Path, names: Sequence[str] = ()) -> Path:
    """Writes the gallery.

    Args:
        out: the page.
        names: bundled checkpoints or checkpoint folders; all bundled ones by default.

    Raises:
        GanzooError: if there is no such checkpoint, or it is not complete.
    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise GanzooError(f"-o: the gallery is a web page; name a file that ends in .html, not '{out}'.")
    entries = [entry(name) for name in names or registry.list_checkpoints()]
    entries.sort(key=lambda entry: (entry.about.year, entry.name))
    page = Environment(loader=PackageLoader("ganzoo", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    text = page.get_template("gallery.html").render(entries=entries, version=__version__)
    with written(out) as file:
        file.write_text(text, encoding="utf-8")
    return out


def entry(name: str) -> Entry:
    """Reads a checkpoint's folder and draws its strip.

    Raises:
        GanzooError: if there is no such checkpoint, or it is not complete.
    """
    folder = registry.find_checkpoint(name) or Path(name)
    if not folder.is_dir():
        raise no_checkpoint(name)
    model, name = read(folder), folder.resolve().name
    if not (folder / PICTURE).is_file():
        raise GanzooError(f"'{folder}' has no {PICTURE} to show.")
    about = metadata(model.card)
    strip, made = ways(model.eval(), WAYS, STEPS), made_by(model)
    told = (
        "translations of pictures of the reference split, in rows"
        if made == "translations"
        else f"{made} of seed 0, in rows"
    )
    return Entry(
        name=name,
        about=registry.variant(registry.class_path(folder / "recipe.yaml")),
        picture=embedded((folder / PICTURE).read_bytes(), f"{name}: {caption(model.card) or told}"),
        strip=None if strip is None else embedded(png(strip), f"{name}: {WAYS} ways from sample to sample, in rows"),
        curves=panels(read_metrics(folder / CURVES)) if (folder / CURVES).is_file() else (),
        scores=[(metric["name"], concise(metric["value"])) for metric in _metrics(about)],
        facts=facts(about.get("ganzoo", {}), model.card),
        commands=commands(name, about.get("ganzoo", {}).get("recipe", ""), folder, made),
    )


def _metrics(about: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        metric
        for model in about.get("model-index", [])
        for result in model["results"]
        for metric in result["metrics"]
        if not metric["name"].startswith("is_std")
    ]


def caption(card: str) -> str:
    """Returns what a card says that its picture's columns are; nothing of a plain grid of samples."""
    found = re.search(r"^Images of the reference split; (.*?)\.?$", card, re.MULTILINE)
    return f"images of the reference split; {found[1]}" if found else ""


def facts(about: dict[str, Any], card: str) -> list[tuple[str, str]]:
    """Returns what a checkpoint was made from, by what, and for how long."""
    data = re.search(r"^- Data: (.*?), licence: (.*?)\. ", card, re.MULTILINE)
    rows = [("data", data[1]), ("licence of the data", data[2])] if data else []
    if "steps" in about:
        rows.append(("training", f"{about['steps']:,} generator steps, {about['images']:,} images"))
        rows.append(("time", f"{duration(about['seconds'])} on {about['hardware']}"))
    return rows


def commands(name: str, recipe: str, folder: Path, made: str) -> list[str]:
    """Returns the command that made a checkpoint, with what it changed in its recipe, and the one to use it."""
    use = {"samples": f"ganzoo sample {name} -n 64", "translations": f"ganzoo translate {name} PICTURES -o OUT"}
    fit = []
    if recipe in registry.list_recipes():
        asked = yaml.safe_load(registry.find_recipe(recipe).read_text())
        done = yaml.safe_load((folder / "recipe.yaml").read_text())
        words = [
            f"--trainer.{key} {done['trainer'][key]}"
            for key in TRAINER
            if key in done.get("trainer", {}) and asked.get("trainer", {}).get(key) != done["trainer"][key]
        ]
        fit = [" ".join([f"ganzoo fit --recipe {recipe}", *words])]
    return [*fit, *([use[made]] if made in use else [])]


def embedded(content: bytes, alt: str) -> Picture:
    """Returns a picture whose bytes are in its address."""
    with Image.open(BytesIO(content)) as picture:
        kind, (width, height) = Image.MIME[str(picture.format)], picture.size
    return Picture(f"data:{kind};base64,{base64.b64encode(content).decode()}", alt, width, height)


def png(picture: Image.Image) -> bytes:
    """Returns a picture's bytes as PNG."""
    content = BytesIO()
    picture.save(content, "PNG", optimize=True)
    return content.getvalue()
