"""Formats of published weights, and the model that a file in one of them makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import yaml
from torch import nn

from ganzoo.checkpoints.build import build_model
from ganzoo.checkpoints.importers.adapting import Conversion, Format, Part
from ganzoo.checkpoints.importers.basicsr import BASICSR
from ganzoo.checkpoints.importers.biggan import BIGGAN
from ganzoo.checkpoints.importers.cyclegan import CYCLEGAN, PIX2PIX
from ganzoo.checkpoints.importers.ddgan import DDGAN
from ganzoo.checkpoints.importers.mimicry import MIMICRY
from ganzoo.checkpoints.importers.progan import PROGAN
from ganzoo.checkpoints.importers.projected_gan import PROJECTED_GAN
from ganzoo.checkpoints.importers.r3gan import R3GAN
from ganzoo.checkpoints.importers.reading import Contents
from ganzoo.checkpoints.importers.stylegan2 import STYLEGAN2
from ganzoo.common.errors import GanzooError
from ganzoo.games.game import Game

FORMATS: tuple[Format, ...] = (
    *(STYLEGAN2, R3GAN, PROJECTED_GAN, BIGGAN, MIMICRY),
    *(PROGAN, DDGAN, CYCLEGAN, PIX2PIX, BASICSR),
)
COUNTS = "num_batches_tracked"  # of BatchNorm, which other code may leave out, and which nothing here reads


@dataclass(frozen=True)
class Converted:
    """Model of ganzoo with the weights of a file.

    Attributes:
        model: in evaluation mode.
        recipe: as YAML; training goes on with it once its data has a `root`.
        conversion: what the adapter said.
        format: of the file.
    """

    model: Game
    recipe: str
    conversion: Conversion
    format: Format


def list_formats() -> list[str]:
    """Returns a line for each format: name, files, and what they become."""
    width = max(len(one.name) for one in FORMATS)
    return [f"{one.name:{width}}  {one.files} -> {one.becomes}" for one in FORMATS]


def convert_networks(files: Sequence[Contents]) -> Converted:
    """Returns ganzoo's model of the networks of a file, or of several that belong together.

    Raises:
        GanzooError: if they have no known format, or a tensor does not fit; it names the tensor and both shapes.
    """
    names = ", ".join(f"'{contents.file}'" for contents in files)
    networks = [network for contents in files for network in contents.networks]
    chosen = next((one for one in FORMATS if one.fits(networks)), None)
    if chosen is None:
        first = ", ".join([*networks[0].tensors][:3]) or "nothing"
        raise GanzooError(
            f"{names}: no format that ganzoo converts begins with {first}; `ganzoo convert --list` shows those that do."
        )
    try:
        conversion = chosen.convert(networks)
        recipe = yaml.safe_dump(recipe_of(conversion), sort_keys=False)
        weights = {f"{i}.{key}": tensor for i, one in enumerate(networks) for key, tensor in one.tensors.items()}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # for networks that no file holds
            model = build_model(recipe, files[0].file, trusted=False, weights=weights)
        for name, part in conversion.parts.items():
            if part.tensors:
                take(model, name, part)
    except GanzooError as error:
        raise GanzooError(f"{names}, of {chosen.name} by its names: {error}") from error
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise GanzooError(f"{names}, of {chosen.name} by its names: its shapes make no sense there.") from error
    model.recipe, model.trained = recipe, True
    return Converted(model.eval(), recipe, conversion, chosen)


def recipe_of(conversion: Conversion) -> dict[str, Any]:
    """Returns the recipe of a converted model: fine-tuning on one's own pictures, whose folder it leaves open."""
    networks = {
        name: {"class_path": part.class_path, "init_args": part.arguments} for name, part in conversion.parts.items()
    }
    return {
        "seed_everything": 0,
        "model": {"class_path": conversion.model, "init_args": {**networks, **conversion.arguments}},
        "data": conversion.data,
        "quality": {"samples": None},
        "trainer": {"max_steps": 10_000, "val_check_interval": 1000},
    }


def take(model: Game, name: str, part: Part) -> None:
    """Gives a network of a model, and its average where one is kept, the tensors of a part.

    Raises:
        GanzooError: if one is missing, unknown, or of another shape.
    """
    network = getattr(model, name)
    expected = network.state_dict()
    state = {**{key: value for key, value in expected.items() if key.endswith(COUNTS)}, **part.tensors}
    for key, tensor in part.tensors.items():
        if key not in expected:
            raise GanzooError(f"{part.origins[key]} {shown(tensor)} is not expected in this form of network.")
        if tensor.shape != expected[key].shape or tensor.is_floating_point() != expected[key].is_floating_point():
            raise GanzooError(f"{part.origins[key]} is {shown(tensor)}, but {shown(expected[key])} was expected.")
    if missing := [key for key in expected if key not in state]:
        raise GanzooError(f"the tensor that {name}.{missing[0]} {shown(expected[missing[0]])} takes is missing.")
    for module in (network, model.averaged(name)):
        assert isinstance(module, nn.Module)
        module.load_state_dict(state)


def shown(tensor: torch.Tensor) -> str:
    """Returns a tensor's shape as text, and its type where that is not usual."""
    usual = tensor.is_floating_point()
    return f"{tuple(tensor.shape)}" if usual else f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
