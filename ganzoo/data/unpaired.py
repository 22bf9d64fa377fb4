"""Data set of two domains of pictures without pairs."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from ganzoo.common.errors import GanzooError, require_at_least
from ganzoo.common.seeding import mix, run_seed
from ganzoo.data.base import ImageDataModule, Loaded, Split, tensor_bytes
from ganzoo.data.decoding import FITS, Fit, Pictures
from ganzoo.data.finding import some, warn
from ganzoo.data.image_folder import ImageFolder, all_grey
from ganzoo.data.layout import Layout
from ganzoo.data.loader import Batch, BatchLoader, Resumable, Stored
from ganzoo.data.pairing import picture_place
from ganzoo.data.pairs import random_crop


class Domains(Dataset[Tensor]):
    """Pictures of two domains as stored; an item is the i-th of A and the i-th of B, channels joined.

    Args:
        a: pictures of domain A, (C, H, W) uint8 each.
        b: pictures of domain B. There are as many items as the smaller of the two has pictures.
    """

    def __init__(self, a: Stored, b: Stored) -> None:
        self.a, self.b = a, b

    def __len__(self) -> int:
        return min(len(self.a), len(self.b))

    def __getitem__(self, index: int) -> Tensor:
        return torch.cat([self.a[index], self.b[index]])

    def signature(self) -> str:
        """Returns a text that changes with the pictures."""
        sides = (self.a, self.b)
        return repr([sha256(tensor_bytes(s)).digest() if isinstance(s, Tensor) else s.signature() for s in sides])

    def resident(self) -> Stored:
        """Returns all items as one tensor where the pictures are in memory, else these."""
        if isinstance(self.a, Tensor) and isinstance(self.b, Tensor):
            return torch.cat([self.a[: len(self)], self.b[: len(self)]], 1)
        return self


class UnpairedLoader(Resumable):
    """Loader of batches (x, y) from two loaders that run independently.

    An epoch is as long as the longer loader's; the other one starts anew, in a new order, whenever it is through.

    Args:
        a: shuffled batches of domain A.
        b: shuffled batches of domain B.
    """

    def __init__(self, a: BatchLoader, b: BatchLoader) -> None:
        super().__init__(a.limit)
        self.a, self.b = a, b

    def __len__(self) -> int:
        return max(len(self.a), len(self.b))

    def state_dict(self) -> dict[str, int]:
        """Returns the place in the epoch, and the numbers of pictures of both domains."""
        return super().state_dict() | {"a": self.a.size, "b": self.b.size}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues after the batch at which `state` was taken.

        Raises:
            GanzooError: either domain has more or fewer pictures than then.
        """
        self.a.require(state.get("a", self.a.size))
        self.b.require(state.get("b", self.b.size))
        super().load_state_dict(state)

    def batches(self, epoch: int, start: int) -> Iterator[Batch]:
        """Yields the batches of an epoch from the `start`-th on."""
        done = epoch * len(self) + start
        left = range(start + 1, len(self) + 1)  # the first in the zip, so that no batch is read in vain
        for position, (x, _), (y, _) in zip(left, _endless(self.a, done), _endless(self.b, done), strict=False):
            self.position = position
            yield x, y


def _endless(loader: BatchLoader, done: int) -> Iterator[Batch]:
    """Yields batches of one epoch after the other, without the first `done`."""
    epoch, position = divmod(done, len(loader))
    while True:
        yield from loader.batches(epoch, position)
        epoch, position = epoch + 1, 0


class Unpaired(ImageDataModule):
    """Base of data sets of two domains of pictures: (x, y) are pictures of A and of B.

    In training they have nothing to do with one another: either domain has its own order and its own flips, an epoch is
    as long as the larger domain, and the smaller one starts anew within it. A subclass loads the training split as
    `Domains`, and says how stored pictures are shown.

    Attributes:
        stored: channels of a picture as it is stored.
    """

    stored = 3

    @property
    def source_shape(self) -> tuple[int, ...]:  # type: ignore[override]  # read-only here
        """(channels, height, width) of a picture of A: as of B."""
        return self.shape

    def show_a(self, x: Tensor, generator: torch.Generator, train: bool) -> Tensor:
        """Returns normalised pictures of A (N, stored, H, W) as they are in a batch; see `DataModule.make`."""
        return x

    def show_b(self, x: Tensor, generator: torch.Generator, train: bool) -> Tensor:
        """Returns normalised pictures of B (N, stored, H, W) as they are in a batch; see `DataModule.make`."""
        return x

    def make(self, x: Tensor, y: Tensor | None, generator: torch.Generator, train: bool) -> tuple[Tensor, Any]:
        """Returns (A's, B's) of pictures stored with their channels joined, or stored once for both."""
        a = self.show_a(x[:, : self.stored], generator, train)
        b = self.show_b(x[:, -self.stored :], generator, train)
        return a, b if y is None else (b, y)

    def train_dataloader(self) -> Resumable:
        """Returns batches of both domains, each shuffled by itself."""
        domains, _ = self.split("train")
        assert isinstance(domains, Domains)
        return UnpairedLoader(self._side(0, domains.a, self.show_a), self._side(1, domains.b, self.show_b))

    def _side(
        self, number: int, pictures: Stored, show: Callable[[Tensor, torch.Generator, bool], Tensor]
    ) -> BatchLoader:
        def make(x: Tensor, y: Tensor | None, generator: torch.Generator, train: bool) -> Batch:
            return show(x, generator, train), y

        return self.batches(pictures, None, True, mix(run_seed(), number), make)


class Domain(ImageFolder):
    """Pictures of one domain and split of an `UnpairedFolder`.

    Args:
        folder: domain and split, such as trainA.
        owner: the data of both domains.
        size: height and width of its pictures.
    """

    def __init__(self, folder: str, owner: "UnpairedFolder", size: int) -> None:
        super().__init__(str(owner.root), size, fit=owner.fit)
        self.folder, self.owner, self.label = folder, owner, f"{self.label}/{folder}"

    def inspect(self) -> None:
        """Takes names and channels from its owner.

        Raises:
            GanzooError: see `UnpairedFolder`; or there are no pictures of this domain and split.
        """
        self.owner.inspect()
        names = self.owner.names[self.folder]
        if not names:
            raise GanzooError(
                f"data.root: no pictures in a folder {self.folder} of {self.root}. It takes trainA and trainB, and "
                "testA and testB if there are such; A/train and the like will do."
            )
        self.channels, self._layout = self.owner.channels, Layout(names, names)


class UnpairedFolder(Unpaired):
    """Pictures of two domains in trainA and trainB, in a folder or a zip; those to test on in testA and testB.

    This is the layout of horse2zebra and its like; A/train, train/A, and A and B alone will do, and valA for testA.
    The central square of each picture is resized to `size`. Without a testA, scores refer to the training pictures,
    their middles. The i-th pictures of the domains are not each other's truth, and of the reference split's larger
    domain those in excess are left out.

    Args:
        root: the folder or zip. A relative path that does not exist is also looked for under `$GANZOO_DATA`.
        size: height and width of the images in pixels.
        channels: 3 (RGB) or 1 (grey); None for 1 if the headers of all pictures say grey, else 3.
        jitter: training pictures are resized to so many pixels more, and cropped anew each time. The paper's 256 pixels
            take 30.
        fit: how pictures in other proportions come to a square, see `ImageFolder`.
        title: what the pictures are, for model cards. Default: the name of the folder.
        licence: their terms.
        source: who made them, and where they come from.
        **kwargs: see `ImageDataModule`.
    """

    paired = False

    def __init__(
        self,
        root: str | None = None,
        size: int = 256,
        channels: int | None = 3,
        jitter: int = 30,
        fit: Fit = "crop",
        title: str | None = None,
        licence: str = "unknown",
        source: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(root=root, size=size, **kwargs)
        require_at_least("data.jitter", jitter, 0)
        self.album = ImageFolder(root, size, channels, fit=fit, title=title, licence=licence, source=source)
        self.root, self.fit, self.label = self.album.root, fit, self.album.label
        self.title, self.licence, self.source = self.album.title, licence, source
        self._channels = channels
        self.folders: dict[Split, list[Domain]] = {
            "train": [Domain(f"train{letter}", self, size + jitter) for letter in "AB"],
            "test": [Domain(f"test{letter}", self, size) for letter in "AB"],
        }
        self.names: dict[str, list[str]] = {}

    @property
    def channels(self) -> int:  # type: ignore[override]  # read-only here
        """3 (RGB) or 1 (grey), of both domains."""
        if self._channels is None:
            with suppress(GanzooError):
                self.inspect()
        return self._channels or 3

    @property
    def stored(self) -> int:  # type: ignore[override]  # read-only here
        """Channels of a picture as it is stored."""
        return self.channels

    @property
    def reference(self) -> Split:  # type: ignore[override]  # read-only here
        """Split that scores are computed against: the test pictures, or without any the training ones."""
        with suppress(GanzooError):
            self.inspect()
        return "test" if self.names.get("testA") or self.names.get("testB") else "train"

    @property
    def resized(self) -> str:
        """Words for how pictures come to a square, training pictures with room for crops."""
        size = self.folders[self.reference][0].size
        fit = FITS[self.fit]
        return fit if size == self.size else f"{fit}, to {size}x{size}, of which the middle is cut out"

    def inspect(self) -> None:
        """Finds the pictures of both domains.

        Raises:
            GanzooError: there are none, or the folder or zip is missing or damaged.
        """
        if self.names:
            return
        files = self.album.files()
        places = {name: where for name in files.names if (where := picture_place(name))}
        apart = any(where.split for where in places.values())
        held = "test" if "test" in {where.split for where in places.values()} else "val"
        names: dict[str, list[str]] = {domain.folder: [] for domains in self.folders.values() for domain in domains}
        others = sorted({*files.names}.difference(places))
        for name, where in places.items():
            split = {"train": "train", held: "test", None: None if apart else "train"}.get(where.split)
            if split:
                names[f"{split}{'AB'[where.domain]}"].append(name)
            elif where.split is None:
                others.append(name)
        if self._channels is None:
            both = [name for group in names.values() for name in group]
            self._channels = 1 if all_grey(Pictures(self.root, both, 1, 3)) else 3
        if others and len(others) < len(files.names):
            warn(self.label, f"left out {len(others)} picture(s) that are in neither domain: {some(others)}")
        for line in files.remarks():
            warn(self.label, line)
        self.names = names

    def load(self, split: Split) -> Loaded:
        """Finds and decodes the pictures of both domains; see `ImageFolder`."""
        a, b = (folder.load(split)[0] for folder in self.folders[split])
        domains = Domains(a, b)
        return domains if split == "train" else domains.resident(), None

    def show_a(self, x: Tensor, generator: torch.Generator, train: bool) -> Tensor:
        """Crops pictures (N, C, S, S), S at least `size`: at random, or in the middle."""
        if train:
            return random_crop(x, self.size, generator)
        edge = (x.shape[-1] - self.size) // 2
        return x[..., edge : edge + self.size, edge : edge + self.size]

    show_b = show_a
