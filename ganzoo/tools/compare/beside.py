"""Numbers measured elsewhere, from a CSV whose columns a comparison's table shows beside ours."""

import csv
from dataclasses import dataclass, field
from pathlib import Path

from ganzoo.common.errors import GanzooError


@dataclass(frozen=True)
class Beside:
    """Columns of a table that were measured elsewhere.

    Attributes:
        headers: Of the columns.
        cells: By model, as the file has them.
        note: What has to be known of them, below the table.
    """

    headers: list[str] = field(default_factory=list)
    cells: dict[str, list[str]] = field(default_factory=dict)
    note: str = ""

    def of(self, model: str) -> list[str]:
        """Returns a model's cells, empty ones where the file does not know it; `-` and `_` are the same in a name."""
        return self.cells.get(model.replace("-", "_"), [""] * len(self.headers))


def read_beside(file: Path) -> Beside:
    """Reads a CSV: a first column `model`, then any others; lines that begin with # are the note.

    Raises:
        GanzooError: It is missing, or no such CSV.
    """
    if not file.is_file():
        raise GanzooError(f"--beside: there is no file '{file}'.")
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    note = " ".join(line.lstrip("# ").strip() for line in lines if line.startswith("#"))
    rows = [row for row in csv.reader(line for line in lines if not line.startswith("#")) if row]
    if not rows or rows[0][0].strip() != "model" or len(rows[0]) < 2:
        raise GanzooError(f"--beside: '{file}' must begin with the columns model, and one more at least.")
    wrong = next((row for row in rows if len(row) != len(rows[0])), None)
    if wrong is not None:
        counts = f"has {len(rows[0])} columns, but the row of '{wrong[0]}' has {len(wrong)}"
        raise GanzooError(f"--beside: '{file}' {counts}.")
    cells = {row[0].strip().replace("-", "_"): [cell.strip() for cell in row[1:]] for row in rows[1:]}
    return Beside([header.strip() for header in rows[0][1:]], cells, note)
