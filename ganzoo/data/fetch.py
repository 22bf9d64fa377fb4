"""torchvision's data sets, with one-line errors and short waits for the internet."""

from pathlib import Path
from typing import Any

from ganzoo.common.errors import GanzooError
from ganzoo.common.files import socket_timeout


def from_torchvision(name: str, root: Path, download: bool, **options: Any) -> Any:
    """Returns torchvision's data set `name` under `root`; downloads a missing one if `download` allows it.

    Raises:
        GanzooError: it is not there and cannot be fetched, or its files are damaged.
    """
    from torchvision import datasets

    dataset = getattr(datasets, name)
    try:
        return dataset(root, download=False, **options)
    except Exception as error:
        # torchvision has no error of its own for files that are not there
        if not isinstance(error, FileNotFoundError) and "not found" not in str(error):
            raise GanzooError(
                f"data.root: the {name} files in {root.resolve()} are damaged ({_line(error)}). "
                "Delete them and run again."
            ) from error
    missing = f"data.root: {name} is not in {root.resolve()}"
    advice = "Point --data.root or GANZOO_DATA at the folder that holds it"
    if not download:
        raise GanzooError(f"{missing}, and data.download is false. {advice}, or allow the download.")
    try:
        with socket_timeout(10):
            return dataset(root, download=True, **options)
    except ImportError as error:
        raise GanzooError(f"{missing}, and downloading it needs one more package: {_line(error)}") from error
    except Exception as error:  # no connection, no such host, quota of a mirror, a full disk ...
        raise GanzooError(
            f"{missing}, and downloading it failed ({_line(error)}). {advice}, or check the internet connection."
        ) from error


def _line(error: BaseException) -> str:
    """Returns the last line of an exception's text."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
