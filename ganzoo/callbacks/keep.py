"""What survives a run: `last.ckpt`, and a Ctrl-C that saves before it stops."""

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint

from ganzoo.errors import GanzooError


class Last(Checkpoint):
    """Keeps `last.ckpt` in the run folder: every `every` generator updates, at the end, and when asked to stop.

    It is written inside the batch's last hook, where the loops' counters agree with the weights, so that a run resumed
    from it takes the very steps that an uninterrupted one would have taken.

    Args:
        every: generator updates between two saves.
    """

    def __init__(self, every: int = 500) -> None:
        if every < 1:
            raise GanzooError(f"save_every: must be at least 1, not {every}.")
        self.every = every
        self.saved = -1
        self.asked = False  # by a Ctrl-C in this process
        self._previous: Any = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Turns the first Ctrl-C into a request to stop after the current batch; a second one stops at once."""
        if threading.current_thread() is not threading.main_thread():
            return

        def stop(number: int, frame: FrameType | None) -> None:
            print("\nStopping after this batch; press Ctrl-C again to stop at once.", flush=True)
            self.asked = True
            signal.signal(signal.SIGINT, signal.default_int_handler)

        self._previous = signal.signal(signal.SIGINT, stop)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Saves where it is due."""
        step = trainer.global_step
        ending = self._stops(trainer) or step == trainer.max_steps or self._last_batch(trainer)
        if ending:
            trainer.should_stop = True  # makes Lightning validate the last state too
        if ending or (step and step % self.every == 0 and step != self.saved):
            self._save(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Saves when the request to stop came during validation, after which no batch follows."""
        if trainer.state.fn == "fit" and self._stops(trainer) and self.saved != trainer.global_step:
            self._save(trainer)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Gives Ctrl-C back."""
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None

    def _stops(self, trainer: pl.Trainer) -> bool:
        """Makes all processes stop after the same batch: a signal may reach one alone, or each in another batch."""
        asked = trainer.strategy.reduce_boolean_decision(self.asked, all=False)
        trainer.should_stop = trainer.should_stop or asked
        return trainer.should_stop

    def _save(self, trainer: pl.Trainer) -> None:
        self.saved = trainer.global_step
        trainer.save_checkpoint(Path(trainer.log_dir or ".") / "last.ckpt")

    @staticmethod
    def _last_batch(trainer: pl.Trainer) -> bool:
        return trainer.is_last_batch and trainer.current_epoch + 1 == trainer.max_epochs
