"""Folders of samples by their kind: solids, tunes and clips, as the endings and contents of their files say."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import IMAGES, KINDS, MUSIC, VIDEO, VOXELS, Kind
from ganzoo.common.pitches import NOTES
from ganzoo.data.array_files import ARRAYS, arrays
from ganzoo.data.base import DataModule
from ganzoo.data.clip_files import ANIMATIONS, MOVIES, ClipSource, read_clips
from ganzoo.data.clip_folder import ClipFolder
from ganzoo.data.finding import members, suffixes
from ganzoo.data.image_folder import ImageFolder
from ganzoo.data.midi import ENDINGS, MidiFolder
from ganzoo.data.tunes import BAR
from ganzoo.data.voxel_files import MESHES
from ganzoo.data.voxel_folder import VoxelFolder

Shape = tuple[int, ...]
SIDE, MOST_FRAMES = 32, 16  # of solids and clips whose size nobody says
FIRST = 8  # clips whose length is looked at
LARGEST_LOOKED_INTO = 2**26  # bytes of an array file, whose first array says of which kind it is


@dataclass(frozen=True)
class Folder:
    """How a folder of samples of a kind is opened.

    Args:
        holds: endings of its files, in lower case.
        open: returns it as data, by its path, the shape of a sample, and the share that is held out.
        shape: returns the shape of samples that suits several such folders, for a size in pixels or voxels and a number
            of channels where they are given.
        words: what may be named to be compared with, for errors.
    """

    holds: tuple[str, ...]
    open: Callable[[str, Shape, float], DataModule]
    shape: Callable[[Sequence[Path], int | None, int | None], Shape]
    words: str


def _frames(root: Path) -> int:
    """Returns the frames of the shortest of the first clips, 16 at most; who reads them all says what is damaged."""
    source, lengths = ClipSource(root), [MOST_FRAMES]
    for names in islice(source.clips().values(), FIRST):
        try:
            lengths += [len(clip) for clip in read_clips(source, names, 8, 1)]
        except GanzooError:
            continue
    return min(lengths)


# One row a kind of sample that files hold; pictures are found by what Pillow reads.
FOLDERS: dict[str, Folder] = {
    IMAGES.name: Folder(
        (),
        lambda root, shape, held: ImageFolder(root, size=shape[-1], channels=shape[0], held_out=held),
        lambda roots, size, channels: (channels or 3, size or SIDE, size or SIDE),
        "a folder or a zip of pictures",
    ),
    VOXELS.name: Folder(
        (*MESHES, *ARRAYS),
        lambda root, shape, held: VoxelFolder(root, size=shape[-1], held_out=held),
        lambda roots, size, channels: (1, *[size or SIDE] * 3),
        "a folder of meshes or voxels, or an .npz file",
    ),
    MUSIC.name: Folder(
        ENDINGS,
        lambda root, shape, held: MidiFolder(root, held_out=held, keys=1),
        lambda roots, size, channels: (1, BAR, NOTES),
        "a folder or a zip of MIDI files",
    ),
    VIDEO.name: Folder(
        (*MOVIES, *ANIMATIONS),
        lambda root, shape, held: ClipFolder(root, shape[-1], shape[1], channels=shape[0], held_out=held),
        lambda roots, size, channels: (channels or 3, min(map(_frames, roots)), size or SIDE, size or SIDE),
        "a folder or a zip of clips",
    ),
}


def kind_of_folder(root: Path) -> Kind:
    """Returns the kind of sample that most files in a folder or zip, or a file, are of; images where none is known.

    Pictures yield where as many other files are there, which they may show. GIFs are clips if the first of them moves.
    Arrays are solids if their last three axes are equal or their bits are packed, and clips otherwise.

    Raises:
        GanzooError: it is a damaged zip, or an array in it is damaged.
    """
    names = _names(root)
    counts: Counter[str] = Counter()
    for name in names:
        ending = PurePosixPath(name).suffix.lower()
        if ending in ARRAYS:
            counts["arrays"] += 1
        elif ending in ANIMATIONS:
            counts["animations"] += 1
        elif kinds := [kind for kind, folder in FOLDERS.items() if ending in folder.holds]:
            counts[kinds[0]] += 1
        elif ending in suffixes():
            counts[IMAGES.name] += 1
    most = max(counts, key=lambda kind: (counts[kind], kind != IMAGES.name), default=IMAGES.name)
    if most == "arrays":
        return _kind_of_array(_first(root, names, ARRAYS))
    if most == "animations":
        return VIDEO if _moves(_first(root, names, ANIMATIONS)) else IMAGES
    return KINDS[most]


def _names(root: Path) -> list[str]:
    if root.is_dir():
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    single = root.suffix.lower() in {ending for folder in FOLDERS.values() for ending in folder.holds}
    return [root.name] if single else sorted(members(root))


def _first(root: Path, names: list[str], endings: tuple[str, ...]) -> Path | None:
    """Returns the first file with such an ending; None inside a zip."""
    name = next(name for name in names if name.lower().endswith(endings))
    return root / name if root.is_dir() else root if root.name == name else None


def _kind_of_array(file: Path | None) -> Kind:
    if file is None or file.stat().st_size > LARGEST_LOOKED_INTO:
        return VIDEO if file is None else VOXELS  # solids in zips are not read
    _, first = next(arrays(file), (None, None))
    shape: Any = () if first is None else first.shape
    return VOXELS if len(shape) < 3 or len(set(shape[-3:])) == 1 else VIDEO


def _moves(file: Path | None) -> bool:
    if file is None:
        return False
    try:
        with Image.open(file) as image:
            return bool(getattr(image, "is_animated", False))
    except Exception:  # Pillow fails in many ways; who reads the pictures will name the file
        return False


def open_folder(name: str, kind: Kind, shape: Shape, held_out: float = 0.0) -> DataModule:
    """Returns the samples of a kind below a folder, in a zip or in a file, as data of a shape.

    Args:
        name: path of the folder, zip or file.
        kind: one that files hold, see `FOLDERS`.
        shape: of a sample.
        held_out: share that makes a test split, where no folders do.

    Raises:
        GanzooError: files do not hold samples of that kind.
    """
    data = FOLDERS[kind.name].open(name, shape, held_out)
    data.inspect()  # by which it knows its splits
    return data
