"""The `ganzoo card` command: hashes of a checkpoint folder that was changed by hand."""

from collections.abc import Sequence
from pathlib import Path

from ganzoo.checkpoints.hashes import write_hashes


def card(folders: Sequence[Path]) -> list[Path]:
    """Write the hashes of a checkpoint folder's files into its card anew.

    Args:
        folders: checkpoint folders that you changed.

    Returns:
        Their cards.

    Raises:
        GanzooError: if one is no complete checkpoint folder.
    """
    for folder in folders:
        write_hashes(folder)
    return [folder / "README.md" for folder in folders]
