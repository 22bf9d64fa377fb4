"""Data sets by a name or a path, as commands take them."""

from pathlib import Path

from ganzoo.common.errors import GanzooError, nearest
from ganzoo.data import CIFAR10, MNIST, DataModule, Digits, FashionMNIST, ImageFolder, Shapes, Solids, VoxelFolder
from ganzoo.data.base import ImageDataModule

DATA: dict[str, type[ImageDataModule]] = {
    "mnist": MNIST,
    "fashion_mnist": FashionMNIST,
    "cifar10": CIFAR10,
    "digits": Digits,
}
SOLIDS: dict[str, type[Shapes | Solids]] = {"shapes": Shapes, "solids": Solids}


def find_data(name: str, shape: tuple[int, ...], root: str | None = None) -> DataModule:
    """Returns labelled images or solids of a shape: a data set by its name, or a folder with sub-folders as classes.

    Pictures may be in a zip, too, and voxels in an .npz file. A fifth of a folder is its test split.

    Raises:
        GanzooError: if there is no such data set or folder.
    """
    if len(shape) == 4:
        return _find_solids(name, shape[-1])
    kind = DATA.get(name.replace("-", "_").lower())
    if kind is not None:
        return kind(root=root, size=shape[-1])
    if not Path(name).expanduser().exists():
        known = f"it must be one of {', '.join(DATA)}, or a folder or a zip of pictures"
        raise GanzooError(f"--data: there is no '{name}'; {known}.{nearest(name, DATA)}")
    return ImageFolder(root=name, size=shape[-1], channels=shape[0], held_out=0.2)


def _find_solids(name: str, size: int) -> DataModule:
    """Returns labelled solids of so many voxels a side.

    Raises:
        GanzooError: if there is no such data set, folder or file.
    """
    if name in SOLIDS:
        return SOLIDS[name](size=size)
    if not Path(name).expanduser().exists():
        known = f"it must be one of {', '.join(SOLIDS)}, a folder of meshes or voxels, or an .npz file"
        raise GanzooError(f"--data: there is no '{name}'; {known}.{nearest(name, SOLIDS)}")
    return VoxelFolder(root=name, size=size, held_out=0.2)
