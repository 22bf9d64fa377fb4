"""Loader of batches of samples in a seeded order, which can stop and resume anywhere."""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from itertools import accumulate
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ganzoo.common.conditions import Condition, Values, map_values, serve_values, take_values
from ganzoo.common.errors import GanzooError
from ganzoo.common.seeding import mix
from ganzoo.data.workers import holding_signals, ignore_signals

Batch = tuple[Any, Any]
Make = Callable[[Tensor, Any, torch.Generator, bool], Batch]


class Images(Protocol):
    """Protocol of a dataset read by workers: items, a length, and a text that identifies its content."""

    def __getitem__(self, index: int) -> Tensor: ...
    def __len__(self) -> int: ...
    def signature(self) -> str: ...  # noqa: D102


Stored = Tensor | Images


class Resumable:
    """Base of loaders that can stop and resume anywhere, as the order depends on the epoch's number alone.

    `state_dict` counts the batches handed out; after `load_state_dict` the next `iter` yields what was left of that
    epoch, and the following ones are whole. Lightning saves and restores this.

    Args:
        limit: where the trainer ends an epoch: Lightning's `limit_train_batches`, a count or a share.
    """

    def __init__(self, limit: int | float = 1.0) -> None:
        self.limit = limit
        self.epoch = 0
        self.position = 0  # in the epoch; counted before a batch is handed out
        self._resume = False

    def __len__(self) -> int:
        raise NotImplementedError

    def batches(self, epoch: int, start: int) -> Iterator[Batch]:
        """Yields the batches of an epoch from the `start`-th on, keeping `position`."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Batch]:
        # Lightning calls iter() more often than it starts an epoch: one of which nothing was read is not over.
        if self.position > 0 and not self._resume:
            self.epoch, self.position = self.epoch + 1, 0
        self._resume = False
        return self.batches(self.epoch, self.position)

    def state_dict(self) -> dict[str, int]:
        """Returns the epoch and the number of its batches that were served."""
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues after the batch at which `state` was taken; a finished epoch is followed by the next one."""
        self.epoch, self.position = int(state["epoch"]), int(state["position"])
        end = self.limit if isinstance(self.limit, int) else int(len(self) * self.limit)
        if self.position >= min(len(self), end):
            self.epoch, self.position = self.epoch + 1, 0
        self._resume = True


class BatchLoader(Resumable):
    """Loader of batches (x, y) of a tensor in memory or of a dataset read by workers.

    Epoch e of a shuffled loader follows a permutation drawn from (seed, e), so the order depends on nothing else and
    never touches the global random state.

    With several processes, batch b of rank r is the r-th part of the b-th *joint* batch of `batch_size * world_size`
    images: two processes see exactly the images and flips that one process with twice the batch sees.

    Args:
        images: items (N, ...), moved to `device` once: uint8, which is served as floats in [-1, 1], or floats that are
            passed through as they are; or a dataset of N such tensors, read batch by batch. One with a method
            `seeded(seed)`, whose items are drawn anew in each epoch, is seeded for every epoch.
        labels: class indices (N,), other conditions, or None.
        batch_size: images per process.
        shuffle: training order: shuffled, incomplete last batch dropped. Otherwise the stored order, everything kept.
        flip: mirror half of the items along their last axis, chosen at random.
        seed: seed of order and flips.
        rank: index of this process.
        world_size: number of processes.
        num_workers: processes that read a dataset; not used for tensors.
        device: where batches are made.
        limit: see `Resumable`.
        condition: what the labels are, which says how they are served; None serves whole numbers as int64 and floats as
            they are.
        make: turns each normalised batch (images, labels) into what is handed out, see `DataModule.make`.

    Raises:
        GanzooError: there are fewer images than one joint training batch needs.
    """

    def __init__(
        self,
        images: Stored,
        labels: Values = None,
        *,
        batch_size: int = 64,
        shuffle: bool = False,
        flip: bool = False,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        num_workers: int = 0,
        device: torch.device | str = "cpu",
        limit: int | float = 1.0,
        make: Make | None = None,
        condition: Condition | None = None,
    ) -> None:
        super().__init__(limit)
        self.device = torch.device(device)
        self.images = images.to(self.device) if isinstance(images, Tensor) else images
        self.labels = map_values(lambda each: each.to(self.device), labels)
        self.condition = condition
        self.batch_size, self.shuffle, self.flip, self.seed = batch_size, shuffle, flip, seed
        self.rank, self.world_size, self.num_workers = rank, world_size, num_workers
        self.make = make
        self.size = len(images)
        joint = batch_size * world_size
        if shuffle and self.size < joint:
            raise GanzooError(
                f"data.batch_size: {batch_size} on {world_size} process(es) needs at least {joint} images, but there "
                f"are {self.size}. Lower --data.batch_size to at most {self.size // world_size}."
            )

    def __len__(self) -> int:
        """Returns the number of batches of a whole epoch on this rank."""
        whole, rest = divmod(self.size, self.batch_size * self.world_size)
        return whole if self.shuffle else whole + (self.rank < rest)

    def undivided(self) -> "BatchLoader":
        """Returns a loader of the same items that begins anew and serves all of them, whatever process this is."""
        loader = copy(self)
        loader.rank, loader.world_size, loader.epoch, loader.position = 0, 1, 0, 0
        return loader

    def state_dict(self) -> dict[str, int]:
        """Returns the place in the epoch, and the number of images."""
        return super().state_dict() | {"items": self.size}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues after the batch at which `state` was taken.

        Raises:
            GanzooError: there are more or fewer images than then, and so all would come in another order.
        """
        self.require(state.get("items", self.size))
        super().load_state_dict(state)

    def require(self, before: int) -> None:
        """Raises GanzooError unless there are as many images as when the run began."""
        if before != self.size:
            message = f"data: the run began with {before:,} items to train on, and now there are {self.size:,}"
            raise GanzooError(f"{message}; bring back those, or start a new run without --ckpt_path.")

    def batches(self, epoch: int, start: int) -> Iterator[Batch]:
        """Yields the batches of an epoch from the `start`-th on."""
        joint = self.order(epoch).split(self.batch_size * self.world_size)
        numbers = range(start + 1, len(self) + 1)
        for position, batch in zip(numbers, self.served(joint[start : len(self)], epoch, numbers), strict=True):
            # counted before it is handed out, so that a checkpoint written while it is in use includes it
            self.position = position
            yield batch

    def order(self, epoch: int) -> Tensor:
        """Returns the indices of all items in the order of an epoch; on the device if they are."""
        order = torch.arange(self.size)
        if self.shuffle:
            order = torch.randperm(self.size, generator=torch.Generator().manual_seed(mix(self.seed, epoch)))
        return order.to(self.device) if isinstance(self.images, Tensor) else order  # once, not batch by batch

    def served(self, joint: Sequence[Tensor], epoch: int, numbers: Sequence[int]) -> Iterator[Batch]:
        """Yields this process's share of joint batches of indices, as it is handed out.

        Args:
            joint: indices of each batch, for all processes.
            epoch: number of the epoch, which fixes what is random.
            numbers: number of each batch in it, likewise.
        """
        mirror = None
        if self.flip:
            generator = torch.Generator().manual_seed(mix(self.seed, epoch, 1))
            mirror = (torch.rand(self.size, generator=generator) < 0.5).to(self.device)
        mine = [part.tensor_split(self.world_size)[self.rank] for part in joint]
        for number, index, x in zip(numbers, mine, self._read(mine, epoch), strict=True):
            index = index.to(self.device)
            if mirror is not None:
                x = torch.where(mirror[index].view(-1, *[1] * (x.dim() - 1)), x.flip(-1), x)
            if x.dtype == torch.uint8:
                x = x.float().div_(127.5).sub_(1)
            y = take_values(self.labels, index)
            batch: Batch = x, serve_values(y, self.condition)
            if self.make is not None:
                # what is not shuffled is the same in every run
                about = (self.seed, epoch, number, self.rank) if self.shuffle else (int(index[0]),)
                batch = self.make(*batch, torch.Generator().manual_seed(mix(*about)), self.shuffle)
            yield batch

    def _read(self, batches: list[Tensor], epoch: int) -> Iterator[Tensor]:
        """Yields the stored images of each batch of indices, on the device."""
        if isinstance(self.images, Tensor):
            for index in batches:
                yield self.images[index]
            return
        images = self.images
        if self.shuffle and hasattr(images, "seeded"):  # by (seed, epoch, index): a resumed run goes on exactly
            images = images.seeded(mix(self.seed, epoch, 2))
        reader: DataLoader[Tensor] = DataLoader(
            images,  # type: ignore[arg-type]  # what is indexed and has a length is enough
            batch_sampler=[index.tolist() for index in batches],
            num_workers=self.num_workers,
            pin_memory=self.device.type == "cuda",
            generator=torch.Generator().manual_seed(self.seed),  # else it would draw from the global state
            worker_init_fn=ignore_signals,
        )
        try:
            with holding_signals():
                read = iter(reader)
            for x in read:
                yield x.to(self.device, non_blocking=True)
        except GanzooError as error:
            raise error.of_worker() from None


class BatchPlan(Protocol):
    """Protocol of a plan by which batches change their size: a function of the number of items served before."""

    @property
    def largest_batch(self) -> int: ...  # noqa: D102
    def batch_size(self, images: int, usual: int) -> int: ...  # noqa: D102


class PlannedLoader(BatchLoader):
    """Loader of training batches whose size follows a plan: a function of the items that were served before.

    One shuffled order follows another; of each what is less than a batch is dropped, and the next batch comes from the
    next. An epoch, for the trainer, is as many batches as there are in one of the usual size, whatever their sizes are,
    so that its length is known and never changes.

    Args:
        plan: sizes of batches per process.
        *args: see `BatchLoader`.
        **kwargs: likewise; `batch_size` is the usual size.

    Raises:
        GanzooError: there are fewer images than the largest joint batch needs.
    """

    def __init__(self, plan: BatchPlan, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plan = plan
        self.number, self.place, self.items = 0, 0, 0  # of the order, items taken of it, items served in all
        if plan.largest_batch * self.world_size > self.size:
            raise GanzooError(
                f"model.growth.batch_sizes: {plan.largest_batch} on {self.world_size} process(es) is more than the "
                f"{self.size} images that there are."
            )

    def state_dict(self) -> dict[str, int]:
        """Returns the place in the epoch, in the present order, and among all items served."""
        return super().state_dict() | {"order": self.number, "place": self.place, "served": self.items}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues after the batch at which `state` was taken.

        Raises:
            GanzooError: there are more or fewer images than then, or batches were of one size then.
        """
        super().load_state_dict(state)
        if "order" not in state:
            raise GanzooError("model.growth.batch_sizes: the run began with batches of one size; start a new run.")
        self.number, self.place, self.items = state["order"], state["place"], state["served"]

    def batches(self, epoch: int, start: int) -> Iterator[Batch]:
        """Yields the batches of the trainer's epoch from the `start`-th on."""
        position = start
        while position < len(self):
            joint = self._rest()[: len(self) - position]
            places = [*accumulate(map(len, joint[:-1]), initial=self.place)][: len(joint)]
            for indices, batch in zip(joint, self.served(joint, self.number, places), strict=True):
                position += 1
                self.position = position
                self.place, self.items = self.place + len(indices), self.items + len(indices)
                yield batch
            if not self._rest():
                self.number, self.place = self.number + 1, 0

    def _rest(self) -> list[Tensor]:
        """Returns the indices of each joint batch that is left of the present order."""
        rest, served, joint = self.order(self.number)[self.place :], self.items, []
        while len(rest) >= (size := self.plan.batch_size(served, self.batch_size) * self.world_size):
            joint.append(rest[:size])
            rest, served = rest[size:], served + size
        return joint
