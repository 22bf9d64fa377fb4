"""ganzoo: a PyTorch Lightning model zoo of GANs with pretrained checkpoints.

`ganzoo.load("wgan-gp-mnist").sample(16)` is all that sampling takes. Importing this package imports nothing heavy.
"""

from typing import TYPE_CHECKING, Any

from ganzoo.errors import GanzooError
from ganzoo.registry import list_checkpoints, list_recipes

if TYPE_CHECKING:
    from ganzoo.hub import load
    from ganzoo.training import from_recipe

__version__ = "0.1.0"
__all__ = ["GanzooError", "from_recipe", "list_checkpoints", "list_recipes", "load"]


def __getattr__(name: str) -> Any:
    """Imports what needs PyTorch when it is first used."""
    if name == "load":
        from ganzoo.hub import load

        return load
    if name == "from_recipe":
        from ganzoo.training import from_recipe

        return from_recipe
    raise AttributeError(f"module 'ganzoo' has no attribute '{name}'")


def __dir__() -> list[str]:
    """Lists the public names, imported or not."""
    return __all__
