"""A tiny GAN's recipe and checkpoint folder, changes to them, and the message with which one is refused."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from ganzoo.checkpoints import build, folder_format
from ganzoo.common.errors import GanzooError
from ganzoo.drawing.looks import picture
from ganzoo.games.game import Game

MODEL = {
    "class_path": "ganzoo.models.wgan.WGAN",
    "init_args": {
        "generator": {
            "class_path": "ganzoo.networks.dcgan.DCGANGenerator",
            "init_args": {"size": 8, "channels": 1, "width": 8, "latent_dim": 6},
        },
        "discriminator": {
            "class_path": "ganzoo.networks.dcgan.DCGANDiscriminator",
            "init_args": {"size": 8, "channels": 1, "width": 8, "spectral": True, "dropout": 0.2},
        },
        "g_lr": 0.01,
        "optimizer": "torch.optim.Adam",
        "n_critic": {"values": [2, 1], "at": [0, 0.5]},
        "augment": "translation,cutout",
    },
}
RECIPE = yaml.safe_dump({"model": MODEL, "data": {"class_path": "not.read.Here"}})
CARD = "---\nlicense: mit\nganzoo:\n  steps: 4\n---\n\n# A tiny GAN\n"


@cache
def tiny_model() -> Game:
    """The recipe's model; nobody changes it."""
    torch.manual_seed(0)
    return build.build_model(RECIPE, Path("recipe.yaml"))


def publish(model: Any, folder: Path, recipe: str = RECIPE, card: str = CARD) -> None:
    """Writes a checkpoint folder."""
    folder_format.save_folder(model, folder, recipe, card, picture(model.sample(4, seed=0)))


def refusal(action: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """Returns the message of the refusal, which must be one line."""
    with pytest.raises(GanzooError) as error:
        action(*arguments, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def changed(*path: str, to: Any) -> str:
    """Returns the recipe with one entry of its model changed."""
    model: Any = deepcopy(MODEL)
    place = model
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return yaml.safe_dump({"model": model})
