"""Web page of checkpoints: a single file that asks for nothing else."""

import base64
import math
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader
from PIL import Image

from ganzoo.checkpoints.folder_format import CURVES, PICTURE, read_folder
from ganzoo.checkpoints.hashes import card_metadata
from ganzoo.checkpoints.licences import DATA_LINE
from ganzoo.checkpoints.locate import locate_checkpoint
from ganzoo.common import registry
from ganzoo.common.class_names import class_list
from ganzoo.common.curves import read_metrics
from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write
from ganzoo.common.kinds import IMAGES, Kind
from ganzoo.common.text import duration
from ganzoo.common.version import __version__
from ganzoo.drawing.plot import concise
from ganzoo.drawing.previews import interpolation_picture
from ganzoo.games.capabilities import Composes, Output, PredictsFrames, output_of
from ganzoo.games.game import Game
from ganzoo.tools.gallery.players import Player, player_of
from ganzoo.tools.gallery.svg import panels

WAYS, STEPS = 3, 12  # of a strip: ways between samples, and samples of each
PICTURED: dict[Output, str] = {
    "samples": "samples of seed 0, in rows",
    "translations": "translations of pictures of the reference split, in rows",
    "classes": "classes",  # of which there is no picture
    "reconstructions": "reconstructions of pictures of the reference split, in rows",
}
USES: dict[str, str] = {
    "samples": "ganzoo sample {place} -n 64",
    "video": "ganzoo sample {place} -n 16 -o clips.gif",
    "voxels": "ganzoo sample {place} -n 9 -o solids.gif",
    "pieces": "ganzoo sample {place} --bars 8 -o pieces.wav",
    "translations": "ganzoo translate {place} PICTURES -o OUT",
    "frames": "ganzoo translate {place} CLIP -o OUT.gif --frames 5",
    "reconstructions": "ganzoo evaluate {place}",
}
TRAINER_SETTINGS = ("max_steps", "precision")


@dataclass(frozen=True)
class Picture:
    """Picture embedded in a page."""

    uri: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True)
class Sound:
    """Sound embedded in a page."""

    uri: str
    alt: str


@dataclass(frozen=True)
class GalleryEntry:
    """Entry of a checkpoint on the page."""

    name: str
    about: registry.Variant
    picture: Picture
    strip: Picture | None
    player: Picture | Sound | None  # of what moves or sounds
    curves: Sequence[str]  # SVG elements
    scores: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, str]]
    commands: Sequence[str]


def write_gallery(out: Path, names: Sequence[str] = ()) -> Path:
    """Writes the gallery.

    Args:
        out: the page.
        names: bundled checkpoints or checkpoint folders, each of which counts once; all bundled ones by default.

    Raises:
        GanzooError: if there is no such checkpoint, it is not complete, or two share a name.
    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise GanzooError(f"-o: the gallery is a web page; name a file that ends in .html, not '{out}'.")
    folders = list(dict.fromkeys(checkpoint_folder(name) for name in names or registry.list_checkpoints()))
    titles = [registry.title_of(folder) for folder in folders]
    if twice := next((name for name in titles if titles.count(name) > 1), None):
        raise GanzooError(f"two of the folders are named '{twice}', which is what tells them apart; rename one.")
    entries = [read_entry(folder) for folder in folders]
    entries.sort(key=lambda entry: (entry.about.year, entry.name))
    whole = sorted(folders) == sorted(map(checkpoint_folder, registry.list_checkpoints()))
    loader = PackageLoader("ganzoo.tools.gallery", ".")
    page = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    text = page.get_template("gallery.html").render(
        entries=entries, count=len(entries), whole=whole, version=__version__
    )
    with atomic_write(out) as file:
        file.write_text(text, encoding="utf-8")
    return out


def checkpoint_folder(name: str) -> Path:
    """Returns the folder of a bundled checkpoint, or a checkpoint folder.

    Raises:
        GanzooError: if there is no such checkpoint.
    """
    return locate_checkpoint(name).resolve()


def read_entry(folder: Path) -> GalleryEntry:
    """Returns the entry of a checkpoint's folder, its strip drawn.

    Raises:
        GanzooError: if it is not complete.
    """
    model, name = read_folder(folder), registry.title_of(folder)
    if not (folder / PICTURE).is_file():
        raise GanzooError(f"'{folder}' has no {PICTURE} to show.")
    about = card_metadata(model.card)
    strip, makes = interpolation_picture(model.eval(), WAYS, STEPS), output_of(model)
    player = player_of(model)
    return GalleryEntry(
        name=name,
        about=registry.variant(registry.model_class_path(folder / "recipe.yaml")),
        picture=embed((folder / PICTURE).read_bytes(), f"{name}: {picture_caption(model.card) or PICTURED[makes]}"),
        strip=None if strip is None else embed(png(strip), f"{name}: {WAYS} ways from sample to sample, in rows"),
        player=None if player is None else embed_player(player, name),
        curves=panels(read_metrics(folder / CURVES)) if (folder / CURVES).is_file() else (),
        scores=card_scores(about),
        facts=fact_rows(about.get("ganzoo", {}), model.card, model.kind),
        commands=commands_for(about.get("ganzoo", {}).get("recipe", ""), folder, use_of(model)),
    )


def use_of(model: Game) -> str:
    """Returns how a model is used, by the names in `USES`: what it makes, or more exactly what of."""
    makes, kind = output_of(model), model.kind
    if isinstance(model, PredictsFrames | Composes):
        return "frames" if isinstance(model, PredictsFrames) else "pieces"
    return kind.name if makes == "samples" and kind is not None and kind.name in USES else makes


def card_scores(about: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the scores in a card's metadata; none if somebody has written them in another form."""
    try:
        metrics = [
            metric for model in about["model-index"] for result in model["results"] for metric in result["metrics"]
        ]
        scores = [(str(metric["name"]), concise(float(metric["value"]))) for metric in metrics]
    except (KeyError, TypeError, ValueError):
        return []
    return [(name, value) for name, value in scores if not name.startswith("is_std")]


def picture_caption(card: str) -> str:
    """Returns the caption of a card's picture, which names its columns; empty of a plain grid of samples."""
    match = re.search(r"^Images of the reference split; (.*?)\.?$", card, re.MULTILINE)
    return f"images of the reference split; {match[1]}" if match else ""


def fact_rows(about: dict[str, Any], card: str, kind: Kind | None = None) -> list[tuple[str, str]]:
    """Returns rows on a checkpoint's data, licence, classes, training and time."""
    data = DATA_LINE.search(card)
    rows = [("data", data["data"]), ("licence of the data", data["licence"])] if data else []
    names = about.get("class_names")
    if isinstance(names, list) and all(isinstance(name, str) for name in names):  # as somebody may have written them
        rows.append(("classes", class_list(names)))
    steps, images, seconds, hardware = (about.get(name) for name in ("steps", "images", "seconds", "hardware"))
    if isinstance(steps, int) and isinstance(images, int):
        rows.append(("training", f"{steps:,} generator steps, {images:,} {(kind or IMAGES).items}"))
    if isinstance(seconds, int | float) and math.isfinite(seconds) and isinstance(hardware, str):
        rows.append(("time", f"{duration(seconds)} on {hardware}"))
    return rows


def commands_for(recipe: str, folder: Path, use: str) -> list[str]:
    """Returns the command that made a checkpoint, with what it changed in its recipe, and the one to use it.

    Of data that the recipe does not name nothing is said of the first: it would make another one.
    """
    place = shlex.quote(registry.name_or_path(folder))
    fit = []
    if recipe in registry.list_recipes():
        original = yaml.safe_load(registry.find_recipe(recipe).read_text())
        resolved = yaml.safe_load((folder / "recipe.yaml").read_text())
        trainer = resolved.get("trainer")
        words = [
            f"--trainer.{key} {trainer[key]}"
            for key in TRAINER_SETTINGS
            if isinstance(trainer, dict) and key in trainer and original.get("trainer", {}).get(key) != trainer[key]
        ]
        fit = [" ".join([f"ganzoo fit --recipe {recipe}", *words])] if same_data(original, resolved) else []
    return [*fit, *([USES[use].format(place=place)] if use in USES else [])]


def same_data(original: dict[str, Any], resolved: dict[str, Any]) -> bool:
    """Returns whether a resolved recipe's data is that of the original one, by its class and its place."""
    mine, theirs = (recipe.get("data") or {} for recipe in (original, resolved))
    places = [(data.get("init_args") or {}).get("root") for data in (mine, theirs)]
    return mine.get("class_path") == theirs.get("class_path") and (places[0] == places[1] or places[0] is None)


def embed(content: bytes, alt: str) -> Picture:
    """Returns a picture embedded in its address."""
    with Image.open(BytesIO(content)) as picture:
        kind, (width, height) = Image.MIME[str(picture.format)], picture.size
    return Picture(f"data:{kind};base64,{base64.b64encode(content).decode()}", alt, width, height)


def embed_player(player: Player, name: str) -> Picture | Sound:
    """Returns a player embedded in its address."""
    if player.sounds:
        address = f"data:{player.kind};base64,{base64.b64encode(player.content).decode()}"
        return Sound(address, f"{name}: {player.caption}")
    return embed(player.content, f"{name}: {player.caption}")


def png(picture: Image.Image) -> bytes:
    """Returns a picture's bytes as PNG."""
    content = BytesIO()
    picture.save(content, "PNG", optimize=True)
    return content.getvalue()
