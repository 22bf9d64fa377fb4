"""Arguments that several commands share: seeds by ranges, conditions, and models that draw samples."""

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.common import threads as cpu
from ganzoo.common.errors import GanzooError

if TYPE_CHECKING:
    from ganzoo.common.conditions import Values
    from ganzoo.games.sampler import Sampler


def seed_list(seeds: Sequence[int | str], option: str = "--seeds") -> list[int]:
    """Returns seeds as numbers: `3`, `"0-5"` and `"1,4,7-9"` alike.

    Args:
        seeds: numbers, or ranges as text.
        option: what an error names.

    Raises:
        GanzooError: if one is nothing of the kind.
    """
    return number_list(seeds, option, "seed")


def number_list(words: Sequence[int | str], option: str, noun: str) -> list[int]:
    """Returns numbers given by themselves or as ranges, see `seed_list`.

    Args:
        words: numbers, or ranges as text.
        option: what an error names.
        noun: what the numbers are.

    Raises:
        GanzooError: if one is nothing of the kind.
    """
    numbers: list[int] = []
    for part in ",".join(map(str, words)).split(",") if words else ():
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if match is None or int(match[2] or match[1]) < int(match[1]):
            raise GanzooError(f"{option}: '{part}' is no {noun}, such as 3, nor a range of them, such as 0-5 or 1,4-6")
        numbers += range(int(match[1]), int(match[2] or match[1]) + 1)
    return numbers


def choose_conditions(
    model: "Sampler",
    n: int,
    labels: Sequence[str | int] | None = None,
    text: Sequence[str] = (),
    file: Path | None = None,
) -> tuple["Values", int]:
    """Returns the conditions of n samples, and how many take turns.

    Args:
        model: draws samples.
        n: how many.
        labels: classes by name or number.
        text: texts.
        file: a .npy file of an array with a row for each, or a .npz of several arrays for several conditions at once.

    Raises:
        GanzooError: if more than one of them is given, or the model is not drawn from under such.
    """
    import torch

    from ganzoo.common.class_names import class_numbers
    from ganzoo.common.conditions import count_values, take_values

    if sum((labels is not None, bool(text), file is not None)) > 1:
        raise GanzooError("--labels, --text and --conditions: give one of them.")
    if labels is not None:
        values: Values = torch.tensor(class_numbers(model, labels))
    elif text:
        if model.condition is None:
            raise GanzooError(f"--text: {type(model).__name__} is unconditional; it takes no words.")
        encode = getattr(model, "encode_text", model.condition.from_words)
        values = encode([*text])
    elif file is not None:
        values = read_arrays(file)
    else:
        return model.conditions(n), model.n_classes
    turns = count_values(values)
    return model.conditions(n, take_values(values, torch.arange(n) % turns)), turns


def read_arrays(file: Path) -> "Values":
    """Reads an array of conditions as a tensor (N, ...), or several as a tuple in their stored order.

    Args:
        file: .npy or .npz.

    Raises:
        GanzooError: if it is no such file, or holds nothing.
    """
    import numpy as np
    import torch

    try:
        loaded = np.load(file, allow_pickle=False)
        arrays = [loaded] if isinstance(loaded, np.ndarray) else [loaded[name] for name in loaded.files]
        values = tuple(torch.from_numpy(array) for array in arrays)
    except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise GanzooError(f"--conditions: {file} is no .npy or .npz file of numbers: {error}.") from None
    if not values or any(value.dim() == 0 or not len(value) for value in values):
        raise GanzooError(f"--conditions: there is nothing in {file}.")
    floats = tuple(value.float() if value.is_floating_point() else value for value in values)
    return floats[0] if len(floats) == 1 else floats


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
