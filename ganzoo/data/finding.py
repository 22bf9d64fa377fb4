"""Search for picture files in a folder or a zip."""

import logging
import os
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

from lightning.pytorch.utilities import rank_zero_only

from ganzoo.common.errors import GanzooError, nearest, one_line

log = logging.getLogger(__name__)

# Pillow knows their endings, but only names the format, or runs another program to read it
UNDECODED = {"BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "PDF", "WMF"}
# pictures that Pillow alone cannot read
FOREIGN = (
    *(".heic", ".heif", ".hif", ".jxl", ".jxr", ".svg", ".svgz", ".eps", ".ai", ".wmf", ".emf", ".xcf", ".exr", ".hdr"),
    *(".raw", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf"),
)
# how files begin that are no zip, although somebody may take them for one
BEGINNINGS = {
    b"PK\x03\x04": "is a damaged zip: its end is missing, as after a download that broke off. Fetch or copy it again.",
    b"\x1f\x8b": "is a gzip archive. Unpack it, and give the folder.",
    b"7z\xbc\xaf": "is a 7z archive. Unpack it, and give the folder.",
    b"Rar!": "is a rar archive. Unpack it, and give the folder.",
    b"BZh": "is a bzip2 archive. Unpack it, and give the folder.",
    b"\xfd7zXZ": "is an xz archive. Unpack it, and give the folder.",
    b"version https://git-lfs": "is a Git LFS pointer, not the file itself. Fetch that with `git lfs pull`.",
    b"<": "is a web page or XML: the download went wrong. Fetch it again.",
}


@dataclass
class Files:
    """Files below a folder or in a zip; all paths are relative to it, with slashes.

    Attributes:
        names: pictures, sorted.
        foreign: files that are pictures by their endings, but cannot be read.
        closed: folders that may not be entered.
        empty: folders without any file.
        others: how many other files have which ending.
    """

    names: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)

    def remarks(self) -> list[str]:
        """Returns a line on each kind of file that is passed over."""
        lines = []
        if self.foreign:
            kinds = endings(Counter(PurePosixPath(name).suffix.lower() for name in self.foreign))
            lines.append(f"left out {kinds}, which cannot be read: {some(self.foreign)}; convert them to JPEG or PNG")
        if self.closed:
            lines.append(f"left out {len(self.closed)} folder(s) that may not be read: {some(self.closed)}")
        return lines


@cache
def suffixes() -> tuple[str, ...]:
    """Returns the endings, in lower case, of the picture formats that Pillow reads."""
    from PIL import Image

    known = Image.registered_extensions()
    readable = {"MPO", *Image.OPEN} - UNDECODED  # MPO is opened by way of JPEG
    return tuple(sorted(ending for ending, form in known.items() if form in readable))


def find_pictures(root: Path) -> list[str]:
    """Returns the sorted paths of the pictures inside a folder or zip; logs a line on what is passed over.

    Raises:
        GanzooError: see `find_files`.
    """
    files = find_files(root)
    for line in files.remarks():
        warn(root.name or str(root.resolve()), line)
    return files.names


def find_files(root: Path) -> Files:
    """Returns the pictures inside a folder or zip, and the files that are passed over.

    Raises:
        GanzooError: it is missing, damaged, neither a folder nor a zip, or has no picture.
    """
    if root.is_dir():
        files = _walked(root)
    elif root.exists():
        files = Files()
        try:
            _sort(members(root), files)
        except OSError as error:
            raise GanzooError(f"data.root: {root} cannot be read ({error.strerror or error}).") from error
    else:
        looked = [root.absolute(), *elsewhere(str(root))]
        there = sorted({path.name for place in looked if place.parent.is_dir() for path in place.parent.iterdir()})
        hint = f" There is '{root.name}.zip'." if f"{root.name}.zip" in there else nearest(root.name, there)
        raise GanzooError(
            f"data.root: {root} does not exist (looked for {', '.join(map(str, looked))}). "
            f"Give a folder or a zip of pictures.{hint}"
        )
    if not files.names:
        passed = files.others + Counter(PurePosixPath(name).suffix.lower() for name in files.foreign)
        has = f" It holds {endings(passed)}." if passed else ""
        closed = f" {len(files.closed)} folder(s) may not be read: {some(files.closed)}." if files.closed else ""
        raise GanzooError(
            f"data.root: no pictures in {root}.{has}{closed} Pictures end in .jpg, .png, .webp, .tif, .bmp, .gif, or "
            "whatever else Pillow reads."
        )
    return files


def members(root: Path) -> dict[str, zipfile.ZipInfo]:
    """Returns the files of a zip by their paths, with slashes even if it was made with backslashes.

    Raises:
        GanzooError: it is no zip, damaged, protected by a password, or made to do harm.
    """
    if not zipfile.is_zipfile(root):
        raise GanzooError(f"data.root: {root} {_what(root)}")
    try:
        with zipfile.ZipFile(root) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise GanzooError(f"data.root: {root} is a damaged zip ({error}). Fetch or copy it again.") from error
    windows = not any("/" in entry.filename for entry in entries)  # some programs there write backslashes
    named = {entry.filename.replace("\\", "/") if windows else entry.filename: entry for entry in entries}
    files = {name: entry for name, entry in named.items() if not name.endswith("/")}
    climbing = next((name for name in files if name.startswith("/") or ".." in PurePosixPath(name).parts), None)
    if climbing is not None:  # nothing is ever unpacked, but such a zip was made to do harm
        raise GanzooError(f"data.root: {root} holds '{climbing}', a path that leads out of it.")
    if files and all(entry.flag_bits & 1 for entry in files.values()):
        raise GanzooError(f"data.root: {root} is protected by a password. Unpack it, and give the folder.")
    return files


def elsewhere(root: str) -> list[Path]:
    """Returns other places in which a root is looked for."""
    data = os.environ.get("GANZOO_DATA")
    return [Path(data).expanduser() / root] if data else []


def some(names: Iterable[str], most: int = 5) -> str:
    """Returns the first of some names as text, and how many more there are."""
    names = list(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def endings(counts: Counter[str]) -> str:
    """Returns as text how many files have which ending, the most frequent first."""
    return ", ".join(f"{count} {ending or 'without ending'}" for ending, count in counts.most_common(5))


def warn(label: str, line: str) -> None:
    """Logs a line about a data set's pictures, on one process."""
    rank_zero_only(log.warning)(one_line(f"{label}: {line}"))


def _sort(names: Iterable[str], files: Files) -> None:
    """Sorts files into pictures, those that cannot be read, and others."""
    for name in sorted(names):
        if any(part.startswith((".", "__MACOSX", "@eaDir")) for part in PurePosixPath(name).parts):
            continue  # hidden, or what macOS leaves in zips and a Synology disk beside pictures
        if name.lower().endswith(suffixes()):
            files.names.append(name)
        elif name.lower().endswith(FOREIGN):
            files.foreign.append(name)
        else:
            files.others[PurePosixPath(name).suffix.lower()] += 1


def _walked(root: Path) -> Files:
    """Returns the files below a folder, through links, too, but of no folder twice: links may run in circles."""
    files = Files()
    entered: set[str] = set()
    names: list[str] = []

    def closed(error: OSError) -> None:
        files.closed.append(Path(error.filename).relative_to(root).as_posix())

    for folder, inner, own in os.walk(root, followlinks=True, onerror=closed):
        real = os.path.realpath(folder)
        if real in entered:
            inner.clear()
            continue
        entered.add(real)
        inner[:] = [name for _, name in sorted((Path(folder, name).is_symlink(), name) for name in inner)]
        below = Path(folder).relative_to(root)
        if not inner and not own and below.parts and not any(part.startswith(".") for part in below.parts):
            files.empty.append(below.as_posix())
        names += [(below / name).as_posix() for name in own]
    _sort(names, files)
    return files


def _what(root: Path) -> str:
    """Returns what a file is that is no zip, and what to do."""
    with root.open("rb") as file:
        start = file.read(512)
    if not start:
        return "is empty: a download or a copy went wrong. Fetch it again."
    if root.suffix.lower() in suffixes():
        return "is one picture. Give the folder that holds it, or a zip of pictures."
    if start[257:262] == b"ustar":
        return "is a tar archive. Unpack it, and give the folder."
    for beginning, text in BEGINNINGS.items():
        if start.lstrip().startswith(beginning):
            return text
    return "is neither a folder nor a zip. Give a folder or a zip of pictures."
