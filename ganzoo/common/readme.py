"""A place in a README that a table is written into."""

from pathlib import Path

from ganzoo.common.errors import GanzooError
from ganzoo.common.files import written


def markers(table: str = "") -> tuple[str, str]:
    """Returns the two lines between which the comparison stands, or a further one that has a name."""
    name = f"comparison-{table}" if table else "comparison"
    return f"<!-- {name}:start -->", f"<!-- {name}:end -->"


def between_markers(readme: Path, text: str | None, table: str = "") -> None:
    """Puts a text between a table's markers in a file; None only checks that they are there.

    Raises:
        GanzooError: if there is no such file, or it does not hold the two markers, in order, once each.
    """
    start, end = markers(table)
    if not readme.is_file():
        raise GanzooError(f"--readme: there is no file '{readme}'.")
    page = readme.read_text(encoding="utf-8")
    before, _, rest = page.partition(start)
    _, found, after = rest.partition(end)
    if not found or page.count(start) != 1 or page.count(end) != 1:
        raise GanzooError(f"--readme: '{readme}' must hold a line {start} and below it a line {end}, once each.")
    if text is not None:
        with written(readme.resolve()) as file:
            file.write_text(f"{before}{start}\n{text.strip()}\n{end}{after}", encoding="utf-8")
