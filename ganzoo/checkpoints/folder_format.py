"""Checkpoint folder format, the same on disk and on the Hugging Face Hub: writing and reading.

    NAME/
      recipe.yaml         the resolved recipe; loading reads `model:` alone
      model.safetensors   half-precision weights, averaged where an average is kept; in the header
                          the format version, the kind of sample, and the names of the classes, where they have some
      README.md           model card; its metadata hold the sha256 of the two above
      samples.png         what it draws
      curves.csv          scores and terms of its training, in small

Nothing that comes from outside is unpickled, and nothing is imported that a recipe of someone else's merely names.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from ganzoo.checkpoints import trust
from ganzoo.checkpoints.build import build_model
from ganzoo.checkpoints.hashes import HASHED, require_unchanged, sha256, training_facts, with_hashes
from ganzoo.checkpoints.origin import Origin, dtypes
from ganzoo.common import class_names
from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write
from ganzoo.common.kinds import kind_named
from ganzoo.games.game import Game

FOLDER_FORMAT = "1"
PICTURE = "samples.png"
FILES = ["recipe.yaml", "model.safetensors", "README.md", PICTURE]
CURVES = "curves.csv"
PRECISIONS = {torch.float16, torch.bfloat16, torch.float32, torch.float64}


def save_folder(model: Game, folder: Path, recipe: str, card: str, samples: Any, precise: bool = False) -> None:
    """Writes a checkpoint folder.

    Args:
        model: what to publish; its averaged weights are taken where it keeps an average.
        folder: where to; files of the same names are replaced when all of them have been written.
        recipe: the resolved recipe as YAML.
        card: the model card in Markdown; the hashes of recipe and weights are added to its metadata.
        samples: a picture of samples; None for a model that makes none.
        precise: keep weights as they are, not in half precision.
    """
    weights = {
        f"{part}.{name}": (tensor if precise else halved(tensor)).cpu().contiguous()
        for part, module in model.exported().items()
        for name, tensor in module.state_dict().items()
    }
    with ExitStack() as stack:
        names = [name for name in FILES if samples is not None or name != PICTURE]
        new = {name: stack.enter_context(atomic_write(folder / name)) for name in names}
        new["recipe.yaml"].write_text(recipe, encoding="utf-8")
        header = {"format": "pt", "ganzoo_format": FOLDER_FORMAT, **class_names.class_names_entry(model.class_names)}
        header |= {} if model.kind is None else {"kind": model.kind.name}
        save_file(weights, new["model.safetensors"], header)
        new["model.safetensors"].chmod(0o644)  # safetensors makes files that only their owner can read
        if samples is not None:
            samples.save(new[PICTURE])
        hashes = {name: sha256(new[name]) for name in HASHED}
        new["README.md"].write_text(with_hashes(card, hashes), encoding="utf-8")


def halved(tensor: Tensor) -> Tensor:
    """Returns a tensor in half precision, or as it is where that has no such numbers: whole ones, and beyond 65,504."""
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    return half if half.isfinite().equal(tensor.isfinite()) else tensor


def read_folder(folder: Path, trusted: bool = True) -> Game:
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
    card, _ = trust.read_hashed(folder / "README.md") if (folder / "README.md").is_file() else ("", "")
    # each is read once: what is loaded is what was hashed
    file = folder / "model.safetensors"
    recipe, digest = trust.read_hashed(folder / "recipe.yaml")
    content = file.read_bytes()
    digests = {"recipe.yaml": digest, file.name: hashlib.sha256(content).hexdigest()}
    require_unchanged(folder, card, digests, own=trusted)
    weights, header = parse_weights(content, file)
    del content
    model = build_model(recipe, folder / "recipe.yaml", trusted, weights)
    require_weights_fit(weights, model, folder)
    for part, module in model.exported().items():
        module.load_state_dict(part_weights(weights, part))
        if part in model.averages:
            getattr(model, part).load_state_dict(module.state_dict())
    model.recipe, model.trained = recipe, True
    model.card = card
    model.class_names = class_names.parse_class_names(header, getattr(model, "n_classes", None))
    model.data_kind = kind_named(header.get("kind"))
    about = training_facts(card)
    chosen, step = about.get("weights"), about.get("steps")  # as a stranger may have written them
    model.origin = Origin(
        file,
        digests[file.name],
        dtypes(weights.values()),
        chosen if chosen in ("best", "last") else None,
        step if isinstance(step, int) else None,
    )
    return model


def parse_weights(content: bytes, file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Returns the tensors and header of a `.safetensors` file that ganzoo has written.

    Args:
        content: the file's.
        file: its name, for messages.

    Returns:
        Its tensors and the words in its header.

    Raises:
        GanzooError: if it is damaged or of an unknown format version.
    """
    try:
        weights = safetensors.torch.load(content)
        size = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + size]).get("__metadata__") or {}
    except (SafetensorError, ValueError, KeyError) as error:
        raise GanzooError(f"'{file}' is damaged: {error}.") from error
    version = header.get("ganzoo_format")
    if version != FOLDER_FORMAT:
        raise GanzooError(f"'{file}' has checkpoint format {version}; this ganzoo reads format {FOLDER_FORMAT}.")
    return weights, header


def part_weights(weights: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """Returns the weights of one submodule, by their names in it."""
    return {name[len(part) + 1 :]: tensor for name, tensor in weights.items() if name.startswith(f"{part}.")}


def require_weights_fit(weights: Mapping[str, Tensor], model: Game, folder: Path) -> None:
    """Raises GanzooError if a tensor of a model's weights is missing, unknown, or of another shape or kind."""
    parts = model.exported()
    extra = [name for name in weights if name.partition(".")[0] not in parts]
    if extra:
        raise GanzooError(f"'{folder}': the weights hold {extra[0]}, which the recipe's model does not have.")
    for part, module in parts.items():
        stored, own = part_weights(weights, part), module.state_dict()
        for name in sorted(own.keys() | stored.keys()):
            tensor, expected = stored.get(name), own.get(name)
            if tensor is None or expected is None:
                state = "missing" if tensor is None else "unknown"
                raise GanzooError(f"'{folder}': weight {part}.{name} is {state}; are recipe and weights of one model?")
            precise = {tensor.dtype, expected.dtype} <= PRECISIONS or tensor.dtype == expected.dtype
            if tensor.shape != expected.shape or not precise:
                raise GanzooError(
                    f"'{folder}': weight {part}.{name} is {tensor.dtype} {tuple(tensor.shape)}, "
                    f"but the recipe's model has {expected.dtype} {tuple(expected.shape)}."
                )
