"""Pairs of pictures in domains A and B, read off the names of folders and files."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ganzoo.data.finding import some
from ganzoo.data.layout import role

Parts = tuple[str, ...]


@dataclass
class PicturePlace:
    """Domain, split and name of a picture in two domains.

    Attributes:
        domain: 0 for A, 1 for B.
        split: "train", "val" or "test", or None where no folder says so.
        rest: the folders of its path without that of the domain, and its name without ending: what it has in common
            with its partner.
    """

    domain: int
    split: str | None
    rest: Parts


def picture_place(name: str, folders: Sequence[str] | None = None) -> PicturePlace | None:
    """Returns the domain and the split of a picture, read off its path; None if no folder tells its domain.

    Args:
        name: path of the picture, such as `trainA/x.png`, `A/train/x.png`, `train/A/x.png` or `A/x.png`.
        folders: names of the folders of A and of B. Default: A and B, in either case.
    """
    path = PurePosixPath(name)
    parts = path.parts[:-1]
    if folders is None:
        for depth, part in enumerate(parts):
            both = re.fullmatch(r"(.+?)[_ -]?([abAB])", part)
            if both and (split := role(both[1])):
                rest = (*parts[:depth], split, *parts[depth + 1 :], path.stem)
                return PicturePlace("ab".index(both[2].lower()), split, rest)
    names = ["a", "b"] if folders is None else list(folders)
    for depth, part in enumerate(parts):
        folder = part.lower() if folders is None else part
        if folder in names:
            others = parts[:depth] + parts[depth + 1 :]
            return PicturePlace(names.index(folder), split_of(others), (*others, path.stem))
    return None


def split_of(folders: Sequence[str]) -> str | None:
    """Returns the split that the outermost folder with a name like train, val or test stands for."""
    return next((kind for folder in folders if (kind := role(folder))), None)


def partners(places: dict[str, PicturePlace]) -> tuple[dict[str, str], list[str]]:
    """Pairs pictures of A with those of B that have the same place and name, whatever their endings.

    Args:
        places: where each picture lies.

    Returns:
        The partner in B of each picture of A that has one, and the pictures that have none.
    """
    sides: tuple[dict[Parts, str], dict[Parts, str]] = ({}, {})
    for name, where in sorted(places.items()):
        sides[where.domain].setdefault(where.rest, name)
    pairs = {name: sides[1][rest] for rest, name in sides[0].items() if rest in sides[1]}
    paired = {*pairs, *pairs.values()}
    return pairs, [name for name in sorted(places) if name not in paired]


def alike(names: Sequence[str]) -> list[str]:
    """Returns the names of two folders that hold pictures of the same names, such as photo and label, if there are."""
    stems: dict[Parts, dict[str, set[str]]] = {}
    for name in names:
        *above, folder = ("", *(part for part in PurePosixPath(name).parts[:-1] if not role(part)))
        stems.setdefault(tuple(above), {}).setdefault(folder, set()).add(PurePosixPath(name).stem)
    for folders in stems.values():
        if len(folders) == 2:
            (one, first), (other, second) = sorted(folders.items())
            if 2 * len(first & second) > max(len(first), len(second)):
                return [one, other]
    return []


def unpaired_remark(names: Sequence[str]) -> list[str]:
    """Returns a line on pictures without a partner, which are left out."""
    return [f"left out {len(names)} picture(s) without a partner of the same name: {some(names)}"] if names else []
