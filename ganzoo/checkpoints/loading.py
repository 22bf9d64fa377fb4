"""Loading of a trained model by its name, wherever it lies."""

import logging
from pathlib import Path

import torch

from ganzoo.checkpoints.build import build
from ganzoo.checkpoints.folder_format import FILES, read
from ganzoo.common import registry
from ganzoo.common.errors import GanzooError, nearest
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
    from ganzoo.checkpoints.hub import REPO_ID, download

    path = registry.locate(str(name)) or Path(name).expanduser()
    require_no_revision(name, path, revision)
    on_disk = trust_remote_code is not False
    if path.is_dir() and not (path / registry.PUBLISHED).is_file() and (weights := registry.weights_of(path)):
        log.warning("'%s' is a run: its %s is taken", name, weights.name)
        path = weights
    if path.is_dir() and not any((path / file).is_file() for file in FILES[:2]):
        raise no_checkpoint(str(name))
    if path.is_dir():
        model = read(path, trusted=on_disk)
    elif path.is_file():
        model = read_training_checkpoint(path, trusted=on_disk)
    elif REPO_ID.fullmatch(str(name)):
        model = read(download(str(name), revision), trusted=trust_remote_code is True)
    else:
        raise no_checkpoint(str(name))
    model.to(device).lay_out()
    return model.eval()


def require_no_revision(name: str | Path, path: Path, revision: str | None) -> None:
    """Raises GanzooError if a revision is given for what lies on this disk, at `path`."""
    if revision is not None and path.exists():
        raise GanzooError(
            f"revision: '{revision}' given, but '{name}' lies on this disk, and only Hub repositories have revisions; "
            "leave it out."
        )


def no_checkpoint(name: str) -> GanzooError:
    """Returns the complaint that there is no such checkpoint, with the nearest that there is."""
    names = registry.list_checkpoints()
    hint = nearest(name.replace("_", "-"), names)
    if several := registry.newest_run(Path(name).expanduser()):
        return GanzooError(several)
    return GanzooError(f"there is no checkpoint '{name}'.{hint} Bundled: {', '.join(names) or 'none'}.")


def read_training_checkpoint(file: Path, trusted: bool = True) -> Game:
    """Reads a `last.ckpt` or `best.ckpt` of a run, everything but its optimizers.

    Args:
        file: where it is.
        trusted: whether its recipe may name any importable class.

    Raises:
        GanzooError: if it is no training checkpoint of ganzoo, or damaged.
    """
    try:
        checkpoint = torch.load(file, map_location="cpu", weights_only=True)
        recipe, weights = str(checkpoint["game"]["recipe"]), dict(checkpoint["state_dict"])
        names = tuple(map(str, checkpoint["game"].get("class_names", ())))
    except Exception as error:  # a damaged archive fails in many ways
        raise GanzooError(f"'{file}' is not a training checkpoint of ganzoo, or is damaged.") from error
    model = build(recipe, file, trusted, weights)
    try:
        model.load_state_dict(weights)
    except Exception as error:  # likewise
        raise GanzooError(f"'{file}': its weights are not those of its recipe's model.") from error
    model.recipe, model.trained, model.class_names = recipe, True, names
    return model
