"""Saves `last.ckpt` safely, also on Ctrl-C, SIGTERM and SIGUSR1, and keeps `best.ckpt`."""

import io
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.utilities.exceptions import SIGTERMException

from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write, remove_unfinished
from ganzoo.games.lightning import reopen_batch, validate_now, validation_is_due
from ganzoo.training.callbacks.quality import Quality
from ganzoo.training.csvlog import AppendingCSVLogger

Handler = Callable[[int, FrameType | None], Any] | int | None
WARNING: Any = getattr(signal, "SIGUSR1", None)  # which Windows does not have
HANG_UP: Any = getattr(signal, "SIGHUP", None)  # likewise


class AtomicCheckpointIO(TorchCheckpointIO):
    """Checkpoint writer of Lightning that writes beside the file and renames.

    Lightning's writes to the system's temporary folder and moves; from disk to disk that copies, and a killed process
    leaves half of a checkpoint in the place of a good one.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Writes a checkpoint; where the path is an address, as Lightning does."""
        if "://" in str(path):
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        content = io.BytesIO()  # PyTorch, writing to a file itself, would not say what the disk said
        torch.save(checkpoint, content)
        with atomic_write(Path(path)) as beside:
            beside.write_bytes(content.getbuffer())


class Last(Checkpoint):
    """Callback that saves `last.ckpt`: every `every` generator updates, before a validation, and when stopped.

    It is written inside the batch's last hook, where the loops' counters agree with the weights, so that a run resumed
    from it takes the very steps that an uninterrupted one would have taken, and makes up for a validation that was due.

    Ctrl-C ends a run early: after the batch, with a last validation. SIGTERM and SIGUSR1, by which schedulers take a
    machine back, and SIGHUP of a terminal that is closed end it at once when `last.ckpt` is written; under SLURM,
    SIGUSR1 has Lightning requeue the job then.

    Args:
        every: generator updates between two saves.
    """

    def __init__(self, every: int = 500) -> None:
        if every < 1:
            raise GanzooError(f"save_every: must be at least 1, not {every}.")
        self.every = every
        self.saved = -1
        self.interrupted = False  # by a Ctrl-C in this process
        self.warned = False  # by SIGUSR1
        self.ended: int | None = None  # by this signal
        self.opened = False  # in this fit
        self.due = False  # a validation, when what is being saved is continued
        self._previous: dict[Any, Handler] = {}

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Forgets earlier signals, and the rows of a process that had saved nothing yet."""
        self.interrupted = self.warned = False  # of this fit; a notebook's earlier one may have been stopped
        self.ended, self.opened = None, False
        if not trainer.ckpt_path and not trainer.global_step:
            _keep_rows(trainer, 0)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Opens the run, unless `Opening` has, and makes up for a validation that was due."""
        self.open(trainer, pl_module)
        self._catch_up(trainer)

    def open(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Writes the recipe, all being ready, and takes the signals over. Before this nothing in the folder is touched.

        What a killed process had begun to write is cleared away.
        """
        if self.opened:
            return
        self.opened = True
        folder = _folder(trainer)  # processes agree on it, so all of them have to ask
        if trainer.is_global_zero:
            remove_unfinished(folder)
            for table in _tables(trainer):
                table.experiment.settle()
            _write_recipe(folder, getattr(pl_module, "recipe", ""))
        if threading.current_thread() is threading.main_thread():
            self._previous[signal.SIGINT] = signal.signal(signal.SIGINT, self._on_interrupt)
            if WARNING is not None:
                self._previous[WARNING] = signal.signal(WARNING, self._on_warning)
            # in place of Lightning's, which has processes talk to each other in the middle of what they are doing
            self._previous[signal.SIGTERM] = signal.signal(signal.SIGTERM, self._on_end)
            if HANG_UP is not None and signal.getsignal(HANG_UP) != signal.SIG_IGN:  # `nohup` has it ignored
                self._previous[HANG_UP] = signal.signal(HANG_UP, self._on_end)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Makes up for the last validation of a run that had taken all its steps, where no training starts."""
        self._catch_up(trainer)

    def _catch_up(self, trainer: pl.Trainer) -> None:
        """Validates, if what was loaded was written before a validation that was due."""
        if self.due and not trainer.should_stop:
            validate_now(trainer)

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        print("\nStopping after this batch; press Ctrl-C again to stop at once.", flush=True)
        self.interrupted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def _on_end(self, number: int, frame: FrameType | None) -> None:
        self.ended = number

    def _on_warning(self, number: int, frame: FrameType | None) -> None:
        self.warned = True

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Saves where it is due."""
        step = trainer.global_step
        leaving = self._stops(trainer)
        last = step == trainer.max_steps or self._last_batch(trainer)
        self.due = last or validation_is_due(trainer)
        trainer.should_stop = trainer.should_stop or last  # makes Lightning validate the last state too
        if trainer.should_stop or self.due or (step and step % self.every == 0 and step != self.saved):
            self._save(trainer)
        if leaving:
            self._leave(trainer)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Records that no validation is due any more, for the checkpoints that follow one."""
        self.due = False

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Saves again when no batch follows: with the last scores, or when stopped during validation."""
        if trainer.state.fn != "fit":
            return
        leaving = self._stops(trainer)
        if trainer.should_stop:
            self._save(trainer)
        if leaving:
            self._leave(trainer)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Restores the signals' handlers."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Adds how many rows of `metrics.csv` were written so far; has the counters be as in the batch's last hook."""
        reopen_batch(checkpoint)
        checkpoint["rows"] = {logger.log_dir: logger.experiment.count for logger in _tables(trainer)}

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Takes back the rows that were written after the checkpoint: the steps behind them are taken again."""
        for count in checkpoint.get("rows", {}).values():
            _keep_rows(trainer, count)

    def state_dict(self) -> dict[str, Any]:
        """Returns whether a validation has to follow."""
        return {"due": self.due}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores what `state_dict` returned."""
        self.due = state_dict["due"]

    def _stops(self, trainer: pl.Trainer) -> bool:
        """Makes all processes stop after the same batch: a signal may reach one alone, or each in another batch.

        Returns:
            Whether they have to leave at once.
        """
        agree = trainer.strategy.reduce_boolean_decision
        leaving = self.warned or self.ended is not None or trainer.received_sigterm
        if not agree(self.interrupted or leaving, all=False):
            return False
        trainer.should_stop = True
        return agree(leaving, all=False)

    def _leave(self, trainer: pl.Trainer) -> None:
        """Ends the process, `last.ckpt` being written.

        Raises:
            SIGTERMException: always.
        """
        requeue = self._previous.get(WARNING)
        if trainer.strategy.reduce_boolean_decision(self.warned, all=False) and callable(requeue):
            requeue(WARNING, None)  # Lightning's, which would have saved in the middle of a batch
            for copy in _folder(trainer).glob("hpc_ckpt_*.ckpt"):
                copy.unlink(missing_ok=True)
        raise SIGTERMException

    def _save(self, trainer: pl.Trainer) -> None:
        self.saved = trainer.global_step
        trainer.save_checkpoint(_folder(trainer) / "last.ckpt")

    @staticmethod
    def _last_batch(trainer: pl.Trainer) -> bool:
        return trainer.is_last_batch and trainer.current_epoch + 1 == trainer.max_epochs


class Opening(pl.Callback):
    """Callback that opens a run before the untrained model is scored, which may take its time, and `Last` has its turn.

    Args:
        last: what opens it.
    """

    def __init__(self, last: Last) -> None:
        self.last = last

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Opens the run."""
        self.last.open(trainer, pl_module)


class Best(ModelCheckpoint):
    """Keeper of `best.ckpt`; its state has a name of its own, so that the user's own keepers may watch the same.

    Where networks grow, one of a larger side is better than any of a smaller one: small images are easier to match.

    Attributes:
        level: of the networks that are kept.
    """

    level = 0

    def check_monitor_top_k(self, trainer: pl.Trainer, current: torch.Tensor | None = None) -> bool:
        """Returns whether the present state is better than what is kept."""
        stage = getattr(trainer.lightning_module, "stage", None)
        level = 0 if stage is None else stage.level
        better = level > self.level or super().check_monitor_top_k(trainer, current)
        self.level = level if better else self.level
        return better

    def state_dict(self) -> dict[str, Any]:
        """Returns what a resumed run needs."""
        return {**super().state_dict(), "level": self.level}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores what `state_dict` returned."""
        self.level = state_dict.get("level", 0)
        super().load_state_dict(state_dict)

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Finds its state in a run from before it had a name of its own, and in one whose folder has moved.

        Lightning forgets the best score when the folder has, and would write something worse over its checkpoint.
        """
        states = checkpoint["callbacks"]
        earlier = f"{ModelCheckpoint.__name__}{self.state_key.removeprefix(type(self).__name__)}"
        state = dict(states.get(self.state_key) or states.get(earlier) or {})
        if not state:
            return
        best = Path(str(self.dirpath)) / Path(state["best_model_path"]).name
        if state["dirpath"] != self.dirpath and best.is_file():
            scores = {str(best): score for score in state["best_k_models"].values()}  # of the one that is kept
            places = {name: str(best) for name in ("best_model_path", "kth_best_model_path")}
            state |= places | {"dirpath": self.dirpath, "best_k_models": scores}
        states[self.state_key] = state


def best_keeper(folder: Path, quality: Quality, datamodule: Any, model: Any) -> Best:
    """Returns the keeper of `best.ckpt`: the best score at a validation's end by the recipe's monitor."""
    name = quality.monitored(datamodule, model)
    return Best(
        folder,
        "best",
        monitor=name,  # how it is logged is known when the data is
        mode="max" if quality.higher_is_better(name) else "min",
        save_on_train_epoch_end=False,
        enable_version_counter=False,
    )


def _write_recipe(folder: Path, recipe: str) -> None:
    file = folder / "recipe.yaml"
    if not recipe or (file.is_file() and file.read_text(encoding="utf-8") == recipe):
        return
    try:
        with atomic_write(file) as beside:
            beside.write_text(recipe, encoding="utf-8")
    except OSError as error:
        problem = f"--runs: cannot write to '{folder}' ({error.strerror})"
        raise GanzooError(f"{problem}; name another folder, or make room.") from error


def _folder(trainer: pl.Trainer) -> Path:
    return Path(trainer.log_dir or ".")


def _tables(trainer: pl.Trainer) -> list[AppendingCSVLogger]:
    return [logger for logger in trainer.loggers if isinstance(logger, AppendingCSVLogger)]


def _keep_rows(trainer: pl.Trainer, count: int) -> None:
    if trainer.is_global_zero:
        for logger in _tables(trainer):
            logger.experiment.keep(count)
