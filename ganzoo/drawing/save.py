"""Writers of samples: pictures, sheets, arrays, and folders of pictures."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from ganzoo.common import images
from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write
from ganzoo.drawing import pictures


def is_picture(path: Path) -> bool:
    """Returns whether a path names a picture, neither an array nor a folder."""
    return bool(path.suffix) and path.suffix != ".npz" and not path.is_dir()


def write_rows(rows: Sequence[Tensor], titles: Sequence[str], path: Path, notes: Sequence[str] = ()) -> None:
    """Writes a sheet of rows of images (N, C, H, W), each under a title at its left and perhaps a note.

    Raises:
        GanzooError: if the samples are no images.
    """
    from ganzoo.drawing import sheets

    require_images(rows[0])
    strips = [pictures.grid(row, columns=len(row)) for row in rows]
    noted = [[note] for note in notes] or [[] for _ in rows]
    sheet = sheets.sheet([sheets.Row(*row) for row in zip(titles, noted, strips, strict=True)])
    with BytesIO() as file:
        sheet.savefig(file, format="png", dpi=sheets.DPI)
        # the lettering is grey, too
        pictures.save_picture(Image.open(file).convert("RGB" if rows[0].shape[1] == 3 else "L"), path)


def require_images(samples: Tensor) -> None:
    """Raises GanzooError if samples are no images."""
    if samples.dim() != 4:
        raise GanzooError(f"this is for images, but the model draws samples of shape {tuple(samples.shape[1:])}.")


def write_samples(samples: Tensor, path: Path, turns: int = 0, names: Sequence[int] | None = None) -> None:
    """Writes samples in the format of `path`: an .npz file, a picture, or without a suffix a folder of PNGs.

    Args:
        samples: images or points.
        path: where to.
        turns: number of classes that take turns; a picture has a class to a column, if it does not get too wide.
        names: numbers of the PNGs of a folder; by default they are counted.
    """
    if path.suffix == ".npz":
        array = images.to_uint8(samples) if samples.dim() == 4 else samples.cpu().numpy()
        with atomic_write(path) as file:
            np.savez_compressed(file, samples=array)
    elif is_picture(path):
        side = len(samples) ** 0.5
        columns = turns * max(1, round(side / turns)) if 1 < turns <= 2 * side else None
        whole = pictures.grid(samples, columns) if samples.dim() == 4 else pictures.picture(samples)
        pictures.save_picture(whole, path)
    elif samples.dim() == 4:
        names = names or range(len(samples))
        width = max(4, len(str(max(names))))
        for name, pixels in zip(names, images.to_uint8(samples), strict=True):
            pictures.save_picture(pictures.to_image(pixels), path / f"{name:0{width}d}.png")
    else:
        raise GanzooError(f"-o: points are no pictures of their own; name a .png or .npz file instead of '{path}'.")
