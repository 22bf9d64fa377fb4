"""Your own pictures: a folder or a zip of them."""

import logging
import os
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from itertools import takewhile
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from ganzoo.data.base import ImageDataModule, Loaded, Split
from ganzoo.data.pictures import MIDDLE, Pictures, all_grey
from ganzoo.errors import GanzooError

log = logging.getLogger(__name__)

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".jp2", ".avif")
RESIDENT_BYTES = 2 * 2**30


class ImageFolder(ImageDataModule):
    """Every picture below a folder or in a zip; the sub-folders, if all pictures lie in some, are the classes.

    Any format, mode, orientation and shape is welcome: the central square is resized to `size`. Files that cannot be
    read are skipped and named in a warning. Without `held_out` scores refer to the training pictures.

    Args:
        root: the folder or zip. A relative path that does not exist is also looked for under `$GANZOO_DATA`.
        size: height and width of the images in pixels.
        channels: 3 (RGB) or 1 (grey). Default: 1 if the headers of all pictures say grey, else 3.
        held_out: share of the pictures that make a test split: those whose paths have the lowest hashes. 0: none.
        title: what the pictures are, for model cards. Default: the name of the folder.
        licence: their terms.
        source: who made them, and where they come from.
        **kwargs: see `ImageDataModule`.

    Attributes:
        class_names: names of the sub-folders, in the order of the labels. Known after `inspect`.
    """

    def __init__(
        self,
        root: str | None = None,
        size: int = 64,
        channels: int | None = None,
        held_out: float = 0.0,
        title: str | None = None,
        licence: str = "unknown",
        source: str = "",
        **kwargs: Any,
    ) -> None:
        if channels not in (None, 1, 3):
            raise GanzooError(f"data.channels: {channels} given, but it must be 3 (RGB) or 1 (grey).")
        if not 0 <= held_out < 1:
            raise GanzooError(f"data.held_out: {held_out} given, but it must be at least 0 and below 1.")
        self._channels, self.held_out = channels, held_out
        self._names: list[str] | None = None
        super().__init__(root, size, **kwargs)
        self.reference = "test" if held_out else "train"
        if root is not None and not self.root.exists():
            self.root = next((path for path in _elsewhere(root) if path.exists()), self.root)
        self.named = root is not None
        self.title = title or (self.root.stem if self.named else "pictures")
        self.licence, self.source = licence, source

    @property
    def channels(self) -> int:
        """3 (RGB) or 1 (grey); where that was left open, the pictures are looked at, and 3 without any."""
        if self._channels is None:
            with suppress(GanzooError):  # `inspect` and `split` say what is wrong
                self.inspect()
        return self._channels or 3

    @channels.setter
    def channels(self, channels: int | None) -> None:
        self._channels = channels

    def inspect(self) -> None:
        """Finds the pictures and their classes, and whether all are grey where `channels` is left open.

        Raises:
            GanzooError: there are none, or the folder or zip is missing or damaged.
        """
        if self._names is not None:
            return
        if not self.named:
            raise GanzooError("data.root: not given. Name the folder or the zip of your pictures with --data.root.")
        names = find_pictures(self.root)
        self._labels(names, names)
        if self._channels is None:
            self._channels = 1 if all_grey(Pictures(self.root, names, self.size, 3)) else 3
        self._names = names

    @property
    def resized(self) -> str:
        """The middle square; what has the size already is left as it is by that."""
        return MIDDLE

    def load(self, split: Split) -> Loaded:
        """Finds, decodes and labels the pictures; those that do not fit into 2 GiB are decoded batch by batch."""
        self.inspect()
        assert self._names is not None
        everything = self._names
        names = self._of_split(everything, split)
        pictures = self.pictures(split, names)
        resident = pictures.fixed and len(names) * prod(pictures.shape) <= RESIDENT_BYTES
        images = torch.empty((len(names) if resident else 0, *pictures.shape), dtype=torch.uint8)

        def check(index: int) -> str:
            """Reads one picture; returns what is wrong with it."""
            try:
                if resident:
                    images[index] = pictures.decode(index)
                else:
                    pictures.check(index)
            except Exception as error:
                return f"{type(error).__name__}: {error}"
            return ""

        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            faults = list(pool.map(check, range(len(names))))
        good = [index for index, fault in enumerate(faults) if not fault]
        bad = [name for name, fault in zip(names, faults, strict=True) if fault]
        self._report(bad, len(names), max(faults))
        pictures.names = [names[index] for index in good]
        labels = self._labels(pictures.names, sorted({*everything}.difference(bad)))
        if not resident:
            return pictures, labels
        return images if len(good) == len(names) else images[good], labels

    def _of_split(self, names: list[str], split: Split) -> list[str]:
        """Returns those of the sorted paths that belong to a split."""
        if not self.held_out:
            return names
        count = max(1, round(self.held_out * len(names)))
        if count == len(names):
            raise GanzooError(
                f"data.held_out: {self.held_out} given, but of {count} picture(s) none is left to train on."
            )
        held = {*sorted(names, key=lambda name: sha256(name.encode()).digest())[:count]}
        return [name for name in names if (name in held) == (split == "test")]

    def pictures(self, split: Split, names: list[str]) -> Pictures:
        """Returns what decodes these pictures of a split."""
        return Pictures(self.root, names, self.size, self.channels)

    def _report(self, bad: list[str], total: int, fault: str) -> None:
        if len(bad) == total:
            raise GanzooError(f"data.root: none of the {total} pictures in {self.root} can be read ({fault}).")
        if bad:
            named = ", ".join(bad[:5]) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "")
            rank_zero_only(log.warning)(
                f"{self.root.name}: skipped {len(bad)} of {total} pictures that cannot be read: {named} ({fault})"
            )

    def _labels(self, names: list[str], everything: list[str]) -> Tensor | None:
        """Returns the class of each picture, or None without at least two folders that hold all of `everything`."""
        folders = [PurePosixPath(name).parts[:-1] for name in everything]
        # a zip often wraps everything in one folder: what all paths share says nothing
        depth = len(list(takewhile(lambda level: len(set(level)) == 1, zip(*folders, strict=False))))
        if not all(len(folder) > depth for folder in folders):
            return None
        self.class_names = tuple(sorted({folder[depth] for folder in folders}))
        self.n_classes = len(self.class_names)
        numbers = {name: number for number, name in enumerate(self.class_names)}
        return torch.tensor([numbers[PurePosixPath(name).parts[depth]] for name in names])


def _elsewhere(root: str) -> list[Path]:
    data = os.environ.get("GANZOO_DATA")
    return [Path(data).expanduser() / root] if data else []


def find_pictures(root: Path) -> list[str]:
    """Returns the sorted paths of the pictures inside a folder or zip.

    Raises:
        GanzooError: it is missing, neither a folder nor a zip, or has no picture.
    """
    if root.is_dir():
        files = [file.relative_to(root).as_posix() for file in _walk(root)]
    elif zipfile.is_zipfile(root):
        with zipfile.ZipFile(root) as archive:
            files = [item.filename for item in archive.infolist() if not item.is_dir()]
        climbing = next((file for file in files if file.startswith("/") or ".." in PurePosixPath(file).parts), None)
        if climbing is not None:  # nothing is ever unpacked, but such a zip was made to do harm
            raise GanzooError(f"data.root: {root} holds '{climbing}', a path that leads out of it.")
    elif root.exists():
        raise GanzooError(f"data.root: {root} is neither a folder nor a zip. Give a folder or a zip of pictures.")
    else:
        looked = ", ".join(str(path) for path in [root.absolute(), *_elsewhere(str(root))])
        raise GanzooError(
            f"data.root: {root} does not exist (looked for {looked}). Give a folder or a zip of pictures."
        )
    names = sorted(file for file in files if file.lower().endswith(SUFFIXES) and not _is_junk(file))
    if not names:
        raise GanzooError(f"data.root: no pictures in {root}. It takes {', '.join(suffix[1:] for suffix in SUFFIXES)}.")
    return names


def _walk(root: Path) -> Iterator[Path]:
    """Yields all files below a folder, through links, too, but those of no folder twice: links may run in circles."""
    entered: set[str] = set()
    for folder, inner, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in entered:
            inner.clear()
            continue
        entered.add(real)
        inner[:] = [name for _, name in sorted((Path(folder, name).is_symlink(), name) for name in inner)]
        yield from (Path(folder, name) for name in names)


def _is_junk(file: str) -> bool:
    """Says whether this is hidden, or what macOS leaves in zips."""
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(file).parts)
