"""Data sets by a name or a path, as commands take them."""

from pathlib import Path

from ganzoo.common.errors import GanzooError, nearest
from ganzoo.data import CIFAR10, MNIST, Digits, FashionMNIST, ImageFolder
from ganzoo.data.base import ImageDataModule

DATA: dict[str, type[ImageDataModule]] = {
    "mnist": MNIST,
    "fashion_mnist": FashionMNIST,
    "cifar10": CIFAR10,
    "digits": Digits,
}


def find_data(name: str, shape: tuple[int, ...], root: str | None = None) -> ImageDataModule:
    """Returns labelled images of a shape: a data set by its name, or a folder or zip with sub-folders as classes.

    A fifth of a folder's pictures is its test split.

    Raises:
        GanzooError: if there is no such data set or folder.
    """
    kind = DATA.get(name.replace("-", "_").lower())
    if kind is not None:
        return kind(root=root, size=shape[-1])
    if not Path(name).expanduser().exists():
        known = f"it must be one of {', '.join(DATA)}, or a folder or a zip of pictures"
        raise GanzooError(f"--data: there is no '{name}'; {known}.{nearest(name, DATA)}")
    return ImageFolder(root=name, size=shape[-1], channels=shape[0], held_out=0.2)
