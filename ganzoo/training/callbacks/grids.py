"""Pictures of the same samples, or translations, again and again while a model learns."""

from pathlib import Path
from typing import Any

import lightning.pytorch as pl

from ganzoo.common.errors import GanzooError
from ganzoo.drawing.pictures import save_picture
from ganzoo.drawing.previews import Preview, interpolation_picture
from ganzoo.training.loggers import log_picture


class SampleGrid(pl.Callback):
    """Writes pictures of fixed seed to the run folder, and to every logger of the run that takes pictures.

    `samples/step_0000500.png` shows samples, `walks/step_0000500.png` what lies between them in the latent space. Of a
    translator, the former shows images of the reference split, their translations, and the truth where it is known; of
    a game that makes neither, nothing.

    Args:
        every: generator updates between two pictures; the first is drawn before training, the last at its end.
        samples: how many to draw; 2-D points want more than images, and of translations there are at most 16.
        seed: fixes latent vectors and noise, so that the pictures show the same samples growing.
        walks: ways through the latent space to draw, one below the other; 0 draws none.
    """

    def __init__(self, every: int = 500, samples: int = 64, seed: int = 0, walks: int = 4) -> None:
        if every < 1 or samples < 1:
            raise GanzooError(f"grid: every and samples must be at least 1, not {every} and {samples}.")
        if walks < 0:
            raise GanzooError(f"grid.walks: must be at least 0, not {walks}.")
        self.every = every
        self.samples = samples
        self.seed = seed
        self.walks = walks
        self.drawn = -1
        self.preview: Preview | None = None

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
        if self.preview is None:
            self.preview = Preview(trainer.datamodule, self.samples, self.seed)  # type: ignore[attr-defined]
        pictures = {"samples": self.preview(pl_module)}
        if self.walks:
            pictures["walks"] = interpolation_picture(pl_module, self.walks, seed=self.seed)
        for name, picture in pictures.items():
            if picture is not None:
                save_picture(picture, Path(folder) / name / f"step_{self.drawn:07d}.png")
                log_picture(trainer.loggers, name, picture, self.drawn)
