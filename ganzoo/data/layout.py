"""Classes and splits of pictures, read off the names of their folders."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ganzoo.common.errors import GanzooError
from ganzoo.data.finding import some

ROLES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
Parts = tuple[str, ...]


@dataclass
class Layout:
    """Pictures to train on, held-out pictures, and their classes.

    Attributes:
        train: paths of the pictures to train on, sorted.
        test: those that are held out; None where no folders say so.
        classes: names of the classes, in the order of the labels; empty without classes.
        numbers: number of each picture's class.
        remarks: what the user should know, a line each.
    """

    train: list[str]
    test: list[str] | None = None
    classes: tuple[str, ...] = ()
    numbers: dict[str, int] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def everything(self) -> list[str]:
        """Returns the pictures of both splits, sorted."""
        return sorted([*self.train, *(self.test or [])])


@dataclass
class Branches:
    """First level of folders at which pictures lie in several of them.

    Attributes:
        depth: how many folders lie above it.
        folders: paths of the pictures in each of them.
        loose: paths of those beside them, and beside the folders above.
    """

    depth: int
    folders: dict[str, list[str]]
    loose: list[str]


def role(folder: str) -> str | None:
    """Returns the split that a folder's name stands for, "train", "val" or "test", or None."""
    stem = re.sub(r"[_ -]?(set|split|data|images?|pictures)$", "", folder.lower())
    return ROLES.get(stem)


def naturally(names: Iterable[str]) -> list[str]:
    """Returns names sorted as people do, numbers by their value."""
    names = sorted(names)
    if all(re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", name) for name in names):
        return sorted(names, key=float)
    # every second part is a number
    return sorted(names, key=lambda name: [int(p) if i % 2 else p for i, p in enumerate(re.split("([0-9]+)", name))])


def arrange(names: Sequence[str], splits: bool = True) -> Layout:
    """Reads splits and classes off the folders of pictures.

    Folders called train and val, or test, are splits, above the folders of the classes or below them; val is held out
    where there are both. The other folders are classes if at least two hold all pictures, or all but a few.

    Args:
        names: paths of the pictures, sorted.
        splits: whether folders may be splits.

    Raises:
        GanzooError: there are val and test, but there is no train.
    """
    inside = {name: PurePosixPath(name).parts[:-1] for name in names}
    if not splits:
        return _classed(inside)
    level = _branches(inside)
    roles = {folder: role(folder) for folder in level.folders}
    present = {kind for kind in roles.values() if kind}
    if "train" in present and len(present) > 1:
        return _by_folders(inside, level, roles)
    if len(roles) > 1 and present and None not in roles.values() and "train" not in present:
        raise GanzooError(f"data.root: there are pictures in {some(f'{name}/' for name in roles)}, but in no train/.")
    loose = len(level.loose) > few(len(names))
    if (
        len(roles) > 1
        and not loose
        and all(_parted(inside, level.depth + 1, group) for group in level.folders.values())
    ):
        kinds = {name: role(parts[level.depth + 1]) for name, parts in inside.items() if name not in level.loose}
        held = "val" if "val" in kinds.values() else "test"
        pooled = {name: inside[name] for name, kind in kinds.items() if kind in ("train", held)}
        layout = _classed(pooled)
        layout.remarks = [*_left_out(level.loose), *layout.remarks]
        return _parting(layout, {name for name in pooled if kinds[name] == "train"})
    return _classed(inside)


def _by_folders(inside: dict[str, Parts], level: Branches, roles: dict[str, str | None]) -> Layout:
    """Parts pictures by the splits that their outermost folders stand for."""
    held = "val" if "val" in roles.values() else "test"
    pooled, train, others = {}, set(), [*level.loose]
    for folder, group in level.folders.items():
        if roles[folder] is None:
            others += group
        if roles[folder] not in ("train", held):
            continue
        for name in group:
            below = inside[name][level.depth + 1 :]
            while below and role(below[0]):  # training_set/training_set/cats
                below = below[1:]
            pooled[name] = below
        if roles[folder] == "train":
            train.update(group)
    layout = _classed(pooled)
    layout.remarks = [*_left_out(others, "beside train/"), *layout.remarks]
    return _parting(layout, train)


def _parting(layout: Layout, train: set[str]) -> Layout:
    """Parts the pictures of a layout into those to train on and those that are held out."""
    everything = layout.train
    layout.train = [name for name in everything if name in train]
    layout.test = [name for name in everything if name not in train]
    for names, others, where in (
        (layout.train, layout.test, "to train on"),
        (layout.test, layout.train, "that is held out"),
    ):
        missing = {layout.numbers[name] for name in others if layout.numbers} - {
            layout.numbers[name] for name in names if layout.numbers
        }
        if missing:
            lacking = some(layout.classes[number] for number in sorted(missing))
            layout.remarks.append(f"there is no picture {where} of {lacking}")
    return layout


def _classed(inside: dict[str, Parts]) -> Layout:
    """Reads classes off the folders that pictures lie in; all of them are to train on."""
    level = _branches(inside)
    everything = sorted(inside)
    if len(level.folders) < 2:
        return Layout(everything)
    if len(level.loose) > few(len(inside)):
        folders = some(naturally(level.folders))
        return Layout(
            everything,
            remarks=[f"{len(level.loose)} pictures lie beside the folders {folders}, which are therefore no classes"],
        )
    classes = tuple(naturally(level.folders))
    numbers = {name: number for number, folder in enumerate(classes) for name in level.folders[folder]}
    left_out = _left_out(level.loose, "beside the folders of the classes")
    return Layout(sorted(numbers), classes=classes, numbers=numbers, remarks=left_out)


def few(total: int) -> int:
    """Returns how many of so many pictures may lie beside the folders of the classes: 1 in 50, at least 1."""
    return max(1, total // 50)


def _branches(inside: dict[str, Parts]) -> Branches:
    """Returns the first level with several folders; one that wraps all, or all but a few, is passed."""
    depth, rest, loose = 0, list(inside), []
    while True:
        folders: dict[str, list[str]] = {}
        for name in rest:
            if len(inside[name]) > depth:
                folders.setdefault(inside[name][depth], []).append(name)
            else:
                loose.append(name)
        if len(folders) != 1 or len(loose) > few(len(inside)):
            return Branches(depth, folders, loose)
        depth, (rest,) = depth + 1, folders.values()


def _parted(inside: dict[str, Parts], depth: int, names: list[str]) -> bool:
    """Returns whether all these pictures lie in train and other splits at a depth."""
    roles = {role(inside[name][depth]) if len(inside[name]) > depth else None for name in names}
    return None not in roles and "train" in roles and len(roles) > 1


def _left_out(names: list[str], where: str = "beside the other folders") -> list[str]:
    return [f"left out {len(names)} picture(s) {where}: {some(sorted(names))}"] if names else []
