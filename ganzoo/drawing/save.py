"""Writers of samples by their kind and the file's suffix: pictures, sheets, arrays, movies, meshes, music, folders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from ganzoo.common import images
from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write
from ganzoo.common.kinds import Kind, default_kind
from ganzoo.drawing import looks, pictures
from ganzoo.drawing.films import save_clips
from ganzoo.drawing.movies import require_encoder
from ganzoo.drawing.music import save_midi, save_sound
from ganzoo.drawing.solids import save_solids, save_turning

Save = Callable[[Tensor, Path], None]


def save_pixels(samples: Tensor, path: Path) -> None:
    """Writes samples (N, C, ...) in [-1, 1] as an .npz file of uint8 numbers (N, ..., C)."""
    save_array(images.to_uint8(samples), path)


def save_numbers(samples: Tensor, path: Path) -> None:
    """Writes samples as an .npz file of the numbers that they are."""
    save_array(samples.cpu().numpy(), path)


def save_array(array: np.ndarray, path: Path) -> None:
    """Writes an array under the name `samples` as an .npz file."""
    with atomic_write(path) as file:
        np.savez_compressed(file, samples=array)


def save_image(samples: Tensor, path: Path) -> None:
    """Writes a single image (1, C, H, W)."""
    (pixels,) = images.to_uint8(samples)
    pictures.save_picture(pictures.to_image(pixels), path)


@dataclass(frozen=True)
class Files:
    """Formats of the files that samples of a kind are saved as; all are drawn as pictures, too.

    Attributes:
        writers: writers of several samples to one file, by its suffix.
        alone: suffix of the file of a single sample in a folder; None of samples that say nothing alone.
        single: what writes it, if not the writer of that suffix.
    """

    writers: dict[str, Save] = field(default_factory=dict)
    alone: str | None = None
    single: Save | None = None


SAVERS: dict[str, Files] = {
    "images": Files({".npz": save_pixels}, ".png", save_image),
    "points": Files({".npz": save_numbers}),
    "video": Files({".npz": save_pixels, ".gif": save_clips, ".mp4": save_clips}, ".gif"),
    "voxels": Files({".npz": save_numbers, ".obj": save_solids, ".gif": save_turning, ".mp4": save_turning}, ".obj"),
    "music": Files({".npz": save_numbers, ".mid": save_midi, ".wav": save_sound}, ".mid"),
}


def is_picture(path: Path, kind: Kind | None = None) -> bool:
    """Returns whether a path names a picture, neither a folder nor a file in a format of the kind's own."""
    own = SAVERS[kind.name].writers if kind is not None else {".npz": save_numbers}
    return bool(path.suffix) and path.suffix.lower() not in own and not path.is_dir()


def write_rows(
    rows: Sequence[Tensor], titles: Sequence[str], path: Path, notes: Sequence[str] = (), kind: Kind | None = None
) -> None:
    """Writes a sheet of rows of images of samples (N, ...), each under a title at its left and perhaps a note.

    Raises:
        GanzooError: if a sample alone cannot be drawn.
    """
    from ganzoo.drawing import sheets

    drawn = [looks.images_of(row, kind) for row in rows]
    strips = [pictures.grid(row, columns=len(row)) for row in drawn]
    noted = [[note] for note in notes] or [[] for _ in rows]
    sheet = sheets.sheet([sheets.Row(*row) for row in zip(titles, noted, strips, strict=True)])
    with BytesIO() as file:
        sheet.savefig(file, format="png", dpi=sheets.DPI)
        # the lettering is grey, too
        pictures.save_picture(Image.open(file).convert("RGB" if drawn[0].shape[1] == 3 else "L"), path)


def write_samples(
    samples: Tensor, path: Path, turns: int = 0, names: Sequence[int] | None = None, kind: Kind | None = None
) -> None:
    """Writes samples in the format of `path`: a picture, a file of their kind, or without a suffix a folder of files.

    Args:
        samples: (N, ...).
        path: where to.
        turns: number of classes that take turns; a picture has a class to a column, if it does not get too wide.
        names: numbers of the files of a folder; by default they are counted.
        kind: of sample; by default what its shape suggests.

    Raises:
        GanzooError: if there is no such format, or its encoder is not installed.
    """
    kind = kind or default_kind(tuple(samples.shape[1:]))
    look, files = looks.PICTURES[kind.name], SAVERS[kind.name]
    if is_picture(path, kind):
        if look.each is None:
            pictures.save_picture(looks.picture(samples, kind=kind), path)
            return
        drawn = look.each(samples)
        side = (len(drawn) * drawn.shape[2] / drawn.shape[3]) ** 0.5
        columns = turns * max(1, round(side / turns)) if 1 < turns <= 2 * side else None
        pictures.save_picture(pictures.grid(drawn, columns, look.gap), path)
    elif path.suffix.lower() in files.writers:
        files.writers[path.suffix.lower()](samples, path)
    elif files.alone is None:
        raise GanzooError(
            f"-o: {kind.name} are no pictures of their own; name a .png or .npz file instead of '{path}'."
        )
    else:
        save = files.single or files.writers[files.alone]
        names = names or range(len(samples))
        width = max(4, len(str(max(names))))
        for name, sample in zip(names, samples.split(1), strict=True):
            save(sample, path / f"{name:0{width}d}{files.alone}")


def require_format(path: Path, kind: Kind | None) -> None:
    """Raises GanzooError if samples of a kind cannot be written to such a file; to be called before drawing."""
    if kind is None:
        return
    own = SAVERS[kind.name].writers
    if path.suffix.lower() in own:
        require_encoder(path)
    elif is_picture(path, kind) and not pictures.can_write(path):
        formats = ", ".join((".png", *own))
        raise GanzooError(f"-o: cannot write {kind.name} to '{path}'; use a name that ends in {formats}.")
