"""What a run shows and logs: terms on log steps, one progress bar over the generator's updates."""

import math
import time
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback, ProgressBar
from tqdm.auto import tqdm

from ganzoo.errors import GanzooError
from ganzoo.game import Game
from ganzoo.loggers import describe


class TermLogger(Callback):
    """Logs what the players noted, averaged since the last log, every `log_every_n_steps` generator updates.

    Loggers' x-axes are generator updates. Reading the values is the only place where a run waits for the device.

    Raises:
        GanzooError: as soon as a term is NaN or infinite, naming it. The last good checkpoint stays.
    """

    def __init__(self) -> None:
        self.started = 0.0  # 0 while the clock stands
        self.before = 0.0  # seconds spent before that, in an earlier process or an earlier fit of this one
        self.logged = -1
        self.latest: dict[str, float] = {}  # what was logged last

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Tells the loggers the resolved recipe."""
        assert isinstance(pl_module, Game)
        if stage == "fit":
            describe(trainer.loggers, pl_module.recipe)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Starts the clock; the step that a resumed run begins at is logged already."""
        self.started = time.perf_counter()
        self.logged = trainer.global_step

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stops the clock."""
        self.before, self.started = self.seconds(), 0.0

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Stops the clock."""
        self.on_train_end(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Logs on log steps."""
        assert isinstance(pl_module, Game)
        step, every = trainer.global_step, trainer.log_every_n_steps  # type: ignore[attr-defined]
        if step == self.logged or not every or step % every:  # 0 is never
            return
        self.logged = step
        values = self.latest = finite(pl_module)
        pl_module.stash.clear()
        values |= {"time": self.seconds(), "images": float(pl_module.images)}
        rates = {player.name: trainer.optimizers[pl_module.seats[player.name]] for player in pl_module.line_up}
        values |= {f"lr/{name}": float(optimizer.param_groups[0]["lr"]) for name, optimizer in rates.items()}
        for logger in trainer.loggers:
            logger.log_metrics(values, step=step)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Refuses to overwrite a good checkpoint with a diverged one."""
        assert isinstance(pl_module, Game)
        finite(pl_module)

    def state_dict(self) -> dict[str, Any]:
        """Returns the time spent so far."""
        return {"seconds": self.seconds()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes the time spent so far back."""
        self.before = state_dict["seconds"]

    def seconds(self) -> float:
        """Returns the seconds that this run has trained, over all its processes in time."""
        return self.before + (time.perf_counter() - self.started if self.started else 0.0)


def finite(model: Game) -> dict[str, float]:
    """Returns the noted means.

    Raises:
        GanzooError: if one of them is NaN or infinite.
    """
    values = model.noted()
    for name, number in values.items():
        if not math.isfinite(number):
            raise GanzooError(
                f"{name} is {number} at step {model.global_step}: training stopped, the last good checkpoint is kept. "
                "Lower the learning rate, or train with --trainer.precision 32-true."
            )
    return values


class Bar(ProgressBar):
    """One bar for the whole run, counted in generator updates, with the losses of the last log interval."""

    def __init__(self, refresh: float = 0.5) -> None:
        super().__init__()
        self.refresh = refresh
        self.shown = 0.0
        self.bar: tqdm | None = None
        self.enabled = True

    def disable(self) -> None:
        """Shows nothing, as on all ranks but the first."""
        self.enabled = False

    def enable(self) -> None:
        """Shows the bar."""
        self.enabled = True

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Opens the bar, at the step from which a resumed run goes on."""
        total = trainer.max_steps if trainer.max_steps > 0 else None
        self.bar = tqdm(
            total=total, initial=trainer.global_step, unit="step", dynamic_ncols=True, disable=not self.enabled
        )

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Moves the bar, at most every `refresh` seconds."""
        now = time.monotonic()
        early = now - self.shown < self.refresh and trainer.global_step != trainer.max_steps
        if self.bar is None or self.bar.disable or early:
            return
        self.shown = now
        try:
            self._update(trainer, pl_module)
        except OSError:  # the terminal was closed: no reason to stop before the run is saved
            self.bar.disable = True

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Closes the bar."""
        self._close(trainer, pl_module)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Closes the bar, so that the message stands on a line of its own."""
        self._close(trainer, pl_module)

    def print(self, *args: Any, **kwargs: Any) -> None:
        """Prints above the bar."""
        tqdm.write(" ".join(map(str, args)))

    def _update(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.bar is None:
            return
        assert isinstance(pl_module, Game)
        self.bar.n = trainer.global_step
        losses = {name: number for name, number in pl_module.noted().items() if not name.startswith("d/acc")}
        if losses:  # right after a log step there are none
            self.bar.set_postfix({name: f"{number:.3f}" for name, number in losses.items()}, refresh=False)
        self.bar.refresh()

    def _close(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.bar is not None:
            self._update(trainer, pl_module)
            self.bar.close()
            self.bar = None
