"""Growth of networks during a run: which side images have after how many, and how far new layers are faded in.

Karras et al. 2018, "Progressive Growing of GANs", arXiv 1710.10196. A growing network, such as one derived from
`ganzoo.networks.growing.Growing`, has all its layers from the start and uses those of its present level.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from ganzoo.common.errors import GanzooError


class Stage(NamedTuple):
    """Where a growing run is."""

    level: int  # number of the side, from 0
    side: int  # of images, in pixels
    alpha: float  # share of the newest layers, from 0, where they come in, to 1, where they are in

    @property
    def fading(self) -> bool:
        """Whether the newest layers are being faded in."""
        return self.alpha < 1


@runtime_checkable
class Grows(Protocol):
    """Protocol of a network that grows.

    Attributes:
        sides: sides of its images, level by level.
    """

    sides: Sequence[int]

    def grow(self, level: int, alpha: float) -> None:
        """Uses the layers of a level from now on, the newest with a share of `alpha`."""


@dataclass(frozen=True)
class Growth:
    """How a run grows: the sides of images, and for how many real images each is faded in and kept.

    The first side is kept for `stable` images. Each other one is faded in over `fade` images, its share alpha rising in
    a straight line, and kept for `stable`; the last is kept to the end. Where layers come in, and where they are in,
    optimizers forget their moments, as in the reference code.

    Args:
        sides: sides in pixels, each twice the one before; the last is that of the data.
        fade: real images, over all processes, while new layers are faded in.
        stable: real images at one side alone.
        batch_sizes: images per process at each side; None takes those of the data throughout. An epoch then is as many
            batches as it has at the data's own batch size.
        lr_factors: factors on the learning rates at each side, beside the game's own `lr_factor`; None for 1.

    Example:
        `Growth([4, 8], fade=100, stable=200)` shows 200 images of 4x4 pixels, then 100 of 8x8 that are faded in.

    Raises:
        GanzooError: if sides do not double, a list has not one entry for each, or a number is out of range.
    """

    sides: list[int]
    fade: int = 400_000
    stable: int = 400_000
    batch_sizes: list[int] | None = None
    lr_factors: list[float] | None = None

    def __post_init__(self) -> None:
        if not self.sides or any(2 * a != b for a, b in zip(self.sides, self.sides[1:], strict=False)):
            raise GanzooError(f"model.growth.sides: each must be twice the one before, not {self.sides}.")
        lists: dict[str, Sequence[float] | None] = {"batch_sizes": self.batch_sizes, "lr_factors": self.lr_factors}
        for name, numbers in lists.items():
            if numbers is not None and (len(numbers) != len(self.sides) or min(numbers) <= 0):
                wanted = f"one for each of {len(self.sides)} sides, above 0,"
                raise GanzooError(f"model.growth.{name}: {wanted} is wanted, not {numbers}.")
        for name, count, least in (("fade", self.fade, 0), ("stable", self.stable, 1), ("sides", self.sides[0], 1)):
            if count < least:
                raise GanzooError(f"model.growth.{name}: must be at least {least}, not {count}.")

    @property
    def begins(self) -> list[int]:
        """Images after which each side begins."""
        each = self.fade + self.stable
        return [max(0, level * each - self.fade) for level in range(len(self.sides))]

    def at(self, images: int) -> Stage:
        """Returns the stage of the batch that follows so many real images."""
        level = bisect_right(self.begins, images) - 1
        since = images - self.begins[level]
        alpha = since / self.fade if level and since < self.fade else 1.0
        return Stage(level, self.sides[level], alpha)

    def batch_size(self, images: int, usual: int) -> int:
        """Returns the images per process of the batch that follows so many; `usual` where no sizes are stated."""
        return usual if self.batch_sizes is None else self.batch_sizes[self.at(images).level]

    @property
    def largest_batch(self) -> int:
        """Largest number of images per process in a batch; 0 where no sizes are stated."""
        return max(self.batch_sizes or [0])

    def lr_factor(self, images: int) -> float:
        """Returns the factor on learning rates for the batch that follows so many images."""
        return 1.0 if self.lr_factors is None else self.lr_factors[self.at(images).level]

    def batches(self, images: int, usual: int) -> int:
        """Returns how many batches it takes to see so many images.

        Args:
            images: real ones, over all processes.
            usual: images in a batch where no sizes are stated.
        """
        count = seen = 0
        for end in [*self.begins[1:], images]:
            each = self.batch_size(seen, usual)
            more = max(0, -(-(min(end, images) - seen) // each))
            count, seen = count + more, seen + more * each
        return count

    def enlarged(self, x: Tensor) -> Tensor:
        """Returns images (N, C, H, W) of any stage at the last side, their pixels repeated."""
        factor = self.sides[-1] // x.shape[-1]
        return x if factor == 1 else interpolate(x, scale_factor=factor)

    def remarks(self, networks: Mapping[str, Any]) -> list[str]:
        """Returns a line for a model card for each network that has not reached the last side; usually none."""
        levels = {name: getattr(network, "level", None) for name, network in networks.items()}
        last = len(self.sides) - 1
        return [
            f"The {name} was still growing: it was at {self.sides[level]} of {self.sides[last]} pixels."
            for name, level in levels.items()
            if isinstance(level, int) and level < last
        ]

    def check(self, shape: tuple[int, ...], networks: Mapping[str, Any]) -> None:
        """Checks that networks and data grow as this says.

        Args:
            shape: of the data.
            networks: the game's, by name.

        Raises:
            GanzooError: if data are no square images of the last side, or no network or one with other sides grows.
        """
        if len(shape) != 3 or shape[-1] != self.sides[-1] or shape[-2] != self.sides[-1]:
            raise GanzooError(
                f"model.growth.sides: they end at {self.sides[-1]} pixels, but the data has shape {shape}."
            )
        growing = {name: network for name, network in networks.items() if isinstance(network, Grows)}
        if not growing:
            raise GanzooError("model.growth: none of the networks grows.")
        for name, network in growing.items():
            if list(network.sides) != self.sides:
                theirs = list(network.sides)
                raise GanzooError(f"model.growth.sides: {self.sides} given, but those of model.{name} are {theirs}.")


@runtime_checkable
class Planned(Protocol):
    """Protocol of data whose training batches change their size over a run."""

    def plan_batches(self, plan: Growth | None) -> None:
        """Takes the sizes of training batches from a plan; None for its own."""


def as_at(x: Tensor, stage: Stage) -> Tensor:
    """Returns images (N, C, H, W) as a stage shows them: box means, blended while layers are faded in.

    The blend is that of the images with their own means of 2x2 pixels, as the generator blends its own.
    """
    x = avg_pool2d(x, x.shape[-1] // stage.side)
    if not stage.fading:
        return x
    return torch.lerp(interpolate(avg_pool2d(x, 2), scale_factor=2), x, stage.alpha)


def grow_all(modules: Iterable[Any], stage: Stage) -> None:
    """Brings all growing networks among modules to a stage."""
    for module in modules:
        if isinstance(module, Grows):
            module.grow(stage.level, stage.alpha)


def grow_fully(modules: Iterable[Any]) -> None:
    """Brings all growing networks among modules to their last side."""
    for module in modules:
        if isinstance(module, Grows):
            module.grow(len(module.sides) - 1, 1.0)
