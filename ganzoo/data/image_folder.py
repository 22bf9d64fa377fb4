"""Data set of your own pictures: a folder or a zip of them."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any, get_args

import torch

from ganzoo.common.errors import GanzooError, nearest
from ganzoo.data.base import ImageDataModule, Loaded, Split
from ganzoo.data.decoding import FITS, Fit, Header, Pictures, unreadable_reason
from ganzoo.data.finding import Files, elsewhere, find_files, some, warn
from ganzoo.data.layout import Layout, arrange
from ganzoo.data.survey import survey

RESIDENT_BYTES = 2 * 2**30


class ImageFolder(ImageDataModule):
    """Every picture below a folder or in a zip; the sub-folders, if the pictures lie in some, are the classes.

    Any format that Pillow reads, any mode, orientation and shape is welcome. What is left out, skipped or changed is
    named in a warning. Folders called train and val (or test) part the pictures into those to train on and those that
    scores refer to; without such folders, and without `held_out`, scores refer to the training pictures.

    Args:
        root: the folder or zip. A relative path that does not exist is also looked for under `$GANZOO_DATA`.
        size: height and width of the images in pixels.
        channels: 3 (RGB) or 1 (grey). Default: 1 if the headers of all pictures say grey, else 3.
        held_out: share of the pictures that make a test split: those whose paths have the lowest hashes. 0: none.
            It does not apply where folders part them.
        splits: whether folders called train and val or test part the pictures; else all are taken, and are classes.
        fit: how pictures in other proportions come to a square: `crop` takes the middle, `pad` puts them between black
            bars, `squash` changes their proportions.
        title: what the pictures are, for model cards. Default: the name of the folder.
        licence: their terms.
        source: who made them, and where they come from.
        **kwargs: see `ImageDataModule`.

    Attributes:
        class_names: names of the sub-folders, in the order of the labels: numbers by their value. Known after
            `inspect`.
    """

    def __init__(
        self,
        root: str | None = None,
        size: int = 64,
        channels: int | None = None,
        held_out: float = 0.0,
        splits: bool = True,
        fit: Fit = "crop",
        title: str | None = None,
        licence: str = "unknown",
        source: str = "",
        **kwargs: Any,
    ) -> None:
        if channels not in (None, 1, 3):
            raise GanzooError(f"data.channels: {channels} given, but it must be 3 (RGB) or 1 (grey).")
        if not 0 <= held_out < 1:
            raise GanzooError(f"data.held_out: {held_out} given, but it must be at least 0 and below 1.")
        if fit not in FITS:
            kinds = get_args(Fit)
            hint = nearest(fit, kinds)
            raise GanzooError(f"data.fit: '{fit}' given, but it must be {', '.join(kinds[:-1])} or {kinds[-1]}.{hint}")
        self._channels, self.held_out, self.splits, self.fit = channels, held_out, splits, fit
        self._layout: Layout | None = None
        super().__init__(root, size, **kwargs)
        if root is not None and not self.root.exists():
            self.root = next((path for path in elsewhere(root) if path.exists()), self.root)
        self.named = root is not None
        self.title = title or (named_after(self.root) if self.named else "pictures")
        self.label = self.root.name or str(self.root.resolve())  # what it is called in messages
        self.licence, self.source = licence, source

    @property
    def channels(self) -> int:
        """3 (RGB) or 1 (grey); if that was left open, as the pictures' headers say, and 3 without any."""
        if self._channels is None:
            with suppress(GanzooError):  # `inspect` and `split` say what is wrong
                self.inspect()
        return self._channels or 3

    @channels.setter
    def channels(self, channels: int | None) -> None:
        self._channels = channels

    @property
    def reference(self) -> Split:  # type: ignore[override]  # read-only here
        """Split that scores are computed against: what is held out, or else the training pictures."""
        with suppress(GanzooError):
            self.inspect()
        return "test" if self.held_out or (self._layout and self._layout.test is not None) else "train"

    @property
    def resized(self) -> str:
        """Words for how pictures come to a square."""
        return FITS[self.fit]

    def inspect(self) -> None:
        """Finds the pictures, their splits and classes, and whether all are grey where `channels` is left open.

        Raises:
            GanzooError: there are none, or the folder or zip is missing or damaged.
        """
        if self._layout is not None:
            return
        files = self.files()
        layout = self.arrange(files.names)
        for line in [*files.remarks(), *layout.remarks]:
            warn(self.label, line)
        if layout.classes and files.empty:
            warn(self.label, f"{some(files.empty)}: empty, and therefore no class")
        if self._channels is None:
            self._channels = 1 if all_grey(self.pictures("train", layout.everything())) else 3
        self.class_names, self.n_classes = layout.classes, len(layout.classes)
        self._layout = layout

    def files(self) -> Files:
        """Returns the files of the folder or zip.

        Raises:
            GanzooError: see `inspect`.
        """
        if not self.named:
            raise GanzooError("data.root: not given. Name the folder or the zip of your pictures with --data.root.")
        return find_files(self.root)

    def arrange(self, names: list[str]) -> Layout:
        """Returns the splits and classes of the sorted paths of all pictures."""
        layout = arrange(names, self.splits)
        return layout if layout.test is not None else self.hold_out(layout)

    def hold_out(self, layout: Layout) -> Layout:
        """Moves the share `held_out` of the pictures from those to train on to the held-out ones."""
        if not self.held_out:
            return layout
        names = layout.train
        count = max(1, round(self.held_out * len(names)))
        if count == len(names):
            raise GanzooError(
                f"data.held_out: {self.held_out} given, but of {count} picture(s) none is left to train on."
            )
        held = {*sorted(names, key=lambda name: sha256(name.encode()).digest())[:count]}
        layout.train = [name for name in names if name not in held]
        layout.test = [name for name in names if name in held]
        return layout

    def load(self, split: Split) -> Loaded:
        """Finds, decodes and labels the pictures; those that do not fit into 2 GiB are decoded batch by batch."""
        self.inspect()
        assert self._layout is not None
        names = self._layout.train if split == "train" else self._layout.test or []
        pictures = self.pictures(split, names)
        resident = pictures.fixed and len(names) * prod(pictures.shape) <= RESIDENT_BYTES
        images = torch.empty((len(names) if resident else 0, *pictures.shape), dtype=torch.uint8)

        def check(index: int) -> Header | str:
            """Reads one picture; returns its header, or what is wrong with it."""
            try:
                header = pictures.header(index)
                if resident:
                    images[index] = pictures.decode(index)
            except Exception as error:  # Pillow fails in many ways
                return unreadable_reason(error)
            return header

        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            headers = list(pool.map(check, range(len(names))))
        good = [index for index, header in enumerate(headers) if isinstance(header, Header)]
        faults = {name: header for name, header in zip(names, headers, strict=True) if isinstance(header, str)}
        self._report(faults, len(names), split)
        pictures.names = [names[index] for index in good]
        if split == "train":  # what it says of one split holds for the other
            for line in survey(pictures, [header for header in headers if isinstance(header, Header)]):
                warn(self.label, line)
        numbers = self._layout.numbers
        labels = torch.tensor([numbers[name] for name in pictures.names]) if numbers else None
        if not resident:
            return pictures, labels
        return images if len(good) == len(names) else images[good], labels

    def pictures(self, split: Split, names: list[str]) -> Pictures:
        """Returns a decoder of these pictures of a split."""
        return Pictures(self.root, names, self.size, self._channels or 3, self.fit)

    def _report(self, faults: dict[str, str], total: int, split: Split) -> None:
        """Logs in a line which pictures cannot be read, and why, and which classes that ends.

        Raises:
            GanzooError: none can be read.
        """
        assert self._layout is not None
        kinds: dict[str, list[str]] = {}
        for name, fault in faults.items():
            kinds.setdefault(fault, []).append(name)
        reasons = "; ".join(f"{some(names)} ({fault})" for fault, names in kinds.items())
        if faults and len(faults) == total:
            raise GanzooError(f"data.root: none of the {total} pictures in {self.root} can be read: {reasons}.")
        if faults:
            warn(self.label, f"skipped {len(faults)} of {total} pictures that cannot be read: {reasons}")
        numbers = self._layout.numbers
        if numbers and split == "train":
            left = {numbers[name] for name in self._layout.train if name not in faults}
            lacking = [name for number, name in enumerate(self.class_names) if number not in left]
            if lacking:
                warn(self.label, f"there is no picture to train on of the class {some(lacking)}")


def named_after(root: Path) -> str:
    """Returns a folder's or zip's name as a title for its pictures."""
    return (root.stem if root.suffix.lower() == ".zip" else root.name) or root.resolve().name or "pictures"


def all_grey(pictures: Pictures) -> bool:
    """Returns whether the headers of all readable pictures say grey; stops at the first that does not."""
    readable = False
    for index in range(len(pictures)):
        try:
            header = pictures.header(index)
        except Exception:  # Pillow fails in many ways; `ImageFolder.load` says so
            continue
        if not header.grey:
            return False
        readable = True
    return readable
