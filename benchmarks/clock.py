"""Callbacks that time a run: segment by segment as another process says, or once, for some seconds or batches."""

import json
import os
import resource
import time
from pathlib import Path
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


class Processor(pl.Callback):
    """Prints processor seconds and page faults of a batch, and the peak memory in MB, and ends the process.

    Args:
        batches: that are counted, after a third as many and two more that warm up.
    """

    def __init__(self, batches: int = 12) -> None:
        self.batches, self.first = batches, batches // 3 + 2
        self.done = 0

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Counts from the end of the last batch that warms up, and ends the process with that of the last."""
        self.done += 1
        usage = resource.getrusage(resource.RUSAGE_SELF)
        if self.done == self.first:
            self.seconds, self.faults = time.process_time(), usage.ru_minflt
        elif self.done == self.first + self.batches:
            seconds, faults = time.process_time() - self.seconds, usage.ru_minflt - self.faults
            each = {"seconds": round(seconds / self.batches, 5), "faults": round(faults / self.batches)}
            print(json.dumps(each | {"peak_mb": round(peak_memory())}), flush=True)
            os._exit(0)


class Snapshots(pl.Callback):
    """Writes what a model draws with, the averaged generator, at times of its run; what that costs is not counted.

    Args:
        folder: where `SECONDS.pt` files go, each a dictionary of seconds, generator updates and a state dict.
        begun: when the process was started, in seconds since the epoch: imports and the first scores count.
        at: seconds of the snapshots, increasing. The last one ends the run; a run that ends before it adds its last
            state.
    """

    def __init__(self, folder: str, begun: float, at: list[float]) -> None:
        self.folder, self.begun, self.at = Path(folder), begun, list(at)
        self.spent = 0.0

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Writes a snapshot after the first batch past its time."""
        now = time.time() - self.begun - self.spent
        if not self.at or now < self.at[0]:
            return
        self.at = [later for later in self.at if later > now]
        self._write(now, trainer, pl_module)
        self.spent = time.time() - self.begun - now
        trainer.should_stop = trainer.should_stop or not self.at

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Writes the last state of a run that took all its steps, after its last validation."""
        if self.at:
            self._write(time.time() - self.begun - self.spent, trainer, pl_module)

    def _write(self, seconds: float, trainer: pl.Trainer, model: Any) -> None:
        about = {"seconds": round(seconds, 2), "updates": trainer.global_step}
        torch.save({**about, "state": model.averaged("generator").state_dict()}, self.folder / f"{seconds:08.2f}.pt")
