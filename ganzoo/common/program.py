"""Command lines to print that start this program as it was started."""

import os
import shlex
import shutil
import sys
from pathlib import Path


def command(*words: object) -> str:
    """Returns a line that works where it is pasted: `ganzoo WORDS`, begun as this process was.

    Args:
        words: what follows `ganzoo`; quoted where a shell needs it.
    """
    return shlex.join([*program(), *map(str, words)])


def program(started: str | None = None) -> list[str]:
    """Returns the words that stand for `ganzoo`.

    That is `ganzoo` where the shell finds this very command under the name, the path as it was typed where it does not,
    as with `.venv/bin/ganzoo`, and `python -m ganzoo` where it was started so. Other programs, a notebook say, are
    told `ganzoo`.

    Args:
        started: the first word of the process; `sys.argv[0]` by default.
    """
    script = Path(sys.argv[0] if started is None else started)
    if script.name == "__main__.py" and script.parent.name == "ganzoo":
        return [_interpreter(), "-m", "ganzoo"]
    if script.stem != "ganzoo" or not script.is_file():
        return ["ganzoo"]
    installed = shutil.which("ganzoo")
    if installed and Path(installed).absolute() == script.absolute():
        return ["ganzoo"]
    return [str(script) if os.sep in str(script) else os.path.join(os.curdir, script)]  # noqa: PTH118  # keeps the dot


def _interpreter() -> str:
    """Returns `python` where the shell finds this one under the name, else its path."""
    python = shutil.which("python")
    return "python" if python and Path(python).absolute() == Path(sys.executable) else sys.executable
