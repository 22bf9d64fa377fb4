"""Base of data sets as LightningDataModules: splits in memory, loaders, fingerprints."""

import hashlib
import os
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import lightning.pytorch as pl
import torch
from torch import Tensor

from ganzoo.common.conditions import Condition, Values, condition_of, map_values
from ganzoo.common.errors import GanzooError, require_at_least
from ganzoo.common.kinds import Kind, default_kind
from ganzoo.common.seeding import run_seed
from ganzoo.data.loader import BatchLoader, BatchPlan, Make, PlannedLoader, Resumable, Stored

Split = Literal["train", "test"]
Loaded = tuple[Stored, Values]


class DataModule(pl.LightningDataModule):
    """Base of data sets, which serve batches (x, y); a subclass loads its splits and says its items' shape.

    What fits is held once as a tensor, on the training device when that is a GPU; a batch is then an index.
    Validation, test and prediction serve the `reference` split in its stored order. Works without a trainer, too.

    Args:
        batch_size: items per process.
        flip: mirror half of the training images, chosen at random; not for kinds that a mirror changes, such as music.
        num_workers: processes that read what is too large for memory; 0 reads in this process.

    Attributes:
        shape: (channels, height, width) of an image, (2,) of a point, or the axes of another `kind`; of pairs, that of
            the target.
        source_shape: of pairs of images, (channels, height, width) of the source; None where the data are no pairs.
        earlier_frames: of pairs of frames of clips, how many are stacked on a source's channels, oldest first, of which
            the target is the next one; 0 of other data.
        paired: of pairs, whether the reference split's targets are the truth, not just images of the other domain.
        n_classes: number of classes; 0 without labels. Known after `inspect`.
        condition: what batches carry beside samples, where it is no class; None for classes, or nothing.
        class_names: their names in the order of the labels; empty where they have none. Known after `inspect`.
        tasks: what models of these data are for, where that is another task than their kind of game states; see
            `ganzoo.common.tasks`.
        reference: split that scores are computed against.
        standard: whether everybody who names this data has the same items, so that a split's name says its size.
        title: name for people.
        licence: terms of the data.
        source: who made it, and where it comes from.
        resized: how its images come to their size, in words; None where they are stored so.
    """

    title = ""
    licence = "unknown"
    source = ""
    tasks: ClassVar[tuple[str, ...]] = ()
    reference: Split = "test"
    standard = False
    n_classes = 0
    condition: Condition | None = None
    class_names: tuple[str, ...] = ()
    shape: tuple[int, ...]
    source_shape: tuple[int, ...] | None = None
    earlier_frames = 0
    paired = True

    def __init__(self, batch_size: int = 64, flip: bool = False, num_workers: int = 0) -> None:
        super().__init__()
        require_at_least("data.batch_size", batch_size, 1)
        require_at_least("data.num_workers", num_workers, 0)
        self.batch_size, self.flip, self.num_workers = batch_size, flip, num_workers
        self._splits: dict[Split, Loaded] = {}
        self._fingerprints: dict[Split, str] = {}
        self._plan: BatchPlan | None = None

    def inspect(self) -> None:
        """Finds `shape`, `n_classes` and `class_names` where only the files tell; by default all is known already.

        Needs no trainer, decodes nothing, and may be called any number of times. `split` calls it.

        Raises:
            GanzooError: the data is missing or damaged.
        """

    @property
    def kind(self) -> Kind:
        """Kind of the samples; images or points, by `shape`, unless a subclass states another one.

        Raises:
            GanzooError: if it must state it, for the number of axes does not tell.
        """
        return default_kind(self.shape)

    @property
    def resized(self) -> str | None:
        """Words for how the reference's images come to their size; by default they are stored so."""
        return None

    def load(self, split: Split) -> Loaded:
        """Loads "train" or "test".

        Returns:
            The items, a uint8 tensor (N, *shape) of what lies in [-1, 1], a float tensor (N, *shape) that is served as
            it is, or a dataset of such tensors (*shape); and the class indices (N,), other conditions as `condition`
            says, or None.

        Raises:
            GanzooError: the data is missing or damaged.
        """
        raise NotImplementedError

    def make(self, x: Tensor, y: Tensor | None, generator: torch.Generator, train: bool) -> tuple[Any, Any]:
        """Changes a normalised batch, on its device and flipped already, before it is served; by default not at all.

        Data of pairs makes (source, target) or (source, (target, labels)) of it.

        Args:
            x: items as they are stored, images as floats in [-1, 1].
            y: class indices (N,), other conditions, or None.
            generator: a CPU generator for all that is random here: seeded by run, epoch, batch and process in training,
                by the first item's place in the split otherwise, so that a resumed run goes on exactly.
            train: whether this is a training batch.
        """
        return x, y

    def readable(self, images: Tensor) -> Tensor:
        """Returns images (N, C, H, W) like the targets as a score's extractor is to see them; by default unchanged."""
        return images

    def prepare_data(self) -> None:
        """Downloads what is missing. Lightning calls this on one process per machine, before `setup` on all."""
        self.inspect()
        self.split(self.reference)  # with one split of a downloaded data set the other comes, too

    def setup(self, stage: str | None = None) -> None:
        """Loads the splits that `stage` (None: any) needs and that are not there yet."""
        self.inspect()
        self.split(self.reference)
        if stage in (None, "fit"):
            self.split("train")

    def split(self, name: Split) -> Loaded:
        """Returns a split as it is stored, uint8 not yet normalised, and loads it if it is not there.

        Raises:
            GanzooError: the data is missing or damaged, has no such split, or is to be mirrored and must not be.
        """
        self.inspect()
        if self.flip and not self.kind.mirrored:
            raise GanzooError(f"data.flip: {self.kind.name} are not mirrored, for that would change what they are.")
        if name == "test" and self.reference == "train":
            raise GanzooError(f"data: {self.title} has no test split, only 'train'.")
        if name not in self._splits:
            self._splits[name] = self.load(name)
        return self._splits[name]

    def fingerprint(self, split: Split) -> str:
        """Returns the sha256 (hexadecimal) of a split's items, as batches show them, and labels."""
        if split not in self._fingerprints:
            items, labels = self.split(split)
            digest = hashlib.sha256(repr((self.shape, len(items))).encode())
            digest.update(tensor_bytes(items) if isinstance(items, Tensor) else items.signature().encode())
            map_values(lambda tensor: digest.update(tensor_bytes(tensor)), labels)
            self._fingerprints[split] = digest.hexdigest()
        return self._fingerprints[split]

    def loader(self, split: Split, *, train: bool = False) -> BatchLoader:
        """Returns a loader of a split: its stored order, or shuffled and flipped as training wants it."""
        items, labels = self.split(split)
        if isinstance(items, Tensor):
            device = self._device()
            # moved here and kept, so that a split used for training and for scores lies on the device once
            items, labels = self._splits[split] = items.to(device), map_values(lambda each: each.to(device), labels)
        # most data is served as it is
        make = None if type(self).make is DataModule.make else self.make
        return self.batches(items, labels, train, run_seed(), make)

    def batches(self, items: Stored, labels: Values, train: bool, seed: int, make: Make | None) -> BatchLoader:
        """Returns a loader of these items, on the trainer's device and for its process.

        Args:
            items: see `load`.
            labels: class indices (N,), other conditions, or None.
            train: whether to shuffle and flip them as training wants it.
            seed: of order and flips.
            make: what is handed out instead of a normalised batch, see `DataModule.make`.
        """
        trainer = self.trainer
        loader = BatchLoader if self._plan is None or not train else partial(PlannedLoader, self._plan)
        return loader(
            items,
            labels,
            batch_size=self.batch_size,
            shuffle=train,
            flip=train and self.flip,
            seed=seed,
            rank=0 if trainer is None else trainer.global_rank,
            world_size=1 if trainer is None else trainer.world_size,
            num_workers=self.num_workers,
            device=self._device(),
            limit=1.0 if trainer is None else trainer.limit_train_batches,
            make=make,
            condition=condition_of(self),
        )

    def plan_batches(self, plan: BatchPlan | None) -> None:
        """Takes the sizes of training batches from a plan; None for the batch size of all.

        Args:
            plan: images served before a batch -> its images per process. One whose largest batch is 0 has none.
        """
        self._plan = plan if plan is not None and plan.largest_batch else None

    def _device(self) -> torch.device:
        """Device on which batches are made: the trainer's GPU, or the CPU."""
        if self.trainer is not None and self.trainer.strategy.root_device.type == "cuda":
            return self.trainer.strategy.root_device
        return torch.device("cpu")

    def train_dataloader(self) -> Resumable:
        """Returns shuffled batches of the training split."""
        return self.loader("train", train=True)

    def val_dataloader(self) -> BatchLoader:
        """Returns batches of the reference split in its stored order."""
        return self.loader(self.reference)

    def test_dataloader(self) -> BatchLoader:
        """Returns batches of the reference split in its stored order."""
        return self.loader(self.reference)

    def predict_dataloader(self) -> BatchLoader:
        """Returns batches of the reference split in its stored order."""
        return self.loader(self.reference)


class ImageDataModule(DataModule):
    """Base of data sets of square images in [-1, 1], NCHW.

    Args:
        root: folder of the data. Default: `$GANZOO_DATA`, else `./data`.
        size: height and width of the images in pixels.
        batch_size: images per process.
        flip: mirror half of the training images, chosen at random.
        num_workers: processes that read what is too large for memory; 0 reads in this process.
        download: fetch what is missing from the internet.
    """

    channels = 3

    def __init__(
        self,
        root: str | None = None,
        size: int = 32,
        batch_size: int = 64,
        flip: bool = False,
        num_workers: int = 2,
        download: bool = True,
    ) -> None:
        super().__init__(batch_size, flip, num_workers)
        if not isinstance(size, int):
            raise GanzooError(f"data.size: {size} given, but images are square: it must be one whole number.")
        require_at_least("data.size", size, 1)
        if root is not None and not str(root).strip():
            raise GanzooError(
                "data.root: it is empty, as an unset variable is. Name a folder, or leave --data.root out."
            )
        self.root = Path(root or os.environ.get("GANZOO_DATA") or "data").expanduser()
        self.size, self.download = size, download
        self._shape: tuple[int, ...] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """(channels, height, width) of an image."""
        return self._shape or (self.channels, self.size, self.size)

    @shape.setter
    def shape(self, shape: tuple[int, ...]) -> None:
        self._shape = shape


def tensor_bytes(tensor: Tensor) -> bytes:
    """Returns a tensor's numbers as bytes, wherever it lies and however it is laid out."""
    return tensor.cpu().contiguous().numpy().tobytes()
