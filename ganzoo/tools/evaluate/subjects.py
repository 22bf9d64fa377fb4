"""Subjects of `ganzoo evaluate`: a model, or samples in files; and the data that they are compared with."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ganzoo import data
from ganzoo.checkpoints import locate
from ganzoo.checkpoints.build import make_datamodule
from ganzoo.checkpoints.loading import read_model
from ganzoo.checkpoints.origin import Origin, dtypes
from ganzoo.checkpoints.trust import PLAIN, parse_yaml
from ganzoo.common import registry
from ganzoo.common.errors import GanzooError, nearest, require_at_least
from ganzoo.common.kinds import IMAGES, Kind
from ganzoo.common.parser_errors import innermost
from ganzoo.data.decoding import Pictures
from ganzoo.data.finding import find_pictures
from ganzoo.data.folders import FOLDERS, kind_of_folder, open_folder
from ganzoo.games.game import Game
from ganzoo.games.sampler import Sampler
from ganzoo.metrics.extractors import EXTRACTORS
from ganzoo.training.provenance import WORDS, same_place

GREY = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L")
RESIZED = {"interpolation": "Lanczos (Pillow)", "antialias": True, "crop": "middle square"}
UNSCORED = ("root", "title", "licence", "source")  # what no score of a stranger's data depends on: its path, and words
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Album:
    """Pictures in a folder or a zip.

    Attributes:
        name: By which it was found.
        root: The folder or zip.
        shapes: How many of its pictures are (channels, height, width) large; unreadable ones are left out.
    """

    name: str
    root: Path
    shapes: Counter[Shape]

    kind = IMAGES
    items = "pictures"

    @property
    def channels(self) -> int:
        """Channels of all: 1 if all are grey, else 3."""
        return max(shape[0] for shape in self.shapes)

    def sizes(self) -> dict[str, int]:
        """Returns the number of pictures by size, the most frequent first."""
        sizes: Counter[str] = Counter()
        for (_, height, width), count in self.shapes.items():
            sizes[f"{width}x{height}"] += count
        return dict(sizes.most_common())

    def resize(self, shape: Shape) -> dict[str, Any] | None:
        """Returns how its pictures are resized to a shape (C, H, W); None if they have that size already."""
        size = f"{shape[2]}x{shape[1]}"
        return None if [*self.sizes()] == [size] else {"from": self.sizes(), "to": size, **RESIZED}

    def open(self, shape: Shape) -> data.ImageFolder:
        """Returns its pictures at a shape (C, H, W), as data without a held-out part."""
        return data.ImageFolder(str(self.root), size=shape[1], channels=shape[0], splits=False, batch_size=500)


@dataclass(frozen=True)
class Collection:
    """Solids, tunes or clips in a folder, a zip or a file.

    Attributes:
        name: By which it was found.
        root: The folder, zip or file.
        kind: Of its samples.
    """

    name: str
    root: Path
    kind: Kind

    @property
    def items(self) -> str:
        """Name of its samples, such as `solids`."""
        return self.kind.items

    def sizes(self) -> dict[str, int]:
        """Returns nothing: files of meshes, tunes and videos have no size of their own."""
        return {}

    def resize(self, shape: Shape) -> dict[str, Any]:
        """Returns to which shape its samples are brought."""
        return {"to": "x".join(map(str, shape))}

    def open(self, shape: Shape) -> data.DataModule:
        """Returns its samples at a shape, as data without a held-out part."""
        return open_folder(str(self.root), self.kind, shape)


def find_subject(
    name: str, revision: str | None, weights: str | None, device: torch.device
) -> Game | Album | Collection:
    """Returns the subject of that name: a model in evaluation mode, or samples in files.

    Args:
        name: A bundled checkpoint, a checkpoint folder, a run, a .ckpt, a Hub repository, or a folder of samples.
        revision: Of a repository.
        weights: `best` or `last` of a run; best by default, if it is there.
        device: For the model.

    Raises:
        GanzooError: It is nothing of the kind, or cannot be loaded.
    """
    place = locate.find_place(name, revision, weights)
    if place is not None and (place.kind != "training checkpoint" or place.path.suffix == ".ckpt"):
        return read_model(place, revision, device=device)
    path = Path(name).expanduser()
    if locate.newest_run(path):
        raise locate.no_model(name)
    if path.exists():
        return read_folder(name, "NAME")
    names = registry.list_checkpoints()
    raise GanzooError(
        f"there is no checkpoint, run or folder of pictures '{name}'.{nearest(name.replace('_', '-'), names)} "
        f"Bundled: {', '.join(names)}."
    )


def read_folder(name: str, field: str, kind: Kind | None = None) -> Album | Collection:
    """Returns the samples in a folder, zip or file.

    Args:
        name: The folder, zip or file.
        field: What an error names.
        kind: Of the samples, if it is known; by default what most of the files are.

    Raises:
        GanzooError: It holds no samples that can be read.
    """
    root = Path(name).expanduser()
    try:
        kind = kind or kind_of_folder(root)
    except GanzooError as error:
        raise error.of(field) from error
    return read_album(name, field) if kind is IMAGES else Collection(name, root, kind)


def read_album(name: str, field: str) -> Album:
    """Returns the pictures in a folder or zip, by their headers.

    Args:
        name: The folder or zip.
        field: What an error names.

    Raises:
        GanzooError: It holds no picture that can be read.
    """
    root = Path(name).expanduser()
    try:
        files = find_pictures(root)
    except GanzooError as error:
        raise error.of(field) from error
    opened = Pictures(root, files, size=1, channels=3)
    shapes: Counter[Shape] = Counter()
    for file in files:
        try:
            with Image.open(BytesIO(opened.read(file))) as image:
                shapes[1 if image.mode in GREY else 3, image.height, image.width] += 1
        except Exception:  # Pillow fails in many ways; ImageFolder will name the file
            continue
    if not shapes:
        raise GanzooError(f"{field}: none of the {len(files)} pictures in {root} can be read.")
    return Album(name, root, shapes)


def common_shape(albums: Sequence[Album], size: int | None, channels: int | None, drawn: Shape | None = None) -> Shape:
    """Returns the shape (C, H, W) at which pictures are compared: their own, or the user's.

    Args:
        albums: What is compared, at least one.
        size: The user's, if any.
        channels: Likewise.
        drawn: What a model draws, which is not resized.

    Raises:
        GanzooError: They differ, and the user has not said what is to happen.
    """
    sizes_text = "; ".join(f"{a.name}: {_listed(a.sizes())}" for a in albums)
    sizes_text += f"; the model draws {drawn[2]}x{drawn[1]}" if drawn else ""
    sizes = {size for a in albums for size in a.sizes()} | ({f"{drawn[2]}x{drawn[1]}"} if drawn else set())
    if drawn and size not in (None, *drawn[1:]):
        raise GanzooError(f"--size: {size} given, but the model draws {drawn[2]}x{drawn[1]}, which are not resized.")
    if size is None:
        width, _, height = min(sizes).partition("x")
        if len(sizes) > 1 or width != height:
            raise GanzooError(f"--size: not given, and the pictures are not all square and of one size ({sizes_text}).")
        size = int(width)
    require_at_least("--size", size, 1)
    kinds = {a.channels for a in albums} | ({drawn[0]} if drawn else set())
    if channels is None and len(kinds) > 1:
        raise GanzooError("--channels: some of what is compared is grey and some in colour; give 1 or 3 for both.")
    if drawn and channels not in (None, drawn[0]):
        raise GanzooError(f"--channels: {channels} given, but the model's images have {drawn[0]}.")
    return (channels or kinds.pop(), size, size)


def folder_shape(
    folders: Sequence[Album | Collection], size: int | None, channels: int | None, drawn: Shape | None = None
) -> Shape:
    """Returns the shape at which samples in files are compared: see `common_shape`; of what is no picture, the model's.

    Args:
        folders: What is compared, at least one.
        size: The user's, if any.
        channels: Likewise.
        drawn: What a model draws.

    Raises:
        GanzooError: They are of several kinds, or differ, and the user has not said what is to happen.
    """
    kinds = {folder.kind for folder in folders}
    if len(kinds) > 1:
        held = ", ".join(f"'{folder.name}' {folder.items}" for folder in folders)
        raise GanzooError(f"--data: both must hold samples of one kind, not {held}.")
    albums = [folder for folder in folders if isinstance(folder, Album)]
    if albums:
        return common_shape(albums, size, channels, drawn)
    if drawn is not None:
        for field, value in (("size", size), ("channels", channels)):
            if value is not None:
                raise GanzooError(f"--{field}: {value} given, but the model's {folders[0].items} say it; leave it out.")
    return drawn or FOLDERS[kinds.pop().name].shape([folder.root for folder in folders], size, channels)


def recipe_of(subject: Game | Album | Collection) -> dict[str, Any]:
    """Returns the recipe of a model; nothing of samples in files, or if there is none."""
    try:
        recipe = parse_yaml(subject.recipe) if isinstance(subject, Game) else {}
    except (ValueError, AttributeError):
        recipe = {}
    return recipe if isinstance(recipe, dict) else {}


def recipe_data(origin: Origin, recipe: dict[str, Any], root: str | None) -> Any:
    """Returns the data module that a model's recipe names; `origin` is where the model comes from.

    A stranger's recipe may name ganzoo's own data sets, with numbers and plain words for arguments, and no file.

    Raises:
        GanzooError: It names none, or one that is not trusted, or says of it what is not.
    """
    section = recipe.get("data")
    if not isinstance(section, dict) or "class_path" not in section:
        raise GanzooError(f"--data: not given, and the recipe of '{origin.name}' names none; give a data set.")
    arguments = dict(section.get("init_args") or {})
    if not origin.own:
        known = {f"ganzoo.data.{name}" for name in data.__all__}
        if section["class_path"] not in known:
            raise GanzooError(f"--data: not given, and the recipe of '{origin.name}' names data that is not ganzoo's.")
        plain = {key: value for key, value in arguments.items() if key != "root" and _is_plain(value)}
        if missing := [key for key in arguments if key not in plain and key not in UNSCORED]:
            problem = f"says of its data what is neither a plain word nor a number: {missing[0]}"
            raise GanzooError(f"--data: not given, and the recipe of '{origin.name}' {problem}; give a data set.")
        arguments = plain
    if root is not None:
        if "root" in arguments and not same_place(arguments["root"], root):  # pictures that the recipe does not know
            arguments = {key: value for key, value in arguments.items() if key not in WORDS}
        arguments["root"] = root
    try:
        return make_datamodule({"data": {"class_path": section["class_path"], "init_args": arguments}})
    except Exception as error:  # the parser's, with ours inside
        raise innermost(error) from error


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, int | float) or (isinstance(value, str) and bool(PLAIN.fullmatch(value)))


def recipe_quality(origin: Origin, recipe: dict[str, Any]) -> dict[str, Any]:
    """Returns the settings of scores in the recipe of a model from `origin`: seed, batch_size, features, metrics.

    A stranger's recipe may name extractors that come with ganzoo, and no file.
    """
    section = recipe.get("quality")
    if not isinstance(section, dict):
        return {}
    if origin.own:
        return {name: section[name] for name in ("seed", "batch_size", "features", "metrics") if section.get(name)}
    numbers = {name: section.get(name) for name in ("seed", "batch_size")}
    numbers = {name: number for name, number in numbers.items() if isinstance(number, int) and 0 < number < 2**31}
    return numbers | ({"features": section["features"]} if section.get("features") in EXTRACTORS else {})


def weights_record(model: Game) -> dict[str, Any]:
    """Returns all that is known of a loaded model's weights."""
    origin = model.origin
    hub = {"revision": origin.revision, "commit": origin.commit} if not origin.own else {}
    averaged = model.drawn_by in model.averages if isinstance(model, Sampler) else len(model.averages) > 0
    return {
        "file": origin.file.name,
        "sha256": origin.sha256,
        "chosen": origin.chosen,
        "step": origin.step,
        **hub,
        "averaged": averaged,
        "stored": "/".join(origin.stored),
        "computed": "/".join(dtypes(model.parameters())),
    }


def _listed(sizes: dict[str, int], most: int = 3) -> str:
    rest = f" and {len(sizes) - most} more" if len(sizes) > most else ""
    return ", ".join([*sizes][:most]) + rest
