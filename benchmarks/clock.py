"""Callbacks that time a run: segment by segment as another process says, or once, for so many seconds."""

import json
import os
import resource
import time
from typing import Any

import lightning.pytorch as pl
import torch

PIPE: Any = None  # set by the process that starts the run
UPDATES = 20  # generator updates in one segment
REPORT: Any = None  # where `Rate` writes; set by the process that runs, like what follows
WARM_UP, SECONDS = 1.5, 6.0


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


class Rate(pl.Callback):
    """Times a run for `SECONDS` after `WARM_UP`, writes updates per second and threads to `REPORT`, and ends it."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begins to warm up."""
        self.started = time.perf_counter()
        self.begun = 0.0

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Begins to time with the end of an update, and ends the process with that of a later one."""
        now, step = time.perf_counter(), trainer.global_step
        if not self.begun:
            if step and now - self.started > WARM_UP:
                self.begun, self.first = now, step
        elif now - self.begun > SECONDS and step > self.first:
            answer = {"rate": round((step - self.first) / (now - self.begun), 3), "threads": torch.get_num_threads()}
            print(json.dumps(answer), file=REPORT, flush=True)
            os._exit(0)  # at once: what comes after a run is not measured
