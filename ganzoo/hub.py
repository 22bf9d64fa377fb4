"""One checkpoint folder format, the same on disk and on the Hugging Face Hub.

    NAME/
      recipe.yaml         the resolved recipe; loading reads `model:` alone
      model.safetensors   half-precision weights, averaged where an average is kept; format version in the header
      README.md           model card
      samples.png         what it draws

Nothing that comes from outside is unpickled, and nothing is imported that a recipe of someone else's merely names.
"""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import yaml
from jsonargparse import ArgumentError, ArgumentParser
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ganzoo import registry
from ganzoo.errors import GanzooError, nearest
from ganzoo.files import written
from ganzoo.game import Game
from ganzoo.messages import explain

FORMAT = "1"
FILES = ["recipe.yaml", "model.safetensors", "README.md", "samples.png"]
TRUSTED = ("ganzoo.", "torch.nn.", "torch.optim.")
PLAIN = re.compile(r"[\w., ]*", re.ASCII)  # the parser may take any other string for YAML, or for a file with YAML
REPO_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


def load(
    name: str | Path,
    revision: str | None = None,
    trust_remote_code: bool = False,
    device: str | torch.device = "cpu",
) -> Game:
    """Loads a trained model; no data set, configuration or GPU is needed.

    Args:
        name: a bundled checkpoint, with `-` or `_`; a checkpoint folder; a training `.ckpt`; or a Hub repository.
        revision: branch, tag or commit of a Hub repository.
        trust_remote_code: let a Hub recipe name classes from other packages than ganzoo, torch.nn and torch.optim.
        device: where to put it.

    Returns:
        The model in evaluation mode, averaged weights in place: `.sample(n)` gives images (n, C, H, W) in [-1, 1];
        `.generator` and `.discriminator` are its networks, `.card` is its model card. It can be trained further.

    Raises:
        GanzooError: if there is no such checkpoint, or it is incomplete, damaged or not trusted.
    """
    bundled = registry.find_checkpoint(str(name))
    path = bundled or Path(name).expanduser()
    if path.is_dir():
        model = read(path)
    elif path.is_file():
        model = read_training_checkpoint(path)
    elif REPO_ID.fullmatch(str(name)):
        model = read(download(str(name), revision), trusted=trust_remote_code)
    else:
        names = registry.list_checkpoints()
        hint = nearest(str(name).replace("_", "-"), names)
        raise GanzooError(f"there is no checkpoint '{name}'.{hint} Bundled: {', '.join(names) or 'none'}.")
    model.to(device).lay_out()
    return model.eval()


def save(model: Game, folder: Path, recipe: str, card: str, samples: Any) -> None:
    """Writes a checkpoint folder.

    Args:
        model: what to publish; its averaged weights are taken where it keeps an average.
        folder: where to; files of the same names are replaced one by one, each whole.
        recipe: the resolved recipe as YAML.
        card: the model card in Markdown.
        samples: a picture of samples.
    """
    weights = {
        f"{part}.{name}": (tensor.half() if tensor.is_floating_point() else tensor).cpu().contiguous()
        for part, module in model.exported().items()
        for name, tensor in module.state_dict().items()
    }
    with written(folder / "recipe.yaml") as file:
        file.write_text(recipe)
    with written(folder / "README.md") as file:
        file.write_text(card)
    with written(folder / "samples.png") as file:
        samples.save(file)
    with written(folder / "model.safetensors") as file:
        save_file(weights, file, {"format": "pt", "ganzoo_format": FORMAT})
        file.chmod(0o644)  # safetensors makes files that only their owner can read


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
    recipe = (folder / "recipe.yaml").read_text(errors="replace")
    model = build(recipe, folder / "recipe.yaml", trusted)
    weights = read_weights(folder / "model.safetensors")
    for part, module in model.exported().items():
        mine = {name[len(part) + 1 :]: tensor for name, tensor in weights.items() if name.startswith(f"{part}.")}
        put(mine, module, part, folder)
        if part in model.averages:
            getattr(model, part).load_state_dict(module.state_dict())
    extra = [name for name in weights if name.partition(".")[0] not in model.exported()]
    if extra:
        raise GanzooError(f"'{folder}': the weights hold {extra[0]}, which the recipe's model does not have.")
    model.recipe = recipe
    card = folder / "README.md"
    model.card = card.read_text() if card.is_file() else ""
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


def put(weights: dict[str, Tensor], module: nn.Module, part: str, folder: Path) -> None:
    """Puts weights into a module in its own precision.

    Raises:
        GanzooError: if a tensor is missing, unknown, or of another shape or kind.
    """
    own = module.state_dict()
    for name in own.keys() | weights.keys():
        given, wanted = weights.get(name), own.get(name)
        if given is None or wanted is None:
            state = "missing" if given is None else "unknown"
            raise GanzooError(f"'{folder}': weight {part}.{name} is {state}; are recipe and weights of one model?")
        if given.shape != wanted.shape or given.is_floating_point() != wanted.is_floating_point():
            raise GanzooError(
                f"'{folder}': weight {part}.{name} is {given.dtype} {tuple(given.shape)}, "
                f"but the recipe's model has {wanted.dtype} {tuple(wanted.shape)}."
            )
    module.load_state_dict(weights)


def read_training_checkpoint(file: Path) -> Game:
    """Reads a `last.ckpt` or `best.ckpt` of a run, everything but its optimizers.

    Raises:
        GanzooError: if it is no training checkpoint of ganzoo.
    """
    try:
        checkpoint = torch.load(file, map_location="cpu", weights_only=True)
        recipe = checkpoint["game"]["recipe"]
    except Exception as error:  # a damaged archive fails in many ways
        raise GanzooError(f"'{file}' is not a training checkpoint of ganzoo, or is damaged.") from error
    model = build(recipe, file)
    model.load_state_dict(checkpoint["state_dict"])
    model.recipe = recipe
    return model


def download(repo: str, revision: str | None) -> Path:
    """Fetches a checkpoint folder from the Hub into its cache.

    Raises:
        GanzooError: if the repository is not there, or cannot be reached and is not cached.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        return Path(snapshot_download(repo, revision=revision, allow_patterns=FILES))
    except RepositoryNotFoundError as error:
        names = ", ".join(registry.list_checkpoints())
        raise GanzooError(f"there is no Hub repository '{repo}' that you can read. Bundled: {names}.") from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise GanzooError(
            f"cannot fetch '{repo}' from the Hub, and it is not in the cache: check the network."
        ) from error


def build(recipe: str, source: Path, trusted: bool = True) -> Game:
    """Makes the model that a recipe's `model:` describes.

    Raises:
        GanzooError: if it describes none, or names what is not trusted.
    """
    try:
        described = yaml.safe_load(recipe)["model"]
        described["class_path"]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise GanzooError(f"'{source}' describes no model.") from error
    if not trusted:
        require_all_trusted(described, source)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--model", type=Game)  # add_subclass_arguments would open files that a value names
    try:
        config = parser.parse_object({"model": described})
    except (ArgumentError, ValueError) as error:
        raise GanzooError(f"'{source}': {explain(error, [])}") from error
    if not trusted:
        require_all_trusted(config.as_dict(), source)  # short class names are spelt out now
    try:
        return parser.instantiate_classes(config).model
    except GanzooError:
        raise
    except Exception as error:  # constructors fail in many ways on numbers that make no sense
        raise GanzooError(f"'{source}' describes an impossible model: {' '.join(str(error).split())}.") from error


def require_all_trusted(value: Any, source: Path) -> None:
    """Checks everything in a nested structure that could be taken for an import path.

    Raises:
        GanzooError: if one is not trusted, or a string could hide one.
    """
    if isinstance(value, dict):
        if "class_path" in value:
            require_trusted(str(value["class_path"]), source)
        value = list(value.values())
    if isinstance(value, list | tuple):
        for inner in value:
            require_all_trusted(inner, source)
    elif isinstance(value, str):
        if not PLAIN.fullmatch(value):
            raise GanzooError(
                f"'{source}': {value!r} is no plain word; pass trust_remote_code=True only if you trust its author."
            )
        for word in value.replace(",", " ").split():
            if "." in word:
                require_trusted(word, source)


def require_trusted(name: str, source: Path) -> None:
    """Checks that an import path leads to a network or optimizer class of ganzoo or PyTorch.

    Raises:
        GanzooError: if it leads anywhere else.
    """
    module, _, attribute = name.rpartition(".")
    found: Any = None
    if name.startswith(TRUSTED):
        try:
            found = getattr(import_module(module), attribute)
        except (ImportError, AttributeError):
            found = None
    if not (isinstance(found, type) and issubclass(found, nn.Module | torch.optim.Optimizer)):
        raise GanzooError(
            f"'{source}' names {name}, which is no network or optimizer of ganzoo, torch.nn or torch.optim; "
            "pass trust_remote_code=True only if you trust its author."
        )
