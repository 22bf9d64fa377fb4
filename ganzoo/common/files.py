"""Writing files so that an interruption never leaves half of one."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Gives a temporary path beside `path` to write to, and renames it once the block has ended well.

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
        with suppress(OSError):  # it is gone already, or its folder is none: that was told above
            beside.unlink()


def sweep(folder: Path) -> None:
    """Removes what `written` had begun in a folder when its process was killed."""
    for path in folder.glob(".*"):
        if re.fullmatch(r"\..+\.\d+(\.\w+)?", path.name):
            path.unlink(missing_ok=True)


@contextmanager
def socket_timeout(seconds: float) -> Iterator[None]:
    """Lets connections give up; torchvision's would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
