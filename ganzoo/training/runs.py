"""Run folders `runs/RECIPE/VERSION/`: made, found, named and continued."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.environments import SLURMEnvironment

from ganzoo.common import registry
from ganzoo.common.errors import GanzooError, nearest
from ganzoo.common.program import command
from ganzoo.training.callbacks.progress import TermLogger

# Processes that Lightning starts for further ranks find the first one's choice here.
CHOSEN = "GANZOO_RUN"
_made: set[Path] = set()  # folders of runs, and those that they are in, where this process has made them


def make_run_folder(home: Path, version: str | None = None) -> Path:
    """Makes the folder of a new run, so that no other takes it: of the requested version, or the next number.

    Raises:
        GanzooError: if the version holds a run already, or no folder can be made.
    """
    if chosen := _of_first_rank():
        return chosen
    version = version or job_version()
    if version is not None and (home / version / "last.ckpt").exists():
        raise GanzooError(
            f"--version: {home / version} holds a run; continue it with --ckpt_path last or name another."
        )
    folder = _make(home / version) if version else None
    while folder is None:
        taken = [int(path.name[8:]) for path in home.glob("version_*") if path.name[8:].isdigit()]
        with suppress(FileExistsError):  # another run, started at the same moment, has made it
            folder = _make(home / f"version_{max(taken, default=-1) + 1}", new=True)
    os.environ[CHOSEN] = f"{os.getpid()}:{folder}"
    return folder


def discard_run_folder(folder: Path | None) -> None:
    """Removes what `make_run_folder` made in this process, as far as it is still empty: that run has not begun."""
    with suppress(OSError):
        for path in (folder, *folder.parents) if folder else ():
            if path in _made:
                path.rmdir()
                _made.remove(path)


def _make(folder: Path, new: bool = False) -> Path:
    """Makes a run's folder; further processes of a run, who write nothing, make none."""
    if any(os.environ.get(rank, "0") not in {"", "0"} for rank in ("RANK", "NODE_RANK", "LOCAL_RANK", "SLURM_PROCID")):
        return folder
    try:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=not new)
    except FileExistsError:
        if new:
            raise
        raise GanzooError(f"--version: '{folder}' is a file; name another.") from None
    except OSError as error:
        problem = f"--runs: cannot write to '{folder}' ({error.strerror})"
        raise GanzooError(f"{problem}; name another folder, or make room.") from error
    _made.update(missing)
    return folder


def job_version() -> str | None:
    """Returns the version of a run whose processes must agree on it without asking, as SLURM's starts of a job must.

    None where one process decides.
    """
    elastic, slurm = os.environ.get("TORCHELASTIC_RUN_ID"), os.environ.get("SLURM_JOB_ID")
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        launched = elastic or slurm
    else:
        launched = slurm if SLURMEnvironment.detect() else None
    return f"job_{launched}" if launched else None


def job_restarted(home: Path, version: str | None = None) -> bool:
    """Returns whether SLURM has started this job anew, and its run has a `last.ckpt` to go on from."""
    again = int(os.environ.get("SLURM_RESTART_COUNT", 0)) > 0
    version = version or job_version()
    return again and version is not None and (home / version / "last.ckpt").is_file()


def newest_checkpoint(home: Path, kind: str = "last", version: str | None = None, train: str | None = None) -> Path:
    """Returns `last.ckpt` or `best.ckpt` of a recipe's newest run, or of the requested version.

    Args:
        home: the folder of a recipe's runs.
        kind: `last` or `best`.
        version: of these the one.
        train: where no checkpoint is named, but one is needed, the command that makes one.

    Raises:
        GanzooError: if there is none.
    """
    checkpoints = sorted(home.glob(f"{version or '*'}/{kind}.ckpt"), key=lambda path: path.stat().st_mtime)
    if not checkpoints:
        versions = [path.name for path in home.glob("*")]
        hint = nearest(version, versions) if version else " Start a run without --ckpt_path."
        if train is not None and not [*home.glob(f"{version or '*'}/last.ckpt")]:
            hint = nearest(version, versions) if version else ""
            raise GanzooError(f"there is no run under '{home / (version or '')}'.{hint} Train it first: {train}")
        if train is not None:
            hint = " Go on with --ckpt_path last."
        raise GanzooError(f"--ckpt_path: there is no {kind}.ckpt under '{home / (version or '')}'.{hint}")
    return checkpoints[-1]


def steps_done(checkpoint: str | None) -> int:
    """Returns the generator updates that a training checkpoint has seen; 0 without one.

    Raises:
        GanzooError: if it is damaged, or something else.
    """
    if checkpoint is None:
        return 0
    try:
        return torch.load(checkpoint, map_location="cpu", weights_only=True)["global_step"]
    except Exception as error:  # a damaged archive fails in many ways
        raise GanzooError(f"--ckpt_path: '{checkpoint}' is not a training checkpoint, or is damaged.") from error


def split_recipe(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Replaces `--recipe NAME` in arguments by `--config FILE`.

    Returns:
        The name under which runs are kept, None without a recipe or configuration, and the arguments: files first, so
        that an option counts wherever it stands.
    """
    kept: list[str] = []
    files: list[str] = []
    name: str | None = None
    waiting = iter(arguments)
    for argument in waiting:
        flag, equals, value = argument.partition("=")
        if flag == "--recipe":
            value = value if equals else next(waiting, "")
            path = registry.find_recipe(value)
            name = recipe_name(path)
            files += ["--config", str(path)]
        elif flag in {"--config", "-c"}:
            value = value if equals else next(waiting, "")
            files += ["--config", value]
            name = recipe_name(Path(value)) if name is None else name
        else:
            kept.append(argument)
    return name, [*files, *kept]


def recipe_name(recipe: Path) -> str:
    """Returns the name under which a recipe's runs are kept: its file's.

    Of a `recipe.yaml` it is its run's recipe's, and where it lies in a checkpoint or any other folder, that folder's.
    """
    folder = recipe.absolute().parent
    if recipe.stem != "recipe":
        return recipe.stem
    if folder.name == "export" and holds_run(folder.parent):
        folder = folder.parent
    return folder.parent.name if holds_run(folder) else folder.name.replace("-", "_")


def holds_run(folder: Path) -> bool:
    """Returns whether a folder holds what a training leaves."""
    return any((folder / name).is_file() for name in ("last.ckpt", "best.ckpt", "metrics.csv"))


def recipe_words(files: Sequence[str], name: str) -> list[str]:
    """Returns the words that name a run's recipe: a bundled one by its name, else configurations by their files."""
    bundled = [*files] == [str(registry.RECIPES / f"{name}.yaml")]
    return ["--recipe", name] if bundled else [word for file in files for word in ("--config", file)]


def continue_command(folder: Path, source: Sequence[str], home: str, changed: bool, timed: bool) -> str:
    """Returns the command that continues a run.

    Args:
        folder: the run's.
        source: see `recipe_words`. A bundled recipe is named again; in place of any other stands the run's own copy.
        home: folder of all runs.
        changed: whether other options have changed the recipe.
        timed: whether the recipe gives a time, which is used up.
    """
    if changed or source[0] != "--recipe":
        source = ["--config", str(folder / "recipe.yaml"), *(["--trainer.max_time", "null"] if timed else [])]
    place = ["--runs", home] if home != "runs" else []
    several = len([*folder.parent.glob("*/last.ckpt")]) > 1
    place += ["--version", folder.name] if several else []
    return command("fit", *source, "--ckpt_path", "last", *place)


def _of_first_rank() -> Path | None:
    """The first rank's folder, in a process that Lightning has started for another rank."""
    owner, _, folder = os.environ.get(CHOSEN, "").partition(":")
    return Path(folder) if folder and int(owner) != os.getpid() and int(os.environ.get("LOCAL_RANK", 0)) else None


def read_progress(checkpoint: Path) -> dict[str, Any]:
    """Returns how far a training checkpoint has come: steps, real images seen by D, seconds.

    Raises:
        GanzooError: if it cannot be read.
    """
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
        clock = state["callbacks"].get(TermLogger().state_key, {})
        return {"steps": state["global_step"], "images": state["game"]["images"], "seconds": clock.get("seconds")}
    except Exception as error:  # a damaged archive fails in many ways
        raise GanzooError(f"'{checkpoint}' is damaged; delete its folder to train the run again.") from error
