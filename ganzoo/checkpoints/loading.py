"""Loading of a trained model by its name."""

import hashlib
import io
import logging
from dataclasses import replace
from pathlib import Path

import torch

from ganzoo.checkpoints.build import build_model
from ganzoo.checkpoints.folder_format import read_folder
from ganzoo.checkpoints.hub import download
from ganzoo.checkpoints.locate import Location, locate
from ganzoo.checkpoints.origin import Origin, dtypes
from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import kind_named
from ganzoo.games.game import Game

log = logging.getLogger(__name__)


def load(
    name: str | Path,
    revision: str | None = None,
    trust_remote_code: bool | None = None,
    device: str | torch.device = "cpu",
) -> Game:
    """Loads a trained model; no data set, configuration or GPU is needed.

    Args:
        name: a bundled checkpoint, with `-` or `_`; a checkpoint folder; a run's folder, whose `best.ckpt` is taken, or
            else its `last.ckpt`; a training `.ckpt`; or a Hub repository. What lies on this disk goes before a bundled
            checkpoint of the same name.
        revision: branch, tag or commit of a Hub repository; a commit's hash pins what is loaded.
        trust_remote_code: let a recipe name classes from other packages than ganzoo, torch.nn and torch.optim, and be
            of any size. None trusts what lies on this disk, and nothing that comes from the Hub.
        device: where to put it.

    Returns:
        The model in evaluation mode, averaged weights in place: `.sample(n)` gives images (n, C, H, W) in [-1, 1], and
        a translator's `.translate(x)` makes them of others; `.generator` and `.discriminator` are its networks, `.card`
        is its model card. It can be trained further.

    Raises:
        GanzooError: if there is no such checkpoint, it is incomplete, damaged or not trusted, or a revision is given of
            what is no repository.
    """
    place = locate(name, revision)
    if place.kind == "run":
        log.warning("'%s' is a run: its %s is taken", name, place.weights.name)
    return read_model(place, revision, trust_remote_code, device)


def read_model(
    place: Location,
    revision: str | None = None,
    trust_remote_code: bool | None = None,
    device: str | torch.device = "cpu",
) -> Game:
    """Reads the model that lies at a place; see `load` for the arguments.

    Raises:
        GanzooError: if it is incomplete, damaged or not trusted.
    """
    trusted = trust_remote_code is not False if place.own else trust_remote_code is True
    commit = None
    if place.kind == "training checkpoint" or (place.kind == "run" and place.weights.is_file()):
        model = read_training_checkpoint(place.weights, trusted)
    elif place.own:
        model = read_folder(place.weights, trusted)
    else:
        folder = download(place.name, revision)
        model, commit = read_folder(folder, trusted), folder.name
    assert model.origin is not None
    about = {"name": place.name, "kind": place.kind, "revision": revision, "commit": commit, "own": place.own}
    model.origin = replace(model.origin, **about)
    model.to(device).lay_out()
    return model.eval()


def read_training_checkpoint(file: Path, trusted: bool = True) -> Game:
    """Reads a `last.ckpt` or `best.ckpt` of a run, everything but its optimizers.

    Args:
        file: where it is.
        trusted: whether its recipe may name any importable class.

    Raises:
        GanzooError: if it is no training checkpoint of ganzoo, or damaged.
    """
    try:
        content = file.read_bytes()
        checkpoint = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        recipe, weights = str(checkpoint["game"]["recipe"]), dict(checkpoint["state_dict"])
        names = tuple(map(str, checkpoint["game"].get("class_names", ())))
        kind = checkpoint["game"].get("kind")
    except Exception as error:  # a damaged archive fails in many ways
        raise GanzooError(f"'{file}' is not a training checkpoint of ganzoo, or is damaged.") from error
    model = build_model(recipe, file, trusted, weights)
    try:
        model.load_state_dict(weights)
    except Exception as error:  # likewise
        raise GanzooError(f"'{file}': its weights are not those of its recipe's model.") from error
    model.recipe, model.trained, model.class_names, model.data_kind = recipe, True, names, kind_named(kind)
    chosen = file.stem if file.stem in ("best", "last") else None
    digest, step = hashlib.sha256(content).hexdigest(), checkpoint.get("global_step")
    model.origin = Origin(file, digest, dtypes(model.parameters()), chosen, step, str(file), "training checkpoint")
    return model
