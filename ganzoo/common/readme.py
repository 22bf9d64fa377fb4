"""Tables written between two markers of a README."""

from pathlib import Path

from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write


def markers(table: str = "") -> tuple[str, str]:
    """Returns the marker lines above and below the comparison, or below a further table that has a name."""
    name = f"comparison-{table}" if table else "comparison"
    return f"<!-- {name}:start -->", f"<!-- {name}:end -->"


def between_markers(readme: Path, text: str | None, table: str = "") -> None:
    """Writes a text between a table's markers in a file; None only checks that they are there.

    Raises:
        GanzooError: if there is no such file, or it does not hold the two markers, in order, once each.
    """
    start, end = markers(table)
    if not readme.is_file():
        raise GanzooError(f"--readme: there is no file '{readme}'.")
    page = readme.read_text(encoding="utf-8")
    before, _, rest = page.partition(start)
    _, ends, after = rest.partition(end)
    if not ends or page.count(start) != 1 or page.count(end) != 1:
        raise GanzooError(f"--readme: '{readme}' must hold a line {start} and below it a line {end}, once each.")
    if text is not None:
        with atomic_write(readme.resolve()) as file:
            file.write_text(f"{before}{start}\n{text.strip()}\n{end}{after}", encoding="utf-8")
