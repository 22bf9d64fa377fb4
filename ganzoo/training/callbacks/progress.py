"""Logging of a run's terms on log steps, and its progress bar over the generator's updates."""

import math
import time
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback, ProgressBar
from tqdm.auto import tqdm

from ganzoo.common.errors import GanzooError
from ganzoo.games.game import Game
from ganzoo.training.loggers import log_recipe


class TermLogger(Callback):
    """Callback that logs the players' terms, averaged since the last log, every `log_every_n_steps` generator updates.

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
        """Gives the loggers the resolved recipe."""
        assert isinstance(pl_module, Game)
        if stage == "fit":
            log_recipe(trainer.loggers, pl_module.recipe)

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
        values = self.latest = finite_means(pl_module)
        pl_module.notes.clear()
        values |= {"time": self.seconds(), "images": float(pl_module.images)}
        if pl_module.stage is not None:
            values |= {"growth/side": float(pl_module.stage.side), "growth/alpha": pl_module.stage.alpha}
        rates = {player.name: trainer.optimizers[pl_module.seats[player.name]] for player in pl_module.line_up}
        values |= {f"lr/{name}": float(optimizer.param_groups[0]["lr"]) for name, optimizer in rates.items()}
        for logger in trainer.loggers:
            logger.log_metrics(values, step=step)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Refuses to overwrite a good checkpoint with a diverged one."""
        assert isinstance(pl_module, Game)
        finite_means(pl_module)

    def state_dict(self) -> dict[str, Any]:
        """Returns the time spent so far."""
        return {"seconds": self.seconds()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the time spent so far."""
        self.before = state_dict["seconds"]

    def seconds(self) -> float:
        """Returns the seconds that this run has trained, over all its processes in time."""
        return self.before + (time.perf_counter() - self.started if self.started else 0.0)


def finite_means(model: Game) -> dict[str, float]:
    """Returns the noted means.

    Raises:
        GanzooError: if one of them is NaN or infinite.
    """
    values = model.notes.means()
    for name, number in values.items():
        if not math.isfinite(number):
            raise GanzooError(
                f"{name} is {number} at step {model.global_step}: training stopped, the last good checkpoint is kept. "
                "Lower the learning rate, or train with --trainer.precision 32-true."
            )
    return values


LAYOUT = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{remaining} left, {rate_noinv_fmt}]{postfix}"
ENDLESS = "{n_fmt} steps [{elapsed}, {rate_noinv_fmt}]{postfix}"  # of a run that only time ends
SHORTEST = 5  # columns of the bar proper, which takes what the losses leave
WIDEST = 6  # columns of a loss


class Bar(ProgressBar):
    """One bar for the whole run, counted in generator updates, with the losses of the last log interval.

    On a terminal it keeps to one line: of many losses it shows those that fit.
    """

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
            total=total,
            initial=trainer.global_step,
            unit="",
            dynamic_ncols=True,
            bar_format=LAYOUT if total else ENDLESS,
            disable=not self.enabled,
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
        losses = {name: number for name, number in pl_module.notes.means().items() if not name.startswith("d/acc")}
        if losses:  # right after a log step there are none
            self.bar.set_postfix_str(losses_text(losses, room_for_losses(self.bar)), refresh=False)
        self.bar.refresh()

    def _close(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.bar is not None:
            self._update(trainer, pl_module)
            self.bar.close()
            self.bar = None


def room_for_losses(bar: tqdm) -> int | None:
    """Returns the columns that a bar of the shortest length leaves for losses; None where nothing limits them."""
    about = bar.format_dict
    if not about["ncols"]:
        return None
    about |= {"postfix": "", "bar_format": about["bar_format"].replace("{bar}", "-" * SHORTEST)}
    return about["ncols"] - len(tqdm.format_meter(**about | {"ncols": None})) - len(", ")


def losses_text(losses: dict[str, float], room: int | None) -> str:
    """Writes losses in a line of so many columns.

    Where not all fit, some of each player are shown: first those that another one has, too, as an adversary does. The
    choice depends on names alone, so that the line keeps its form.

    Args:
        losses: by player and term, such as `g/adv`.
        room: columns; None for any number.
    """
    if room is None:
        return " ".join(f"{name} {_short(number)}" for name, number in losses.items())
    terms = [name.partition("/")[::2] for name in losses]
    common = [sum(term == other for _, other in terms) for _, term in terms]
    rank: dict[int, int] = {}
    for player in dict.fromkeys(player for player, _ in terms):
        own = [i for i, (other, _) in enumerate(terms) if other == player]
        own.sort(key=lambda i: -common[i])
        rank |= {i: place for place, i in enumerate(own)}
    names = [*losses]
    chosen: set[str] = set()
    for i in sorted(rank, key=lambda i: (rank[i], i)):
        needed = sum(len(name) + WIDEST + 2 for name in (*chosen, names[i])) - 1
        last = len(chosen) + 1 == len(names)
        if needed + (0 if last else len(" …")) <= room:
            chosen.add(names[i])
    words = [f"{name} {_short(losses[name])}" for name in names if name in chosen]
    return " ".join(words if len(chosen) == len(names) or not words else [*words, "…"])


def _short(number: float) -> str:
    """Writes a number in at most six characters."""
    for digits in (3, 2, 1, 0):
        if len(text := f"{number:.{digits}f}") <= WIDEST:
            return text
    return f"{number:.0e}"
