"""The same samples, drawn over and over while a model learns."""

from pathlib import Path
from typing import Any

import lightning.pytorch as pl

from ganzoo.errors import GanzooError
from ganzoo.pictures import picture, save


class SampleGrid(pl.Callback):
    """Writes samples of fixed seed to `samples/step_0000500.png` in the run folder.

    Args:
        every: generator updates between two pictures; the first is drawn before training, the last at its end.
        samples: how many to draw; 2-D points want more than images.
        seed: fixes the latent vectors, so that the pictures show the same samples growing.
    """

    def __init__(self, every: int = 500, samples: int = 64, seed: int = 0) -> None:
        if every < 1 or samples < 1:
            raise GanzooError(f"grid: every and samples must be at least 1, not {every} and {samples}.")
        self.every = every
        self.samples = samples
        self.seed = seed
        self.drawn = -1
        self.path: Path | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draws what the untrained generator makes."""
        self._draw(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Draws every `every` generator updates."""
        if trainer.global_step % self.every == 0:
            self._draw(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draws the last state."""
        self._draw(trainer, pl_module)

    def _draw(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.global_step == self.drawn:
            return
        self.drawn = trainer.global_step
        folder = trainer.log_dir  # all ranks agree on it, so all have to ask
        if folder is None or not trainer.is_global_zero:
            return
        real = getattr(trainer.datamodule, "preview", None)  # type: ignore[attr-defined]
        self.path = Path(folder) / "samples" / f"step_{self.drawn:07d}.png"
        save(picture(pl_module.sample(self.samples, seed=self.seed), real), self.path)  # type: ignore[operator]
