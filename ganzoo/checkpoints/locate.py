"""Location of a model by its name: a bundled checkpoint, a folder, a run, a file, or a Hub repository.

Every command that takes a NAME asks here, so that one name stands for one thing. Imports nothing heavy.
"""

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ganzoo.common import registry
from ganzoo.common.errors import GanzooError, nearest

log = logging.getLogger(__name__)

Kind = Literal["checkpoint", "run", "training checkpoint", "repository"]
WEIGHTS = ("best.ckpt", "last.ckpt")  # of a run, in the order in which they are taken
PUBLISHED = "model.safetensors"  # of a checkpoint folder, beside its recipe
PART = r"\w[\w.-]*"
REPO_ID = re.compile(f"{PART}/{PART}")


@dataclass(frozen=True)
class Location:
    """Location of a model: its kind, path and weights.

    Attributes:
        name: by which it was located.
        kind: what lies there.
        path: the checkpoint folder, the run's folder or the .ckpt; of a repository its name as a path.
        weights: what is loaded: a checkpoint folder or a .ckpt; of a run its best.ckpt, else its last.ckpt, else its
            export.
        own: whether it lies on this disk; what does not is a stranger's.
    """

    name: str
    kind: Kind
    path: Path
    weights: Path
    own: bool = True


def locate(name: str | Path, revision: str | None = None, weights: str | None = None) -> Location:
    """Finds a model.

    A checkpoint folder, a run or a .ckpt on this disk goes before the bundled checkpoint of the same name, and that is
    logged.

    Args:
        name: a bundled checkpoint, with `-` or `_`; a checkpoint folder; a run's folder; a .ckpt; or a Hub repository.
        revision: branch, tag or commit of a Hub repository.
        weights: `best` or `last` of a run; what there is by default, the best first.

    Raises:
        GanzooError: if there is nothing of the kind, a revision is given of what is no repository, or weights of what
            is no run or does not have them.
    """
    place = find_place(name, revision, weights)
    if place is None:
        raise no_model(str(name))
    return place


def find_place(name: str | Path, revision: str | None = None, weights: str | None = None) -> Location | None:
    """Returns where a model lies, or None where there is none; raises GanzooError as `locate` does otherwise."""
    text, path = str(name), on_disk(str(name))
    if path is not None and revision is not None:
        raise GanzooError(
            f"revision: '{revision}' given, but '{name}' lies on this disk, and only Hub repositories have revisions; "
            "leave it out."
        )
    complete = path is not None and (path / PUBLISHED).is_file()
    if path is not None and (weights is not None or not complete) and is_run(path):
        file = path / f"{weights}.ckpt" if weights is not None else weights_of(path)
        if file is None or not file.is_file():
            raise GanzooError(f"--weights: '{path}' has no {weights}.ckpt.")
        return Location(text, "run", path, file)
    if weights is not None and (path is not None or REPO_ID.fullmatch(text)):
        raise GanzooError(f"--weights: '{name}' is no run, which has best and last ones; leave it out.")
    if path is None:
        return Location(text, "repository", Path(text), Path(text), own=False) if REPO_ID.fullmatch(text) else None
    if path.is_file():
        return Location(text, "training checkpoint", path, path)
    if not complete and (export := weights_of(path)):
        return Location(text, "checkpoint", export, export)
    if complete or (path / "recipe.yaml").is_file():
        return Location(text, "checkpoint", path, path)
    return None


def locate_checkpoint(name: str | Path) -> Path:
    """Returns the folder of a bundled checkpoint, a checkpoint folder or a run's export.

    Raises:
        GanzooError: if there is none, or it is a run without an export, or a .ckpt.
    """
    path = on_disk(str(name))
    if path is None:
        raise no_model(str(name))
    if (path / PUBLISHED).is_file():
        return path
    if (path / "export" / PUBLISHED).is_file():
        log.warning("'%s' is a run: its export is taken (%s)", name, path / "export")
        return path / "export"
    if path.suffix == ".ckpt" or is_run(path):
        run = path if path.is_dir() else path.parent
        raise GanzooError(
            f"'{name}' is no checkpoint folder, which has a card; write one with ganzoo export {run} -o FOLDER."
        )
    if not path.is_dir():
        raise no_model(str(name))
    return path


def on_disk(name: str) -> Path | None:
    """Returns the path of a name on this disk, else of a bundled checkpoint; None if there is nothing.

    A model goes before the bundled checkpoint of the same name; anything else does not. Either is logged.
    """
    path, bundled = Path(name).expanduser(), registry.find_checkpoint(name)
    if bundled is None or not path.exists() or path.resolve() == bundled.resolve():
        return bundled or (path if path.exists() else None)
    if path.suffix == ".ckpt" or is_run(path) or (path / PUBLISHED).is_file():
        log.warning("'%s' is both here and bundled: the one here is taken (%s)", name, path.resolve())
        return path
    log.warning("'%s' here is no model: the bundled checkpoint of that name is taken, not ./%s", name, name)
    return bundled


def is_run(folder: Path) -> bool:
    """Returns whether a folder is a run's, with weights."""
    return any((folder / name).is_file() for name in WEIGHTS)


def weights_of(run: Path) -> Path | None:
    """Returns the weights of a run: its best.ckpt, else its last.ckpt, else its export; None if this is no run."""
    file = next((run / name for name in WEIGHTS if (run / name).is_file()), None)
    return file or (run / "export" if (run / "export" / PUBLISHED).is_file() else None)


def newest_run(folder: Path) -> str:
    """Returns the hint at the newest run in a folder of runs, which is none itself; "" if there are none."""
    runs = sorted(folder.glob("*/last.ckpt"), key=lambda file: file.stat().st_mtime)
    return f"'{folder}' holds {len(runs)} run(s), and is none itself; the newest is {runs[-1].parent}." if runs else ""


def no_model(name: str) -> GanzooError:
    """Returns the error that there is no such model, with the nearest name that there is."""
    if several := newest_run(Path(name).expanduser()):
        return GanzooError(several)
    names = registry.list_checkpoints()
    hint = nearest(name.replace("_", "-"), names)
    return GanzooError(f"there is no checkpoint '{name}'.{hint} Bundled: {', '.join(names) or 'none'}.")
