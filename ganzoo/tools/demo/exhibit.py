"""Models that a demo page shows: loading, what is said of them, and examples to try them with."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ganzoo.checkpoints.folder_format import PICTURE
from ganzoo.checkpoints.hashes import METADATA, card_metadata
from ganzoo.checkpoints.licences import licence_of
from ganzoo.checkpoints.loading import read_model
from ganzoo.checkpoints.locate import Location, locate
from ganzoo.checkpoints.trust import parse_yaml
from ganzoo.common import registry
from ganzoo.common.errors import GanzooError, one_line
from ganzoo.common.hardware import find_device
from ganzoo.common.kinds import Kind, default_kind
from ganzoo.common.threads import adapt_threads
from ganzoo.drawing.plot import concise
from ganzoo.drawing.previews import leftmost_images
from ganzoo.games.capabilities import PredictsFrames, Reconstructs, Translates
from ganzoo.games.sampler import Sampler

TIMED = 16  # images by which threads are chosen
LOADED = 4  # models that are kept in memory
SHOWN_SCORES = 3
EXAMPLES = 4
HUB = "https://huggingface.co/"
ON_HUB = re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)")  # a picture in a card, which lies beside it and not on the page


@dataclass(frozen=True)
class Exhibit:
    """A loaded model, and by what it is called.

    Attributes:
        title: its name on the page.
        place: its name in commands.
        model: in evaluation mode.
        folder: checkpoint folder on this disk; None of others.
    """

    title: str
    place: str
    model: Any
    folder: Path | None = None

    @property
    def kind(self) -> Kind:
        """Kind of what the model makes."""
        shape = next((shape for shape in map(shape_of, networks(self.model)) if shape), (1, 1, 1))
        return self.model.kind or default_kind(tuple(shape))


@dataclass(frozen=True)
class About:
    """What a page says of a model.

    Attributes:
        title: its name.
        sentence: what it is.
        paper: authors, title and year.
        url: of the paper.
        licence: of the data, by the card.
        data: the data's title.
        scores: names and values, the first few of the card's.
        card: the model card, without metadata and pictures.
        link: where the card is on the Hub; empty of what is not there.
    """

    title: str
    sentence: str
    paper: str
    url: str
    licence: str
    data: str
    scores: tuple[tuple[str, str], ...]
    card: str
    link: str


def open_exhibit(name: str, revision: str | None = None, device: str = "cpu", threads: int | None = None) -> Exhibit:
    """Loads a model to be shown.

    Args:
        name: see `ganzoo.load`.
        revision: branch, tag or commit of a Hub repository.
        device: cpu, cuda, mps.
        threads: CPU threads; None for one, or all where that is faster.

    Raises:
        GanzooError: if it cannot be loaded, or there is nothing to show.
    """
    place = locate(name, revision)
    model = read_model(place, revision, device=find_device(device))
    if not isinstance(model, Sampler | Translates | Reconstructs):
        raise GanzooError(f"'{name}' is a {type(model).__name__}, which makes nothing that a page could show.")
    if isinstance(model, Sampler) and model.device.type == "cpu":
        adapt_threads(lambda n: model.sample(n, seed=0), TIMED, threads)
    folder = place.weights if place.own and place.weights.is_dir() else None
    return Exhibit(title_of(place, folder), command_name(place, folder), model, folder)


def opener(revision: str | None, device: str, threads: int | None) -> Callable[[str], Exhibit]:
    """Returns a function that loads models by their names, and keeps the last few in memory."""

    @lru_cache(maxsize=LOADED)
    def opened(name: str) -> Exhibit:
        return open_exhibit(name, revision, device, threads)

    return opened


def title_of(place: Location, folder: Path | None) -> str:
    """Returns a model's name on the page: of a checkpoint its folder's, of a run both its names."""
    if folder is not None:
        return registry.title_of(folder)
    return place.name if not place.own else "-".join(place.path.resolve().parts[-2:])


def command_name(place: Location, folder: Path | None) -> str:
    """Returns by what commands find a model."""
    return registry.name_or_path(folder) if folder is not None else place.name


def describe(exhibit: Exhibit) -> About:
    """Returns what the page says of a model; a stranger may have written its card."""
    model, card = exhibit.model, getattr(exhibit.model, "card", "") or ""
    variant = registry.variant(f"{type(model).__module__}.{type(model).__qualname__}")
    try:
        metadata = card_metadata(card)
    except ValueError:
        metadata = {}
    text = METADATA.sub("", card, count=1)
    data = re.search(r"^- Data: (.*?), licence: ", card, re.MULTILINE)
    origin = getattr(model, "origin", None)
    return About(
        exhibit.title,
        one_line(variant.title),
        one_line(variant.paper),
        variant.url if variant.url.startswith("https://") else "",
        one_line(licence_of(card)) if card and metadata else "",
        one_line(data[1]) if data else "",
        card_scores(metadata)[:SHOWN_SCORES],
        # neither a picture nor markup, which could fetch something from elsewhere
        ON_HUB.sub("", text).replace("![", "[").replace("<", "&lt;").strip(),
        "" if origin is None or origin.own else HUB + exhibit.place,
    )


def card_scores(metadata: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Returns names and values of the scores in a card's metadata; none if they are not in the form that is written."""
    try:
        metrics = metadata["model-index"][0]["results"][0]["metrics"]
        scores = tuple((one_line(str(one["name"])), concise(float(one["value"]))) for one in metrics)
    except (KeyError, IndexError, TypeError, ValueError):
        return ()
    return tuple(score for score in scores if not score[0].startswith("is_std"))


def networks(model: Any) -> list[Any]:
    """Returns the networks of a model that make what it makes."""
    names = (*getattr(model, "finished_by", ()), *getattr(model, "of_samples", ()), "generator", "decoder")
    return [getattr(model, name) for name in names if hasattr(model, name)]


def shape_of(network: Any) -> tuple[Any, ...] | None:
    """Returns the shape of what a network makes; None where it does not say."""
    shape = getattr(network, "shape", None)
    return tuple(shape) if shape else None


def class_choices(model: Any) -> list[str]:
    """Returns the names of a model's classes, or their numbers where they have none."""
    return [*(getattr(model, "class_names", ()) or map(str, range(getattr(model, "n_classes", 0))))]


def takes_text(model: Any) -> bool:
    """Returns whether samples are drawn under words."""
    from ganzoo.common.conditions import Condition

    condition = getattr(model, "condition", None)
    own = condition is not None and type(condition).from_words is not Condition.from_words
    return own or hasattr(model, "encode_text")


def truncates(model: Any) -> bool:
    """Returns whether truncation changes the points of a model's latent space."""
    y, raw = model.conditions(2), model.space.raw(2, 0)
    return not torch.equal(model.space.place(raw, 1.0, y), model.space.place(raw, 0.5, y))


def is_random(model: Any) -> bool:
    """Returns whether a translation depends on a seed."""
    shape = getattr(model.generator, "source_shape", None) or (3, None, None)
    x = torch.zeros(1, shape[0], *(side or 64 for side in shape[1:]))
    return not torch.equal(model.translate(x, seed=0), model.translate(x, seed=1))


def example_pictures(exhibit: Exhibit, folder: Path) -> list[Path]:
    """Writes sources, cut out of the picture of a translator's checkpoint, for visitors without any of their own.

    Args:
        exhibit: a translator.
        folder: where to.

    Returns:
        Pictures, or GIFs where sources are frames; none where the checkpoint has no picture of a known size.
    """
    picture = None if exhibit.folder is None else exhibit.folder / PICTURE
    side = picture_side(exhibit.model)
    if picture is None or not picture.is_file() or side is None:
        return []
    network = exhibit.model.generator
    frames = exhibit.model.frames if isinstance(exhibit.model, PredictsFrames) else 1
    shape = getattr(network, "source_shape", None) or (3, None, None)
    small = side // getattr(network, "factor", 1)
    size = (shape[2] or small, shape[1] or small)
    with Image.open(picture) as sheet:
        rows = leftmost_images(sheet.convert("RGB"), side, frames, EXAMPLES)
    written = []
    for number, row in enumerate(rows):
        images = [image.resize(size, Image.Resampling.NEAREST) for image in row]
        path = folder / f"example-{number + 1}.{'gif' if frames > 1 else 'png'}"
        options: dict[str, Any] = {"save_all": True, "append_images": images[1:], "duration": 120} if frames > 1 else {}
        images[0].save(path, **options)
        written.append(path)
    return written


def picture_side(model: Any) -> int | None:
    """Returns the sides in pixels of what a translator was trained to make; None where that is not known."""
    shape = shape_of(model.generator)
    if shape is not None and len(shape) == 3 and shape[1] is not None:
        return int(shape[1])
    try:
        size = parse_yaml(model.recipe)["data"]["init_args"]["size"]
    except (ValueError, KeyError, TypeError):
        return None
    return size if isinstance(size, int) and 0 < size <= 1024 else None
