"""ganzoo: a PyTorch Lightning model zoo of GANs with pretrained checkpoints.

`ganzoo.load("wgan-gp-mnist").sample(16)` is all that sampling takes. Importing this package imports nothing heavy. It
makes idle threads of a PyTorch that is imported later sleep (see `ganzoo.common.threads`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ganzoo.common.errors import GanzooError
from ganzoo.common.registry import list_checkpoints, list_recipes
from ganzoo.common.threads import sleep_when_idle
from ganzoo.common.version import __version__ as __version__

if TYPE_CHECKING:
    from ganzoo.checkpoints.loading import load
    from ganzoo.checkpoints.publishing import pull, push
    from ganzoo.drawing.pictures import to_pil
    from ganzoo.training.notebook import from_recipe

__all__ = ["GanzooError", "from_recipe", "list_checkpoints", "list_recipes", "load", "pull", "push", "to_pil"]

sleep_when_idle()

# What needs PyTorch is imported when it is first used.
LATER = {
    "load": "checkpoints.loading",
    "pull": "checkpoints.publishing",
    "push": "checkpoints.publishing",
    "from_recipe": "training.notebook",
    "to_pil": "drawing.pictures",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used."""
    if name not in LATER:
        raise AttributeError(f"module 'ganzoo' has no attribute '{name}'")
    return getattr(import_module(f"ganzoo.{LATER[name]}"), name)


def __dir__() -> list[str]:
    """Lists the public names, imported or not."""
    return __all__
