"""Loggers of a run: always a CSV file, on demand TensorBoard and Weights & Biases, too."""

import os
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger
from PIL import Image

from ganzoo.common.errors import GanzooError
from ganzoo.training.csvlog import AppendingCSVLogger
from ganzoo.training.run_options import LoggerName


class FolderWandbLogger(WandbLogger):
    """Lightning's logger for Weights & Biases, for the run in a folder: it goes on with the run, and ends it.

    Args:
        folder: a run folder, whose last two names are the run's; its project is `$WANDB_PROJECT` or `ganzoo`.
    """

    def __init__(self, folder: Path) -> None:
        earlier = max((folder / "wandb").glob("*run-*-*"), key=lambda path: path.stat().st_mtime, default=None)
        super().__init__(
            name="/".join(folder.absolute().parts[-2:]),
            save_dir=folder,
            id=earlier.name.rpartition("-")[2] if earlier else None,
            project=os.environ.get("WANDB_PROJECT", "ganzoo"),
        )
        self._wandb_init.pop("anonymous", None)  # Lightning's, of which wandb says that it has no effect

    @property
    def experiment(self) -> Any:
        """Run of Weights & Biases, begun when it is first used.

        Raises:
            GanzooError: if it cannot be made.
        """
        from wandb.errors import Error

        try:
            return super().experiment
        except Error as error:
            message = f"{str(error).rstrip('.')}; WANDB_MODE=offline needs no account"
            raise GanzooError(f"logger: wandb says: {message} and no network.") from error

    def finalize(self, status: str) -> None:
        """Ends the run, so that another one of this process does not go on with it."""
        super().finalize(status)
        if self._experiment is not None:
            self._wandb_init["id"] = self._experiment.id
            self._experiment.finish(exit_code=int(status != "success"))
            self._experiment = None


def make_loggers(folder: Path, names: Iterable[LoggerName] = (), own: Any = None) -> list[Logger]:
    """Returns the loggers of a run, which always include that of `metrics.csv`.

    Args:
        folder: the run folder, which all of them but the user's own write to.
        names: those beside the CSV file.
        own: the user's, as a Trainer takes them: one, or a list, or neither; False for a run that logs nothing.

    Raises:
        GanzooError: if a logger's package is not installed, or one is named for a run that logs nothing.
    """
    if own is False:
        if names := [*names]:
            raise GanzooError(f"logger: {names[0]} given, but trainer.logger is false; leave one of the two out.")
        return []
    chosen: list[Logger] = [AppendingCSVLogger(folder, name="", version="", flush_logs_every_n_steps=1)]
    for name in dict.fromkeys(names):
        spec = find_spec(name)
        if spec is None or spec.origin is None:  # a folder of logs, which may have this name, is no package
            raise GanzooError(f"logger: {name} is not installed: pip install {name}.")
        chosen.append(
            FolderWandbLogger(folder)
            if name == "wandb"
            else TensorBoardLogger(folder, name="", version=name, default_hp_metric=False)
        )
    return [*chosen, *(logger for logger in (own if isinstance(own, list) else [own]) if isinstance(logger, Logger))]


def log_recipe(loggers: Sequence[Logger], recipe: str) -> None:
    """Gives loggers the resolved recipe as the run's configuration; beside the CSV file it lies already."""
    for logger in loggers:
        if recipe and not isinstance(logger, CSVLogger):
            logger.log_hyperparams(yaml.safe_load(recipe))


def log_picture(loggers: Sequence[Logger], name: str, picture: Image.Image, step: int) -> None:
    """Writes a picture to every logger that takes pictures.

    Args:
        loggers: of a trainer.
        name: what it stands under.
        picture: grey or in colours.
        step: generator updates so far.
    """
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            pixels = np.asarray(picture)
            logger.experiment.add_image(name, pixels, step, dataformats="HWC"[: pixels.ndim])
        elif isinstance(logger, WandbLogger):
            logger.log_image(name, [picture], step)
