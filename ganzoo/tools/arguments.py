"""Arguments that several commands share: seeds by ranges, and models that draw samples."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganzoo.common import threads as cpu
from ganzoo.common.errors import GanzooError

if TYPE_CHECKING:
    from ganzoo.games.sampler import Sampler


def seed_list(seeds: Sequence[int | str], option: str = "--seeds") -> list[int]:
    """Returns seeds as numbers: `3`, `"0-5"` and `"1,4,7-9"` alike.

    Args:
        seeds: numbers, or ranges as text.
        option: what an error names.

    Raises:
        GanzooError: if one is nothing of the kind.
    """
    numbers: list[int] = []
    for part in ",".join(map(str, seeds)).split(",") if seeds else ():
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if match is None or int(match[2] or match[1]) < int(match[1]):
            raise GanzooError(f"{option}: '{part}' is no seed, such as 3, nor a range of them, such as 0-5 or 1,4-6")
        numbers += range(int(match[1]), int(match[2] or match[1]) + 1)
    return numbers


def load_sampler(
    name: str, revision: str | None = None, device: str = "cpu", threads: int | None = None, images: int = 1
) -> "Sampler":
    """Loads a model that draws samples, and sets the number of CPU threads that are to draw.

    Args:
        name: see `ganzoo.load`.
        revision: branch, tag or commit of a Hub repository.
        device: cpu, cuda, mps.
        threads: how many; None for one, or all where that is faster.
        images: how many images are going to be drawn.

    Raises:
        GanzooError: if it cannot be loaded, or draws no samples.
    """
    from ganzoo.checkpoints.loading import load
    from ganzoo.common.hardware import find_device
    from ganzoo.games.capabilities import Translates
    from ganzoo.games.sampler import Sampler

    model = load(name, revision=revision, device=find_device(device))
    if not isinstance(model, Sampler):
        hint = " `ganzoo translate` is for it." if isinstance(model, Translates) else ""
        raise GanzooError(f"'{name}' draws no samples: it is a {type(model).__name__}.{hint}")
    if model.device.type == "cpu":
        cpu.adapt_threads(lambda n: model.sample(n, seed=0), images, threads)
    return model
