"""Start of a training from parts of other checkpoints, such as SRGAN's generator from SRResNet's."""

import lightning.pytorch as pl

from ganzoo.checkpoints.loading import load
from ganzoo.common.errors import GanzooError
from ganzoo.games.game import Game


class Start(pl.Callback):
    """Gives a model the weights that its `starts` names, unless it is a loaded one or goes on with a run."""

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Takes the weights before the model sees its first batch."""
        assert isinstance(pl_module, Game)
        if not pl_module.trained and not pl_module.batches:
            start(pl_module)


def start(model: Game) -> None:
    """Gives a model the weights that its `starts` names, its averages included.

    Args:
        model: whose `starts` says for parts of it from which checkpoint's part of the same name they come.

    Raises:
        GanzooError: if there is no such checkpoint, or its part has other layers.
    """
    for part, name in model.starts.items():
        try:
            others = dict(load(name).named_children())
        except GanzooError as error:
            raise GanzooError(f"model.init: {error}") from error
        weights = others[part].state_dict() if part in others else {}
        shapes = {key: tensor.shape for key, tensor in weights.items()}
        for module in {getattr(model, part), model.averaged(part)}:
            if shapes != {key: tensor.shape for key, tensor in module.state_dict().items()}:
                raise GanzooError(f"model.init: '{name}' has no {part} with the layers of this one.")
            module.load_state_dict(weights)
    model.started = True
