"""Training of one trial of a sweep: a run that reports its score at every validation, and may be stopped early."""

import contextlib
import gc
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from ganzoo.common.errors import GanzooError
from ganzoo.training.callbacks.keep import Last
from ganzoo.training.callbacks.quality import Quality
from ganzoo.training.quiet import quieten
from ganzoo.training.recipe_cli import RecipeCLI

Report = Callable[[int, float], bool]  # takes a step and its score, and returns whether to stop


class Reporter(pl.Callback):
    """Callback that reports the monitored score after each validation, and stops where that asks for it.

    Args:
        name: short name of the score.
        quality: what computes it.
        report: takes a step and its score, and returns whether the training is to stop.
    """

    def __init__(self, name: str, quality: Quality, report: Report) -> None:
        self.name, self.quality, self.report = name, quality, report
        self.stopped = False

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Reports the score; one that is no number stops the training, too."""
        if trainer.sanity_checking:
            return
        score = float(trainer.callback_metrics[self.quality.key(self.name)])
        if not math.isfinite(score):
            raise GanzooError(f"{self.name} is {score} at step {trainer.global_step}.")
        behind = self.report(trainer.global_step, score)
        if behind and trainer.global_step < trainer.max_steps:  # else there is nothing to stop any more
            self.stopped = trainer.should_stop = True


class TrialCLI(RecipeCLI):
    """`ganzoo fit` of a trial: it reports, and is not exported.

    Args:
        arguments: the words after `ganzoo`, the recipe already replaced by `--config FILE`.
        recipe: name of the recipe, which names the run folder.
        report: see `Reporter`.
    """

    def __init__(self, arguments: list[str], recipe: str, report: Report) -> None:
        self.report = report
        super().__init__(arguments, recipe)

    def instantiate_trainer(self, **kwargs: Any) -> pl.Trainer:
        """Adds what reports to a run's callbacks."""
        trainer = super().instantiate_trainer(**kwargs)
        if trainer.world_size > 1:
            raise GanzooError("sweep: a trial trains on one device; leave out trainer.devices and trainer.num_nodes.")
        quality: Quality = self._get(self.config_init, "quality")
        self.reporter = Reporter(quality.monitored(self.datamodule, self.model), quality, self.report)
        trainer.callbacks.insert(0, self.reporter)  # type: ignore[attr-defined]
        return trainer

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C has ended the training before its time."""
        return any(isinstance(one, Last) and one.interrupted for one in self.trainer.callbacks)  # type: ignore[attr-defined]

    def after_fit(self) -> None:
        """Leaves the weights as they are: of a sweep one exports the best run, if any."""


def train_trial(words: list[str], recipe: str, folder: Path, report: Report) -> bool:
    """Trains a trial, or what is left of it; what it prints goes to its `fit.log`.

    Args:
        words: arguments of `ganzoo fit` that say recipe and settings.
        recipe: name of the recipe.
        folder: of its run, `RUNS/RECIPE/VERSION`.
        report: see `Reporter`.

    Returns:
        Whether it was stopped early because the report asked for it.

    Raises:
        GanzooError: if settings do not fit, or the training diverges.
        KeyboardInterrupt: after Ctrl-C, once the run is saved.
    """
    place = ["--runs", str(folder.parents[1]), "--version", folder.name]
    again = ["--ckpt_path", "last"] if (folder / "last.ckpt").is_file() else []
    folder.mkdir(parents=True, exist_ok=True)
    quieten()
    with (folder / "fit.log").open("a", encoding="utf-8") as log, contextlib.redirect_stdout(log):
        try:
            cli = TrialCLI(["fit", *words, *place, *again], recipe, report)
        except torch.OutOfMemoryError as error:
            raise GanzooError(f"memory: {error}") from error
        finally:
            gc.collect()  # of the trial before
    if cli.interrupted:
        raise KeyboardInterrupt
    return cli.reporter.stopped
