"""Run folders: `runs/RECIPE/VERSION/`, and what is said before a run begins."""

import os
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.environments import SLURMEnvironment

from ganzoo import registry
from ganzoo.errors import GanzooError, nearest
from ganzoo.game import Game
from ganzoo.schedules import Schedule, value

# Processes that Lightning starts for further ranks find the first one's choice here.
CHOSEN = "GANZOO_RUN"


def fresh(home: Path, version: str | None = None) -> Path:
    """Chooses the folder of a new run: the version that was asked for, or the next number.

    Raises:
        GanzooError: if the version holds a run already.
    """
    if chosen := _of_first_rank():
        return chosen
    version = version or job()
    if version is not None and (home / version / "last.ckpt").exists():
        raise GanzooError(
            f"--version: {home / version} holds a run; continue it with --ckpt_path last or name another."
        )
    if version is None:
        taken = [int(path.name[8:]) for path in home.glob("version_*") if path.name[8:].isdigit()]
        version = f"version_{max(taken, default=-1) + 1}"
    folder = home / version
    os.environ[CHOSEN] = f"{os.getpid()}:{folder}"
    return folder


def job() -> str | None:
    """Returns the version of a run whose processes must agree on it without asking, as SLURM's starts of a job must.

    None where one process decides.
    """
    elastic, slurm = os.environ.get("TORCHELASTIC_RUN_ID"), os.environ.get("SLURM_JOB_ID")
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        launched = elastic or slurm
    else:
        launched = slurm if SLURMEnvironment.detect() else None
    return f"job_{launched}" if launched else None


def restarted(home: Path, version: str | None = None) -> bool:
    """Whether SLURM has started this job anew, and its run has a `last.ckpt` to go on from."""
    again = int(os.environ.get("SLURM_RESTART_COUNT", 0)) > 0
    version = version or job()
    return again and version is not None and (home / version / "last.ckpt").is_file()


def newest(home: Path, kind: str = "last", version: str | None = None) -> Path:
    """Returns `last.ckpt` or `best.ckpt` of a recipe's newest run, or of the version that was asked for.

    Raises:
        GanzooError: if there is none.
    """
    found = sorted(home.glob(f"{version or '*'}/{kind}.ckpt"), key=lambda path: path.stat().st_mtime)
    if not found:
        versions = [path.name for path in home.glob("*")]
        hint = nearest(version, versions) if version else " Start a run without --ckpt_path."
        raise GanzooError(f"--ckpt_path: there is no {kind}.ckpt under '{home / (version or '')}'.{hint}")
    return found[-1]


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


def told(error: OSError) -> str:
    """Says what the system refused, and of which file where it says so."""
    where = f" '{error.filename}'" if error.filename else ""
    return f"{error.strerror or error}{where}"


def split_recipe(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Takes `--recipe NAME` out of the arguments and puts `--config FILE` in its place.

    Returns:
        The name under which runs are kept, None without a recipe or configuration, and the arguments.
    """
    kept: list[str] = []
    name: str | None = None
    waiting = iter(arguments)
    for argument in waiting:
        flag, equals, given = argument.partition("=")
        if flag == "--recipe":
            given = given if equals else next(waiting, "")
            path = registry.find_recipe(given)
            name = path.stem
            kept += ["--config", str(path)]
        else:
            kept.append(argument)
            if flag in {"--config", "-c"} and name is None:
                given = given if equals else next(waiting, "")
                kept += [] if equals else [given]
                name = Path(given).stem if Path(given).stem != "recipe" else Path(given).absolute().parent.parent.name
    return name, kept


def _of_first_rank() -> Path | None:
    """The first rank's folder, in a process that Lightning has started for another rank."""
    owner, _, folder = os.environ.get(CHOSEN, "").partition(":")
    return Path(folder) if folder and int(owner) != os.getpid() and int(os.environ.get("LOCAL_RANK", 0)) else None


def announce(model: Game, datamodule: Any, trainer: pl.Trainer, folder: Path, done: int = 0) -> str:
    """Returns one line: device, parameters, steps (`done` of them in an earlier part), estimated duration, folder."""
    networks = [(name, module) for name, module in model.named_children() if name != "averages"]
    sizes = [f"{name} {_count(module)}" for name, module in networks if [*module.parameters()]]
    device = trainer.strategy.root_device
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    if trainer.world_size > 1:
        where = f"{trainer.world_size} x {where}"
    steps = trainer.max_steps
    if steps < 1:
        return f"{where} | {', '.join(sizes)} parameters | {folder}"
    seconds = max(steps - done, 0) * seconds_per_step(model, datamodule, trainer)
    going_on = f"{done:,} of {steps:,}" if done else f"{steps:,}"
    return f"{where} | {', '.join(sizes)} parameters | {going_on} generator steps, about {duration(seconds)} | {folder}"


def seconds_per_step(model: Game, datamodule: Any, trainer: pl.Trainer) -> float:
    """Estimates a generator update's time, with the other players' in proportion, by a rehearsal on a copy."""
    random_state = torch.get_rng_state()
    device = trainer.strategy.root_device
    stand_in = deepcopy(model).to(device)
    x, y = trainer.strategy.batch_to_device(next(iter(datamodule.train_dataloader())), device)
    total = 0.0
    stand_in.configure_optimizers()
    counted = next(player for player in stand_in.line_up if player.counted)
    for player in stand_in.line_up:
        times = []
        for parameter in stand_in.parameters():
            parameter.requires_grad_(False)
        for module in player.modules:
            module.requires_grad_(True)
        for _ in range(3):
            begun = time.perf_counter()
            with trainer.precision_plugin.train_step_context():
                sum(player.loss(x, y).values()).backward()  # type: ignore[union-attr]
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            times.append(time.perf_counter() - begun)
        total += min(times) * average_value(counted.every) / average_value(player.every)
    torch.set_rng_state(random_state)
    return total


def average_value(of: float | Schedule) -> float:
    """Returns a constant as it is, and a schedule's mean over a run."""
    return sum(value(of, i / 100) for i in range(100)) / 100


def _count(module: torch.nn.Module) -> str:
    count = sum(parameter.numel() for parameter in module.parameters())
    return f"{count / 1e6:.2f}M" if count >= 1e5 else f"{count:,}"


def duration(seconds: float) -> str:
    """Writes a duration as a person says it: `40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
