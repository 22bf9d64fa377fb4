"""Changes of a continued run, applied to its checkpoint as it is loaded."""

from typing import Any

import lightning.pytorch as pl

from ganzoo.games.game import Game
from ganzoo.training import changes


class Continuing(pl.Callback):
    """Callback that sets in a checkpoint what the recipe has changed since: rates, betas, schedules, patience."""

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Changes the checkpoint in place, before optimizers and callbacks take their state from it."""
        assert isinstance(pl_module, Game)
        recipe = pl_module.recipe
        if trainer.state.fn == "fit" and recipe and checkpoint["game"].get("recipe"):
            changes.apply_to_checkpoint(checkpoint, recipe)
            changes.keep_patience(checkpoint, trainer.callbacks)  # type: ignore[attr-defined]
            pl_module.changes = pl_module.changes or changes.changes_so_far(checkpoint, recipe)
