"""Entry points of `torch.hub`: every bundled checkpoint by its name, ready to sample, and nothing else to install.

    model = torch.hub.load("OWNER/ganzoo", "dcgan_faces")
    images = model.sample(16, seed=0)  # (16, 3, 64, 64), in [-1, 1]

`torch.hub.list("OWNER/ganzoo")` lists them, `torch.hub.help("OWNER/ganzoo", "dcgan_faces")` shows a checkpoint's card.
"""

from collections.abc import Callable as _Callable
from pathlib import Path as _Path
from typing import TYPE_CHECKING as _TYPE_CHECKING

if _TYPE_CHECKING:
    import torch as _torch

    from ganzoo.games.game import Game as _Game

# import names of what a checkpoint needs to be loaded
dependencies = [
    "torch",
    "torchvision",
    "lightning",
    "torchmetrics",
    "jsonargparse",
    "docstring_parser",
    "safetensors",
]

_CHECKPOINTS = _Path(__file__).resolve().parent / "checkpoints"


def _entry_point(folder: _Path) -> "_Callable[..., _Game]":
    """Returns the function that loads a checkpoint folder; its docstring is the checkpoint's card."""

    def load(device: "str | _torch.device" = "cpu") -> "_Game":
        from ganzoo.checkpoints.loading import load as load_checkpoint

        return load_checkpoint(folder, device=device)

    card = (folder / "README.md").read_text(encoding="utf-8")
    load.__name__ = load.__qualname__ = folder.name.replace("-", "_")
    load.__doc__ = card.split("---\n", 2)[-1].strip()  # without the metadata
    return load


_weights = sorted(_CHECKPOINTS.glob("*/model.safetensors"))
globals().update({load.__name__: load for load in (_entry_point(file.parent) for file in _weights)})
