"""Two domains of pictures without pairs: what has to be translated, and what it should look like."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from ganzoo.data.base import ImageDataModule, Loaded, Split, content, require_at_least
from ganzoo.data.image_folder import ImageFolder, find_pictures
from ganzoo.data.loader import Batch, BatchLoader, Resumable, Stored
from ganzoo.data.pairs import random_crop
from ganzoo.data.pictures import MIDDLE
from ganzoo.errors import GanzooError
from ganzoo.seeding import mix, run_seed


class Domains(Dataset[Tensor]):
    """The pictures of two domains as they are stored; an item is the i-th of A and the i-th of B, channels joined.

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
        return repr([sha256(content(s)).digest() if isinstance(s, Tensor) else s.signature() for s in sides])

    def resident(self) -> Stored:
        """Returns all items as one tensor where the pictures are in memory, else these."""
        if isinstance(self.a, Tensor) and isinstance(self.b, Tensor):
            return torch.cat([self.a[: len(self)], self.b[: len(self)]], 1)
        return self


class UnpairedLoader(Resumable):
    """Yields (x, y): the next batches of two loaders that know nothing of each other.

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
        """Returns the place in the epoch, and how many pictures either domain has."""
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
    """Yields one epoch's batches after the other's, without the first `done`."""
    epoch, position = divmod(done, len(loader))
    while True:
        yield from loader.batches(epoch, position)
        epoch, position = epoch + 1, 0


class Unpaired(ImageDataModule):
    """Two domains of pictures: (x, y) are pictures of A and of B.

    In training they have nothing to do with one another: either domain has its own order and its own flips, an epoch is
    as long as the larger domain, and the smaller one starts anew within it. A subclass loads the training split as
    `Domains`, and says how stored pictures are shown.

    Args:
        **kwargs: see `ImageDataModule`.

    Attributes:
        stored: channels of a picture as it is stored.
    """

    stored = 3

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source_shape = self.shape

    def show_a(self, x: Tensor, generator: torch.Generator, train: bool) -> Tensor:
        """Turns normalised pictures of A (N, stored, H, W) into those of a batch; see `DataModule.make`."""
        return x

    def show_b(self, x: Tensor, generator: torch.Generator, train: bool) -> Tensor:
        """Turns normalised pictures of B (N, stored, H, W) into those of a batch; see `DataModule.make`."""
        return x

    def make(self, x: Tensor, y: Tensor | None, generator: torch.Generator, train: bool) -> tuple[Tensor, Any]:
        """Makes (A's, B's) of pictures stored with their channels joined, or stored once for both."""
        a = self.show_a(x[:, : self.stored], generator, train)
        b = self.show_b(x[:, -self.stored :], generator, train)
        return a, b if y is None else (b, y)

    def train_dataloader(self) -> Resumable:
        """Batches of both domains, each shuffled by itself."""
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
    """The pictures of one folder somewhere below the root.

    Args:
        folder: its name.
        root: see `ImageFolder`.
        size: see `ImageFolder`.
        channels: see `ImageFolder`.
    """

    def __init__(self, folder: str, root: str | None, size: int, channels: int) -> None:
        super().__init__(root, size, channels)
        self.folder = folder

    def _of_split(self, names: list[str], split: Split) -> list[str]:
        own = [name for name in names if self.folder in PurePosixPath(name).parts[:-1]]
        if not own:
            raise GanzooError(
                f"data.root: no pictures in a folder {self.folder} of {self.root}. "
                "It takes trainA and trainB, and testA and testB if there are such."
            )
        return own


class UnpairedFolder(Unpaired):
    """Pictures of two domains in trainA and trainB, in a folder or a zip; those to test on in testA and testB.

    This is the layout of horse2zebra and its like. The central square of each picture is resized to `size`. Without a
    testA, scores refer to the training pictures, their middles. The i-th pictures of the domains are not each other's
    truth, and of the reference split's larger domain those in excess are left out.

    Args:
        root: the folder or zip. A relative path that does not exist is also looked for under `$GANZOO_DATA`.
        size: height and width of the images in pixels.
        channels: 3 (RGB) or 1 (grey).
        jitter: training pictures are resized to so many pixels more, and cropped anew each time. The paper's 256 pixels
            take 30.
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
        channels: int = 3,
        jitter: int = 30,
        title: str | None = None,
        licence: str = "unknown",
        source: str = "",
        **kwargs: Any,
    ) -> None:
        self.channels = self.stored = channels
        super().__init__(root=root, size=size, **kwargs)
        require_at_least(0, jitter=jitter)
        self.folders: dict[Split, list[Domain]] = {
            "train": [Domain(f"train{letter}", root, size + jitter, channels) for letter in "AB"],
            "test": [Domain(f"test{letter}", root, size, channels) for letter in "AB"],
        }
        train, test = self.folders["train"][0], self.folders["test"][0]
        self.root, self.title, self.licence, self.source = train.root, title or train.title, licence, source
        if self.root.exists():
            parts = {part for name in find_pictures(self.root) for part in PurePosixPath(name).parts[:-1]}
            self.reference = "test" if test.folder in parts else "train"

    @property
    def resized(self) -> str:
        """The middle square; of training pictures, which have room for crops, the middle of that."""
        size = self.folders[self.reference][0].size
        return MIDDLE if size == self.size else f"{MIDDLE}, to {size}x{size}, of which the middle is cut out"

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
