"""A callback that lets another process say when a run goes on, and answers how long that took."""

import resource
import time
from typing import Any

import lightning.pytorch as pl

PIPE: Any = None  # set by the process that starts the run
UPDATES = 20  # generator updates in one segment


def peak_memory() -> float:
    """Returns the most memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Clock(pl.Callback):
    """Waits for a word on `PIPE`, runs a segment, answers with seconds, memory and what a profiler has recorded."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Waits for the first word."""
        self._wait(trainer)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Ends a segment, and waits for the next."""
        if trainer.global_step < self.end:
            return
        seconds = time.perf_counter() - self.begun
        recorded = getattr(trainer.profiler, "recorded_durations", {})
        actions = {name: sum(times[self.seen.get(name, 0) :]) for name, times in recorded.items()}
        PIPE.send((seconds, peak_memory(), actions))
        self._wait(trainer)

    def _wait(self, trainer: pl.Trainer) -> None:
        PIPE.recv()
        recorded = getattr(trainer.profiler, "recorded_durations", {})
        self.seen = {name: len(times) for name, times in recorded.items()}
        self.end = trainer.global_step + UPDATES
        self.begun = time.perf_counter()
