"""Start of a training from the networks of a checkpoint: fine-tuning, or SRGAN's generator from SRResNet's."""

from collections.abc import Sequence
from typing import Any

import lightning.pytorch as pl
from torch import nn

from ganzoo.checkpoints.loading import load
from ganzoo.common.errors import GanzooError, nearest
from ganzoo.games.game import Game

Source = dict[str, Any]  # of weights: checkpoint's `name`, its file's `sha256`, `networks` that were taken


class Start(pl.Callback):
    """Gives a model the weights that a training starts from, unless it goes on with a run.

    They are those of the checkpoint `name`, and of those that the model's own `starts` names; a loaded model keeps its
    own but for the former. Checkpoints of the run remember where its weights came from.

    Args:
        name: checkpoint to start from, as `ganzoo.load` takes it.
        networks: which of its networks; by default all that the model has, too.

    Attributes:
        sources: what was taken from where, once a training has begun.
    """

    def __init__(self, name: str | None = None, networks: Sequence[str] = ()) -> None:
        if networks and name is None:
            raise GanzooError("start_networks: given without --start, which names the checkpoint they come from.")
        self.name = name
        self.networks = tuple(networks)
        self.sources: list[Source] = []
        self._found: tuple[Source, dict[str, nn.Module]] | None = None

    def find(self, model: Game) -> Source | None:
        """Reads the checkpoint, and returns what of it the model is going to start from; None without a checkpoint.

        Raises:
            GanzooError: if there is no such checkpoint, or its networks do not fit; it says which do.
        """
        if self.name is None:
            return None
        self._found = self._found or find_networks(model, self.name, self.networks)
        return self._found[0]

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Takes the weights before the model sees its first batch."""
        assert isinstance(pl_module, Game)
        if pl_module.batches:
            return
        self.sources = [] if pl_module.trained else start(pl_module)
        if self.find(pl_module) is not None:
            assert self._found is not None
            source, networks = self._found
            for part, network in networks.items():
                _take(pl_module, part, network)
            self.sources.append(source)
            pl_module.started = True
        self._found = None

    def state_dict(self) -> dict[str, Any]:
        """Returns what a checkpoint of the run keeps."""
        return {"sources": self.sources}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes it back."""
        self.sources = state_dict["sources"]


def start(model: Game) -> list[Source]:
    """Gives a model the weights that its `starts` names, its averages included.

    Args:
        model: whose `starts` says for parts of it from which checkpoint they come, from the part of the same name there
            unless `starts_as` has another.

    Returns:
        What was taken from where.

    Raises:
        GanzooError: if there is no such checkpoint, or its part has other layers.
    """
    sources = []
    for part, name in model.starts.items():
        try:
            other = load(name)
        except GanzooError as error:
            raise GanzooError(f"model.init: {error}") from error
        theirs = model.starts_as.get(part, part)
        network = other.exported().get(theirs)
        if network is None or _difference(network, getattr(model, part)):
            raise GanzooError(f"model.init: '{name}' has no {theirs} with the layers of this one.")
        _take(model, part, network)
        sources.append(_source(other, [theirs]))
    model.started = True
    return sources


def find_networks(model: Game, name: str, wanted: Sequence[str] = ()) -> tuple[Source, dict[str, nn.Module]]:
    """Returns where a checkpoint's networks come from, and those that a model can start from, by their names.

    Args:
        model: which is going to be trained.
        name: checkpoint, as `ganzoo.load` takes it; of averaged networks it gives the averages.
        wanted: names of networks; by default all that the model has, too.

    Raises:
        GanzooError: if there is no such checkpoint, or a network has other layers; it says which of them fit.
    """
    own = {part: module for part, module in model.parts().items() if module.state_dict()}
    for part in wanted:
        if part not in own:
            raise GanzooError(
                f"start_networks: '{part}' given, but the model has {', '.join(own)}.{nearest(part, own)}"
            )
    try:
        other = load(name)
    except GanzooError as error:
        raise GanzooError(f"start: {error}") from error
    theirs = {part: module for part, module in other.exported().items() if module.state_dict()}
    differences = {part: _difference(theirs[part], module) for part, module in own.items() if part in theirs}
    fitting = [part for part, difference in differences.items() if not difference]
    has = f"'{name}' has {', '.join(theirs)}"
    if lacking := [part for part in wanted if part not in theirs]:
        raise GanzooError(f"start_networks: {lacking[0]} given, but {has}.")
    if not differences:
        raise GanzooError(f"start: {has}, and the model {', '.join(own)}: no name in common.")
    if misfits := [part for part in wanted or differences if differences[part]]:
        rest = f"--start_networks {' '.join(fitting)} takes what fits" if fitting else "nothing of it fits"
        raise GanzooError(f"start: the {misfits[0]} of '{name}' {differences[misfits[0]]}; {rest}.")
    chosen = [*wanted] or fitting
    return _source(other, chosen), {part: theirs[part] for part in chosen}


def remarks(sources: Sequence[Source]) -> list[str]:
    """Returns a line for the model card on each checkpoint that a run has started from."""
    return [
        f"Started from `{source['name']}` (sha256 `{source['sha256'][:12]}`): {', '.join(source['networks'])}"
        for source in sources
    ]


def _source(model: Game, networks: Sequence[str]) -> Source:
    return {"name": model.origin.name, "sha256": model.origin.sha256, "networks": [*networks]}


def _take(model: Game, part: str, network: nn.Module) -> None:
    """Loads a network's weights into a part of a model and its average."""
    for module in {getattr(model, part), model.averaged(part)}:
        module.load_state_dict(network.state_dict())


def _difference(network: nn.Module, own: nn.Module) -> str:
    """Returns in what a network differs from a model's own, after "the generator of 'NAME'"; empty if it fits."""
    theirs, ours = ({name: tuple(x.shape) for name, x in module.state_dict().items()} for module in (network, own))
    if theirs == ours:
        return ""
    shapes = [getattr(module, "shape", None) for module in (network, own)]
    if None not in shapes and shapes[0] != shapes[1]:
        return f"is made for samples of shape {shapes[0]}, and this one for {shapes[1]}"
    for name in [*ours, *theirs]:
        if ours.get(name) != theirs.get(name):
            there, here = (str(of.get(name, "missing")) for of in (theirs, ours))
            return f"has other layers: {name} is {there} there and {here} here"
    return "has its layers in another order"
