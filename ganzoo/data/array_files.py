"""Reading of arrays of numbers from .npy and .npz files that somebody else made, within bounds."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.common.errors import GanzooError, one_line

ARRAYS = (".npy", ".npz")
LARGEST_ARRAY = 2**31  # bytes


def arrays(path: Path) -> Iterator[tuple[str | None, NDArray[Any]]]:
    """Yields the arrays of a .npy or .npz file by their names, None in a .npy file.

    Raises:
        GanzooError: it is damaged, or an array is too large or holds no numbers.
    """
    try:
        if path.suffix.lower() == ".npy":
            with path.open("rb") as file:
                yield None, _array(file, path.name)
            return
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                with archive.open(name) as member:
                    yield name.removesuffix(".npy"), _array(member, f"{path.name}: {name}")
    except GanzooError:
        raise
    except Exception as error:  # numpy fails in as many ways as there are damages
        raise damaged(path.name, f"is damaged ({one_line(str(error))[:80]})") from error


def array_names(path: Path) -> list[str]:
    """Returns the names of the arrays in a .npz file.

    Raises:
        GanzooError: it is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise damaged(path.name, f"is damaged ({one_line(str(error))[:80]})") from error


def _array(file: IO[bytes], name: str) -> NDArray[Any]:
    """Reads an array, whose header is looked at before any of it is unpacked."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, order, dtype = read(file)
    if dtype.kind not in "buif":
        raise damaged(name, f"holds {dtype}, no numbers")
    count = int(np.prod(shape, dtype=object))
    if count * dtype.itemsize > LARGEST_ARRAY:
        raise damaged(name, f"has shape {shape}, which is too large")
    data = file.read(count * dtype.itemsize)
    if len(data) < count * dtype.itemsize:
        raise damaged(name, "is cut off")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if order else "C")


def damaged(name: str, what: str) -> GanzooError:
    """Returns the error about a file that cannot be used, whose words go on after its name."""
    return GanzooError(f"data.root: {name} {what}. Repair it or take it out.")
