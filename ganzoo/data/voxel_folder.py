"""Data set of your own solids: a folder of meshes or arrays of voxels, or one file of arrays."""

from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError, require_at_least
from ganzoo.common.kinds import VOXELS
from ganzoo.data.array_files import ARRAYS, array_names
from ganzoo.data.base import DataModule, Loaded, Split
from ganzoo.data.finding import elsewhere
from ganzoo.data.layout import role
from ganzoo.data.voxel_files import MESHES, UPS, Up, read_solids


class VoxelFolder(DataModule):
    """Solids (1, size, size, size) of all meshes and arrays below a folder, full at 1 and empty at -1.

    The first folders are the classes; folders called train and test part the solids, as in ModelNet's
    `chair/train/chair_0001.off`. A .npz file by itself may be the root: its arrays are the classes. For the formats see
    `ganzoo.data.voxel_files`. Meshes need `ganzoo-lightning[voxels]`, and are voxelised anew in each run.

    Args:
        root: the folder or file. A relative path that does not exist is also looked for under `$GANZOO_DATA`.
        size: side of the solids in voxels.
        up: axis that points up in meshes and arrays (X, Y, Z); ModelNet's is z.
        held_out: share of the solids that make a test split where no folders do: those with the lowest hashes.
        title: what the solids are, for model cards. Default: the name of the folder.
        licence: their terms.
        source: who made them, and where they come from.
        batch_size: solids per process.
    """

    kind = VOXELS

    def __init__(
        self,
        root: str,
        size: int = 32,
        up: Up = "y",
        held_out: float = 0.0,
        title: str | None = None,
        licence: str = "unknown",
        source: str = "",
        batch_size: int = 32,
    ) -> None:
        super().__init__(batch_size)
        require_at_least("data.size", size, 8)
        if up not in UPS:
            raise GanzooError(f"data.up: '{up}' given, but it must be {' or '.join(UPS)}.")
        if not 0 <= held_out < 1:
            raise GanzooError(f"data.held_out: {held_out} given, but it must be at least 0 and below 1.")
        self.root = Path(root).expanduser()
        self.size, self.up, self.held_out = size, up, held_out
        self.title, self.licence, self.source = title or self.root.stem, licence, source
        self.shape = (1, size, size, size)
        self._files: list[Path] = []
        self._solids: tuple[Tensor, Tensor, Tensor] | None = None

    def inspect(self) -> None:
        """Finds the files, and by their folders or the names of arrays the classes.

        Raises:
            GanzooError: there are none.
        """
        if self._files:
            return
        places = [self.root, *elsewhere(str(self.root))]
        self.root = next((place for place in places if place.exists()), self.root)
        if not self.root.exists():
            raise GanzooError(f"data.root: {self.root} does not exist. Give a folder of meshes or of arrays of voxels.")
        files = [self.root] if self.root.is_file() else sorted(p for p in self.root.rglob("*") if p.is_file())
        self._files = [file for file in files if file.suffix.lower() in (*MESHES, *ARRAYS)]
        if not self._files:
            raise GanzooError(f"data.root: no solids in {self.root}; they end in {', '.join((*MESHES, *ARRAYS))}.")
        names = array_names(self.root) if self.root.suffix.lower() == ".npz" else [*map(self._class, self._files)]
        classes = tuple(sorted(set(names)))
        self.class_names = classes if len(classes) > 1 else ()
        self.n_classes = len(self.class_names)
        parted = any(self._is_test(file) for file in self._files)
        self.reference = "test" if parted or self.held_out else "train"

    def load(self, split: Split) -> Loaded:
        """Reads all solids at first, and returns those of a split and their classes, or None.

        Raises:
            GanzooError: a file is damaged, or no solid is in the split.
        """
        x, y, test = self._solids = self._solids or self._read()
        own = test if split == "test" else ~test
        if not own.any():
            raise GanzooError(f"data.root: of {len(x)} solids in {self.root} none is in the {split} split.")
        return x[own], y[own] if self.n_classes else None

    def _read(self) -> tuple[Tensor, Tensor, Tensor]:
        """Returns all solids, uint8 (N, 1, D, H, W), their labels, and which are held out."""
        parted = any(self._is_test(file) for file in self._files)
        solids, labels, test = [], [], []
        for file in self._files:
            for name, found in read_solids(file, self.size, self.up):
                own = name if file == self.root and name is not None else self._class(file)
                number = self.class_names.index(own) if self.n_classes else 0
                solids.append(found)
                labels += [number] * len(found)
                keys = (f"{self._path(file)}/{name}/{index}" for index in range(len(found)))
                test += [self._is_test(file)] * len(found) if parted else [_share(key) < self.held_out for key in keys]
        return torch.cat(solids)[:, None], torch.tensor(labels), torch.tensor(test)

    def _path(self, file: Path) -> str:
        return "" if file == self.root else file.relative_to(self.root).as_posix()

    def _class(self, file: Path) -> str:
        """Returns the first folder below the root that is no split, or nothing."""
        return next((folder for folder in self._path(file).split("/")[:-1] if role(folder) is None), "")

    def _is_test(self, file: Path) -> bool:
        return any(role(folder) in ("test", "val") for folder in self._path(file).split("/")[:-1])


def _share(key: str) -> float:
    """Returns a number in [0, 1) by which solids are held out, the same on every machine."""
    return int(sha256(key.encode()).hexdigest()[:8], 16) / 2**32
