"""Results of `ganzoo translate`: what was written, changed and skipped."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class TranslatedFiles:
    """Translated, changed and skipped pictures, or clips, of one command.

    Args:
        out: folder or file that they went to.
        written: files that were written.
        resized: how many of them were cropped and resized to what the model takes.
        filled: how many have lost their transparency, because their format has none: white stands in its place.
        skipped: pictures or clips that could not be read or translated, each with the reason.
        what: `pictures` or `clips`.
    """

    out: Path
    written: list[Path] = field(default_factory=list)
    resized: int = 0
    filled: int = 0
    skipped: list[str] = field(default_factory=list)
    what: str = "pictures"
