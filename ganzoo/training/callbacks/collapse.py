"""Warnings during training: samples that look alike, and a discriminator that is always right."""

import logging
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from ganzoo.common.conditions import take_values
from ganzoo.common.errors import GanzooError
from ganzoo.data.base import DataModule
from ganzoo.games.capabilities import output_of, taught_classes
from ganzoo.training.callbacks.progress import TermLogger

log = logging.getLogger(__name__)

ALIKE = (
    "the generator may be collapsing. Lower --model.g_lr or raise --model.n_critic; switch on "
    "--model.stabilisers+=ganzoo.stabilisers.ModeSeeking or Unrolled; or penalise D's gradient, as wgan_gp_* do."
)
PINNED = (
    "the generator learns little from it. Lower --model.d_lr; blur what it sees by --model.stabilisers+="
    "ganzoo.stabilisers.InstanceNoise, or with little data by --model.augment translation; or set its spectral: true."
)


class Collapse(pl.Callback):
    """Warns, once each, when the generator makes the same thing again and again, and when D has won.

    Every `every` generator updates it logs as `diversity` how far apart the samples of a fixed seed lie on average,
    as a share of how far apart real items lie: 1 is as varied as the data, 0 is one and the same. With classes learnt
    from labels only items of one class are compared. Training does not notice, and the device is waited for no more
    often than that. D's accuracy is read where it has been logged.

    A few modes out of many still lie apart: for that see `modes`, `prdc` and MS-SSIM among the scores.

    Args:
        every: generator updates between two looks; 0 never looks.
        samples: how many to compare.
        low: below this diversity samples look alike.
        patience: warn after so many such looks in a row: the first samples of a run often look alike.
        accuracy: from this mean of `d/acc_real` and `d/acc_fake` on D is taken for always right.
        updates: warn when it has been for so many generator updates; runs that went well have been for some hundreds.
    """

    def __init__(
        self,
        every: int = 200,
        samples: int = 64,
        low: float = 0.4,
        patience: int = 3,
        accuracy: float = 0.999,
        updates: int = 1000,
    ) -> None:
        if every < 0 or samples < 2:
            raise GanzooError(f"collapse: every must be at least 0 and samples at least 2, not {every} and {samples}.")
        self.every, self.samples, self.low, self.patience = every, samples, low, patience
        self.accuracy, self.updates = accuracy, updates
        self.seen = -1  # the generator updates at the last look
        self.alike = 0  # looks in a row
        self.right: int | None = None  # since when D has been
        self.warnings: list[str] = []
        self.real: tuple[float, Tensor | None] | None = None  # their mean distance, and the classes to compare within

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Measures diversity every so many generator updates, and D's accuracy on log steps."""
        step = trainer.global_step
        if not self.every or step == self.seen or not trainer.is_global_zero:
            return
        self.seen = step
        datamodule = trainer.datamodule  # type: ignore[attr-defined]
        if step % self.every == 0 and isinstance(datamodule, DataModule) and output_of(pl_module) == "samples":
            self._look(trainer, pl_module, datamodule)
        log_every = trainer.log_every_n_steps  # type: ignore[attr-defined]  # 0 is never
        if log_every and step % log_every == 0:
            self._listen(trainer)

    def _look(self, trainer: pl.Trainer, model: Any, datamodule: DataModule) -> None:
        if self.real is None:
            x, y = evenly_spread_items(datamodule, self.samples)
            y = y if taught_classes(model) else None
            self.real = float(mean_distance(x, y)), y
        real, y = self.real
        x = model.sample(self.samples if y is None else len(y), y, seed=0)
        diversity = float(mean_distance(x, y)) / real if real else 1.0
        for logger in trainer.loggers:
            logger.log_metrics({"diversity": diversity}, step=trainer.global_step)
        self.alike = self.alike + 1 if diversity < self.low else 0
        if self.alike >= self.patience:
            what = f"samples are {diversity:.2f} times as different from one another as real ones (diversity)"
            self._tell("alike", f"step {trainer.global_step:,}: {what}: {ALIKE}")

    def _listen(self, trainer: pl.Trainer) -> None:
        callbacks = trainer.callbacks  # type: ignore[attr-defined]
        latest = next((callback.latest for callback in callbacks if isinstance(callback, TermLogger)), {})
        shares = [latest[name] for name in ("d/acc_real", "d/acc_fake") if name in latest]
        if not shares or sum(shares) / len(shares) < self.accuracy:
            self.right = None
            return
        self.right = trainer.global_step if self.right is None else self.right
        if trainer.global_step - self.right >= self.updates:
            what = (
                f"D has judged {sum(shares) / len(shares):.1%} rightly for {trainer.global_step - self.right:,} steps"
            )
            self._tell("right", f"step {trainer.global_step:,}: {what}: {PINNED}")

    def _tell(self, name: str, message: str) -> None:
        if name not in self.warnings:
            self.warnings.append(name)
            log.warning(message)

    def state_dict(self) -> dict[str, Any]:
        """Returns what was seen so far, so that a resumed run warns when an uninterrupted one would have.

        `told` holds the warnings: the key is that of all checkpoints so far.
        """
        return {"alike": self.alike, "right": self.right, "told": list(self.warnings), "seen": self.seen}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores what `state_dict` returned."""
        self.alike, self.right, self.seen = state_dict["alike"], state_dict["right"], state_dict["seen"]
        self.warnings = list(state_dict["told"])


def evenly_spread_items(datamodule: DataModule, count: int) -> tuple[Tensor, Any]:
    """Returns items spread evenly over the reference split, and their conditions: data may be stored class by class."""
    items, labels = datamodule.split(datamodule.reference)
    places = torch.linspace(0, len(items) - 1, min(count, len(items))).long()
    x = torch.stack([items[int(place)] for place in places])
    x = x.float().div(127.5).sub(1) if x.dtype == torch.uint8 else x
    return x, take_values(labels, places)


def mean_distance(x: Tensor, y: Tensor | None = None) -> Tensor:
    """Returns the mean Euclidean distance between different items of x (N, ...), of those pairs that share a class.

    Args:
        x: images or points.
        y: classes (N,); None compares all with all, and so does a class for each.
    """
    x = x.flatten(1).float()
    pairs = ~torch.eye(len(x), dtype=torch.bool, device=x.device)
    if y is not None:
        y = y.to(x.device)
        same = pairs & (y[:, None] == y)
        pairs = torch.where(same.any(), same, pairs)
    return (torch.cdist(x, x) * pairs).sum() / pairs.sum()
