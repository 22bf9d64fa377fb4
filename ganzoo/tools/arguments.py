"""Arguments and models that several commands share."""

from argparse import Namespace

from ganzoo.checkpoints.loading import load
from ganzoo.common import threads
from ganzoo.common.errors import GanzooError
from ganzoo.common.hardware import find_device
from ganzoo.games.sampler import Sampler


def load_sampler(options: Namespace, images: int = 1) -> Sampler:
    """Loads the model that the options of a command name, and sets the number of threads that is to draw.

    Args:
        options: of a command that `explore.model_arguments` describes.
        images: how many are going to be drawn.

    Raises:
        GanzooError: if it cannot be loaded, or draws no samples.
    """
    model = load(options.name, revision=options.revision, device=find_device(options.device))
    if not isinstance(model, Sampler):
        hint = " `ganzoo translate` is for it." if hasattr(model, "translate") else ""
        raise GanzooError(f"'{options.name}' draws no samples: it is a {type(model).__name__}.{hint}")
    if model.device.type == "cpu":
        threads.adapt(lambda n: model.sample(n, seed=0), images, options.threads)
    return model
