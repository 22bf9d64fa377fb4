"""Remarks on pictures that a user should know: cut-off parts, lost colours, near-black pictures."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from ganzoo.data.decoding import Header, Pictures

LOOKED_AT = 64  # pictures that are decoded for a line, at most
CUT_OFF = 0.34  # share of the pictures' area; 3:2 is just below
DARK = 31  # of 255


def survey(pictures: Pictures, headers: Sequence[Header]) -> list[str]:
    """Returns remarks on pictures, a line each.

    Args:
        pictures: those that can be read.
        headers: theirs.
    """
    lines = []
    kinds: dict[str, list[str]] = {}
    for name, header in zip(pictures.names, headers, strict=True):
        for remark in header.remarks:
            kinds.setdefault(remark, []).append(name)
    for remark, names in kinds.items():
        lines.append(f"{remark}: {len(names)} of {len(headers)} pictures, such as {names[0]}")
    lost = sum(1 - min(header[:2]) / max(header[:2]) for header in headers) / len(headers)
    if pictures.crops and lost > CUT_OFF:
        lines.append(
            f"only the middle squares are taken, and {lost:.0%} of the pictures' area is cut off; --data.fit pad or "
            "squash keeps all of it"
        )
    coloured = [index for index, header in enumerate(headers) if not header.grey]
    if (index := next(_those(pictures.loses_colours, coloured), None)) is not None:
        lines.append(
            f"pictures in colour, such as {pictures.names[index]}, are read as grey, because {pictures.field} is 1; "
            "with 3 they keep their colours"
        )
    deep = [index for index, header in enumerate(headers) if header.deep]
    if deep and next(_those(lambda index: int(pictures.decode(index).max()) > DARK, deep), None) is None:
        lines.append(
            f"pictures of 16 bits, such as {pictures.names[deep[0]]}, use little of their range and come out nearly "
            "black; stretch their values to 65535"
        )
    return lines


def _those(holds: Callable[[int], bool], indices: Sequence[int]) -> Iterator[int]:
    """Yields the indices for which something holds, of at most `LOOKED_AT` that are evenly spaced."""
    for index in indices[:: -(-len(indices) // LOOKED_AT) or 1]:
        with suppress(Exception):  # Pillow fails in many ways; a picture that cannot be read is named elsewhere
            if holds(index):
                yield index
