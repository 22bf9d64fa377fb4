"""Import of a user's own classes: the current folder on the path, and import paths for recipes."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from ganzoo.common.errors import GanzooError


@contextmanager
def current_folder() -> Iterator[None]:
    """Context manager: modules in the current folder can be imported, unless anything else is called so.

    A console script finds what lies beside itself, not what lies where it is called. The folder comes last, so that
    a `random.py` in it stands for nothing but itself.
    """
    here = str(Path.cwd())
    added = not {"", here}.intersection(sys.path)
    if added:
        sys.path.append(here)
    try:
        yield
    finally:
        if added and here in sys.path:
            sys.path.remove(here)


def for_command(arguments: Mapping[str, Any]) -> Any:
    """Returns the context manager of a command: the current folder counts where something of the user's is named.

    That is a recipe to train, what lies on this disk, or an import path. What comes from elsewhere is to find no module
    that it would not have found without that folder.
    """
    names = [arguments.get("name"), arguments.get("run"), *arguments.get("names", ())]
    on_disk = any(Path(name).expanduser().exists() for name in names if name is not None)
    own_metrics = any("." in metric for metric in arguments.get("metrics") or ())
    return current_folder() if {"recipe", "recipes"} & {*arguments} or on_disk or own_metrics else nullcontext()


def import_path(kind: type) -> str:
    """Returns the import path by which a recipe names a class.

    Raises:
        GanzooError: it was defined inside a function, where nothing can import it from.
    """
    path = f"{kind.__module__}.{kind.__qualname__}"
    if "<locals>" in path:
        raise GanzooError(f"{path}: a class inside a function cannot be imported by its name; define it in a module.")
    return path
