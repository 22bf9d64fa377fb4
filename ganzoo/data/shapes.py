"""Shapes of voxels by classes: the five solids, and chairs, tables and lamps made of parts.

A room is 1 high and reaches from -0.5 to 0.5 in width and depth. All that stands in it stands on its floor, about its
middle, and fits whichever way it is turned. Every part is at least a 16th of the room thick, two voxels of 32, and
overlaps those that hold it, so that each shape is in one piece.
"""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ganzoo.common.errors import require_at_least
from ganzoo.common.kinds import VOXELS
from ganzoo.common.seeding import mix
from ganzoo.data.base import DataModule, Loaded, Split
from ganzoo.data.solids import BLOCK, INSIDE, RADII

TEST_SAMPLES = 75  # of a class
LEAST = 16  # voxels of a side, below which thin parts have gaps
NUMBERS = 16  # random ones that a shape is made of, at most
ARMED, ROUND, PEDESTAL = 0.4, 0.4, 0.3  # shares: of chairs with arms, of round tables, of either on a single leg

Draw = Callable[[float, float], Tensor]  # the next random number of each shape, in these limits, (N, 1, 1, 1)


class Room:
    """Places in a room, in the frame of each shape: x to its right, y up from the floor, z to its back.

    Args:
        size: voxels of a side.
        angles: (N,) by which the shapes are turned about the vertical.
    """

    def __init__(self, size: int, angles: Tensor) -> None:
        centre = (torch.arange(size) + 0.5) / size - 0.5
        z, y, x = torch.meshgrid(centre, -centre, centre, indexing="ij")
        cos, sin = (turn[:, None, None, None] for turn in (angles.cos(), angles.sin()))
        self.x, self.y, self.z = cos * x + sin * z, (y + 0.5).expand(len(angles), -1, -1, -1), cos * z - sin * x

    def between(self, low: Tensor | float, high: Tensor | float) -> Tensor:
        """Returns what lies between two heights."""
        return (self.y >= low) & (self.y < high)

    def slab(self, wide: Tensor, deep: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
        """Returns a cuboid about the middle, of half a width and half a depth."""
        return (self.x.abs() < wide) & (self.z.abs() < deep) & self.between(low, high)

    def disc(self, radius: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
        """Returns an upright cylinder about the middle; a radius may change with the place."""
        return (self.x**2 + self.z**2 < radius**2) & self.between(low, high)

    def posts(self, wide: Tensor, deep: Tensor, thick: Tensor, high: Tensor) -> Tensor:
        """Returns four posts from the floor up, inside of the corners of a cuboid; `thick` is a whole side."""
        in_x = (self.x.abs() < wide) & (self.x.abs() >= wide - thick)
        return in_x & (self.z.abs() < deep) & (self.z.abs() >= deep - thick) & (self.y < high)

    def stand(self, draw: Draw, reach: Tensor, high: Tensor) -> Tensor:
        """Returns a foot on the floor and a pole on it."""
        foot = self.disc(reach * draw(0.6, 0.9), 0, draw(0.0625, 0.09))
        return foot | self.disc(draw(0.045, 0.07), 0, high)


def chair(room: Room, draw: Draw) -> Tensor:
    """Returns chairs: a seat, a back, four legs or one, perhaps arms."""
    wide, deep, seat = draw(0.18, 0.3), draw(0.18, 0.28), draw(0.28, 0.42)
    board, back, leg = draw(0.07, 0.12), draw(0.07, 0.11), draw(0.07, 0.11)
    top = seat + board + draw(0.22, 0.4)
    legs = torch.where(draw(0, 1) < PEDESTAL, room.stand(draw, wide.minimum(deep), seat + board), False)
    legs = torch.where(legs.flatten(1).any(1)[:, None, None, None], legs, room.posts(wide, deep, leg, seat + board))
    behind = room.slab(wide, deep, seat, top) & (room.z >= deep - back)
    arm = seat + board + draw(0.08, 0.14)
    sides = room.slab(wide, deep, seat, arm) & (room.x.abs() >= wide - leg) & (draw(0, 1) < ARMED)
    return room.slab(wide, deep, seat, seat + board) | legs | behind | sides


def table(room: Room, draw: Draw) -> Tensor:
    """Returns tables: a round top or one with corners, on four legs or one."""
    wide, deep, high = draw(0.24, 0.33), draw(0.24, 0.33), draw(0.35, 0.65)
    board, leg, inwards = draw(0.07, 0.11), draw(0.07, 0.1), draw(0.6, 0.7)
    is_round = draw(0, 1) < ROUND
    plate = torch.where(is_round, room.disc(wide * 1.3, high, high + board), room.slab(wide, deep, high, high + board))
    reach = torch.where(is_round, inwards, 0.97)
    single = draw(0, 1) < PEDESTAL
    posts = room.posts(wide * reach, torch.where(is_round, wide, deep) * reach, leg, high + board)
    return plate | torch.where(single, room.stand(draw, wide, high + board), posts)


def lamp(room: Room, draw: Draw) -> Tensor:
    """Returns lamps: a shade, wider below than above, on a stand."""
    low, top = draw(0.5, 0.68), draw(0.85, 0.97)
    wide, narrow = draw(0.22, 0.4), draw(0.1, 0.2)
    share = ((room.y - low) / (top - low)).clamp(0, 1)
    return room.disc(torch.lerp(wide, narrow, share), low, top) | room.stand(draw, draw(0.2, 0.32), low + 0.1)


FURNITURE: dict[str, Callable[[Room, Draw], Tensor]] = {"chair": chair, "table": table, "lamp": lamp}


def solid(name: str) -> Callable[[Room, Draw], Tensor]:
    """Returns the function that makes solids of a class of `ganzoo.data.Solids`."""

    def make(room: Room, draw: Draw) -> Tensor:
        wide, high, deep = (draw(least, largest) for least, largest in zip(*RADII, strict=True))
        u, v, w = room.x / wide, (room.y - high) / high, room.z / deep
        return (v.abs() <= 1) & INSIDE[name](u, v, w)

    return make


MAKERS = {name: solid(name) for name in INSIDE} | FURNITURE


class Shapes(DataModule):
    """Shapes (1, size, size, size) of voxels on the floor, full at 1 and empty at -1, in eight classes.

    Each is made of numbers drawn for itself alone, from the seed, and turned about the vertical. The test split is
    fresh shapes of the same distribution, 75 of each class.

    Args:
        size: voxels of a side, 16 at least.
        samples: training shapes.
        turns: equally spaced angles that shapes are turned by: 4 are quarter turns, 1 leaves all facing the front, and
            0 allows any angle.
        seed: seed of the shapes; that of the run changes only their order.
        batch_size: shapes per process.
    """

    title = "shapes"
    licence = "CC0-1.0"
    source = "generated"
    kind = VOXELS
    class_names = tuple(MAKERS)
    n_classes = len(MAKERS)

    def __init__(
        self, size: int = 32, samples: int = 4000, turns: int = 4, seed: int = 0, batch_size: int = 32
    ) -> None:
        super().__init__(batch_size)
        require_at_least("data.size", size, LEAST)
        require_at_least("data.samples", samples, 1)
        require_at_least("data.turns", turns, 0)
        self.size, self.samples, self.turns, self.seed = size, samples, turns, seed
        self.shape = (1, size, size, size)

    def load(self, split: Split) -> Loaded:
        """Makes the shapes of a split, uint8 (N, 1, D, H, W), and their classes (N,), which take turns."""
        n, stream = (self.samples, 0) if split == "train" else (TEST_SAMPLES * self.n_classes, 1)
        numbers = torch.rand(n, NUMBERS + 1, generator=torch.Generator().manual_seed(mix(self.seed, stream)))
        labels = torch.arange(n) % self.n_classes
        x = torch.empty(n, 1, self.size, self.size, self.size, dtype=torch.uint8)
        for label, make in enumerate(MAKERS.values()):
            for index in (labels == label).nonzero()[:, 0].split(max(1, BLOCK // self.size**3)):
                turn, *drawn = numbers[index].unbind(1)
                angle = 2 * math.pi * ((turn * self.turns).floor() / self.turns if self.turns else turn)
                x[index, 0] = make(Room(self.size, angle), drawing(iter(drawn))).byte() * 255
        return x, labels


def drawing(numbers: Iterator[Tensor]) -> Draw:
    """Returns a function that takes the next of some uniform numbers (N,) to the limits that it is given."""
    return lambda low, high: low + (high - low) * next(numbers)[:, None, None, None]
