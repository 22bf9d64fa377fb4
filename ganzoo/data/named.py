"""Data sets by a name or a path, as commands take them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ganzoo.common.errors import GanzooError, nearest
from ganzoo.common.kinds import IMAGES, MUSIC, VIDEO, VOXELS, Kind
from ganzoo.data import (
    CIFAR10,
    MNIST,
    Chorales,
    DataModule,
    Digits,
    FashionMNIST,
    MovingDigits,
    Nottingham,
    Shapes,
    Solids,
)
from ganzoo.data.base import ImageDataModule
from ganzoo.data.folders import FOLDERS, Shape, open_folder

DATA: dict[str, type[ImageDataModule]] = {
    "mnist": MNIST,
    "fashion_mnist": FashionMNIST,
    "cifar10": CIFAR10,
    "digits": Digits,
}
# One row a kind of sample: its data sets by their names, each made for a folder and the shape of a sample.
NAMED: dict[str, dict[str, Callable[[str | None, Shape], DataModule]]] = {
    IMAGES.name: {
        name: partial(lambda data, root, shape: data(root=root, size=shape[-1]), data) for name, data in DATA.items()
    },
    VOXELS.name: {
        "shapes": lambda root, shape: Shapes(size=shape[-1]),
        "solids": lambda root, shape: Solids(size=shape[-1]),
    },
    MUSIC.name: {
        "chorales": lambda root, shape: Chorales(root=root),
        "nottingham": lambda root, shape: Nottingham(root=root),
    },
    VIDEO.name: {"moving_digits": lambda root, shape: MovingDigits(root=root, size=shape[-1], frames=shape[1])},
}


def is_named(name: str) -> bool:
    """Returns whether a data set has this name."""
    return any(name.replace("-", "_").lower() in names for names in NAMED.values())


def find_data(name: str, shape: Shape, root: str | None = None, kind: Kind | None = None) -> DataModule:
    """Returns data of a kind and a shape: a data set by its name, or a folder, whose sub-folders may be classes.

    A fifth of a folder is its test split.

    Args:
        name: of the data set, or the path of a folder, zip or file.
        shape: of a sample.
        root: folder of a named data set.
        kind: of sample; by default solids for four axes, images otherwise.

    Raises:
        GanzooError: if there is no such data set or folder.
    """
    kind = kind or (VOXELS if len(shape) == 4 else IMAGES)
    if kind.name not in NAMED:
        raise GanzooError(f"--data: there are no data sets of {kind.name} to name.")
    names = NAMED[kind.name]
    make = names.get(name.replace("-", "_").lower())
    if make is not None:
        return make(root, shape)
    if not Path(name).expanduser().exists():
        known = f"it must be one of {', '.join(names)}, or {FOLDERS[kind.name].words}"
        raise GanzooError(f"--data: there is no '{name}'; {known}.{nearest(name, names)}")
    return open_folder(name, kind, shape, held_out=0.2)
