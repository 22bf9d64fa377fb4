"""Reads Markdown tables, cell by cell."""


def table(text: str) -> dict[str, dict[str, str]]:
    """Reads a Markdown table: cells by first cell and header."""
    lines = [[cell.strip() for cell in line[1:-1].split("|")] for line in text.splitlines() if line.startswith("|")]
    return {line[0]: dict(zip(lines[0], line, strict=True)) for line in lines[2:]}
