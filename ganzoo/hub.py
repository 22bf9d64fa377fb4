"""One checkpoint folder format, the same on disk and on the Hugging Face Hub.

    NAME/
      recipe.yaml         the resolved recipe; loading reads `model:` alone
      model.safetensors   half-precision weights, averaged where an average is kept; in the header
                          the format version and the names of the classes, where they have some
      README.md           model card; its metadata hold the sha256 of the two above
      samples.png         what it draws
      curves.csv          scores and terms of its training, in small

Nothing that comes from outside is unpickled, and nothing is imported that a recipe of someone else's merely names.
"""

import logging
from collections.abc import Mapping
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import torch
from jsonargparse import ArgumentError, ArgumentParser
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ganzoo import trust
from ganzoo.common import class_names, registry
from ganzoo.common.errors import GanzooError, nearest
from ganzoo.common.files import written
from ganzoo.common.parser_errors import explain
from ganzoo.games.game import Game
from ganzoo.stamp import HASHED, require_unchanged, sha256, stamped

log = logging.getLogger(__name__)

FORMAT = "1"
PICTURE = "samples.png"
FILES = ["recipe.yaml", "model.safetensors", "README.md", PICTURE]
CURVES = "curves.csv"
PRECISIONS = {torch.float16, torch.bfloat16, torch.float32, torch.float64}


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
    from ganzoo.repository import REPO_ID, download

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


def save(model: Game, folder: Path, recipe: str, card: str, samples: Any) -> None:
    """Writes a checkpoint folder.

    Args:
        model: what to publish; its averaged weights are taken where it keeps an average.
        folder: where to; files of the same names are replaced when all of them have been written.
        recipe: the resolved recipe as YAML.
        card: the model card in Markdown; the hashes of recipe and weights are added to its metadata.
        samples: a picture of samples; None for a model that makes none.
    """
    weights = {
        f"{part}.{name}": halved(tensor).cpu().contiguous()
        for part, module in model.exported().items()
        for name, tensor in module.state_dict().items()
    }
    with ExitStack() as stack:
        names = [name for name in FILES if samples is not None or name != PICTURE]
        new = {name: stack.enter_context(written(folder / name)) for name in names}
        new["recipe.yaml"].write_text(recipe, encoding="utf-8")
        header = {"format": "pt", "ganzoo_format": FORMAT, **class_names.dumped(model.class_names)}
        save_file(weights, new["model.safetensors"], header)
        new["model.safetensors"].chmod(0o644)  # safetensors makes files that only their owner can read
        if samples is not None:
            samples.save(new[PICTURE])
        hashes = {name: sha256(new[name]) for name in HASHED}
        new["README.md"].write_text(stamped(card, hashes), encoding="utf-8")


def halved(tensor: Tensor) -> Tensor:
    """Returns a tensor in half precision, or as it is where that has no such numbers: whole ones, and beyond 65,504."""
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    return half if half.isfinite().equal(tensor.isfinite()) else tensor


def read(folder: Path, trusted: bool = True) -> Game:
    """Reads a checkpoint folder.

    Args:
        folder: holds `recipe.yaml` and `model.safetensors`.
        trusted: whether its recipe may name any importable class.

    Raises:
        GanzooError: if a file is missing or damaged, or the weights are not those of the recipe's model.
    """
    for name in FILES[:2]:
        if not (folder / name).is_file():
            raise GanzooError(f"'{folder}' is not a complete checkpoint: {name} is missing.")
    card = trust.read_text(folder / "README.md") if (folder / "README.md").is_file() else ""
    require_unchanged(folder, card, own=trusted)
    recipe = trust.read_text(folder / "recipe.yaml")
    weights = read_weights(folder / "model.safetensors")
    model = build(recipe, folder / "recipe.yaml", trusted, weights)
    require_fit(weights, model, folder)
    for part, module in model.exported().items():
        module.load_state_dict(of_part(weights, part))
        if part in model.averages:
            getattr(model, part).load_state_dict(module.state_dict())
    model.recipe, model.trained = recipe, True
    model.card = card
    with safe_open(folder / "model.safetensors", "pt") as handle:
        model.class_names = class_names.parsed(handle.metadata(), getattr(model, "n_classes", None))
    return model


def read_weights(file: Path) -> dict[str, Tensor]:
    """Reads a `.safetensors` file of ours.

    Raises:
        GanzooError: if it is damaged or of an unknown format version.
    """
    try:
        with safe_open(file, "pt") as handle:
            version = (handle.metadata() or {}).get("ganzoo_format")
            weights = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118  # not a dictionary
    except (SafetensorError, OSError) as error:
        raise GanzooError(f"'{file}' is damaged: {error}.") from error
    if version != FORMAT:
        raise GanzooError(f"'{file}' has checkpoint format {version}; this ganzoo reads format {FORMAT}.")
    return weights


def of_part(weights: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """Returns the weights of one submodule, by their names in it."""
    return {name[len(part) + 1 :]: tensor for name, tensor in weights.items() if name.startswith(f"{part}.")}


def require_fit(weights: Mapping[str, Tensor], model: Game, folder: Path) -> None:
    """Checks that weights are those of a model.

    Raises:
        GanzooError: if a tensor is missing, unknown, or of another shape or kind.
    """
    parts = model.exported()
    extra = [name for name in weights if name.partition(".")[0] not in parts]
    if extra:
        raise GanzooError(f"'{folder}': the weights hold {extra[0]}, which the recipe's model does not have.")
    for part, module in parts.items():
        given_all, own = of_part(weights, part), module.state_dict()
        for name in sorted(own.keys() | given_all.keys()):
            given, wanted = given_all.get(name), own.get(name)
            if given is None or wanted is None:
                state = "missing" if given is None else "unknown"
                raise GanzooError(f"'{folder}': weight {part}.{name} is {state}; are recipe and weights of one model?")
            precise = {given.dtype, wanted.dtype} <= PRECISIONS or given.dtype == wanted.dtype
            if given.shape != wanted.shape or not precise:
                raise GanzooError(
                    f"'{folder}': weight {part}.{name} is {given.dtype} {tuple(given.shape)}, "
                    f"but the recipe's model has {wanted.dtype} {tuple(wanted.shape)}."
                )


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


def build(recipe: str, source: Path, trusted: bool = True, weights: Mapping[str, Tensor] | None = None) -> Game:
    """Makes the model that a recipe's `model:` describes.

    Args:
        recipe: as YAML.
        source: its file, for messages.
        trusted: whether it may name any importable class, and be of any size.
        weights: its weights file's tensors; a model that is not trusted may not be much larger than they are.

    Raises:
        GanzooError: if it describes none, or names what is not trusted, or is too large.
    """
    try:
        described = trust.parse(recipe)["model"]
        described["class_path"]
    except (ValueError, KeyError, TypeError) as error:
        why = f": {error}" if isinstance(error, ValueError) else ""
        raise GanzooError(f"'{source}' describes no model{why}.") from error
    if not trusted:
        trust.require_all_trusted(described, source)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--model", type=Game)  # add_subclass_arguments would open files that a value names
    try:
        config = parser.parse_object({"model": described})
    except (ArgumentError, ValueError) as error:
        raise GanzooError(f"'{source}': {explain(error, [])}") from error

    if not trusted:
        trust.require_all_trusted(config.as_dict(), source)  # short class names are spelt out now
    try:
        with nullcontext() if trusted or weights is None else trust.Budget(weights, source):
            return parser.instantiate_classes(config).model
    except GanzooError:
        raise
    except Exception as error:  # constructors fail in many ways on numbers that make no sense
        raise GanzooError(f"'{source}' describes an impossible model: {error}.") from error
