"""Atomic writing of files, and a timeout for downloads."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Context manager: a temporary path beside `path` to write to, renamed to it once the block has ended well.

    Raises:
        OSError: if the disk refuses; it names `path`.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        with beside.open("rb") as file:
            os.fsync(file.fileno())  # else a machine that loses its power could have renamed what it never wrote
        beside.replace(path)
    except OSError as error:
        # a full disk does not say which file it is about
        if error.errno is not None and error.filename in {None, str(beside)}:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        with suppress(OSError):  # it is gone already, or its folder is none: that was raised above
            beside.unlink()


def remove_unfinished(folder: Path) -> None:
    """Removes the temporary files that `atomic_write` has left in a folder when its process was killed."""
    for path in folder.glob(".*"):
        if re.fullmatch(r"\..+\.\d+(\.\w+)?", path.name):
            path.unlink(missing_ok=True)


@contextmanager
def socket_timeout(seconds: float) -> Iterator[None]:
    """Context manager: a timeout for all new connections; torchvision's would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
