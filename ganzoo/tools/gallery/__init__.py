"""The `ganzoo gallery` command: checkpoints on one web page."""

from collections.abc import Sequence
from pathlib import Path


def gallery(names: Sequence[str] = (), *, out: Path = Path("gallery.html")) -> Path:
    """Write a web page of the bundled checkpoints: one file, without anything to fetch.

    Args:
        names: checkpoints, their folders, or runs (all bundled checkpoints).
        out: the page.

    Returns:
        The page.

    Raises:
        GanzooError: if there is no such checkpoint, it is not complete, or two share a name.
    """
    from ganzoo.tools.gallery.page import write_gallery

    return write_gallery(out, names)
