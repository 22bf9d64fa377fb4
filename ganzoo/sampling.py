"""Samples to files: a grid, numbered pictures, or an array."""

from argparse import Namespace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganzoo import pictures
from ganzoo.errors import GanzooError
from ganzoo.files import written
from ganzoo.hub import load


def write_samples(options: Namespace) -> list[Path]:
    """Draws samples and writes them as the options of `ganzoo sample` say.

    Returns:
        What was written: a picture, an .npz file, or a folder.

    Raises:
        GanzooError: if an option does not fit the model.
    """
    if options.n < 1:
        raise GanzooError(f"-n: the number of samples must be at least 1, not {options.n}.")
    model = load(options.name, revision=options.revision, device=_device(options.device))
    y, turns = None, getattr(model, "n_classes", 0)
    if options.labels is not None:
        turns = len(options.labels)
        y = torch.tensor(options.labels, device=model.device).repeat(-(-options.n // turns))[: options.n]
    samples: Tensor = model.sample(options.n, y, options.seed, options.truncation)  # type: ignore[operator]
    out = options.out or (None if options.npz else Path(f"{Path(options.name).name}.png"))
    targets = [path for path in (out, options.npz) if path is not None]
    for path in targets:
        write(samples, path, turns)
    return targets


def write(samples: Tensor, path: Path, turns: int = 0) -> None:
    """Writes samples as what the name of `path` says: an .npz file, a picture, or without a suffix a folder of PNGs.

    Args:
        samples: images or points.
        path: where to.
        turns: number of classes that take turns; a picture has a class to a column, if it does not get too wide.
    """
    if path.suffix == ".npz":
        array = pictures.to_uint8(samples) if samples.dim() == 4 else samples.cpu().numpy()
        with written(path) as file:
            np.savez_compressed(file, samples=array)
    elif path.suffix and not path.is_dir():
        side = len(samples) ** 0.5
        columns = turns * max(1, round(side / turns)) if 1 < turns <= 2 * side else None
        whole = pictures.grid(samples, columns) if samples.dim() == 4 else pictures.picture(samples)
        pictures.save(whole, path)
    elif samples.dim() == 4:
        width = len(str(len(samples) - 1))
        for i, pixels in enumerate(pictures.to_uint8(samples)):
            pictures.save(pictures.to_image(pixels), path / f"{i:0{max(width, 4)}d}.png")
    else:
        raise GanzooError(f"-o: points are no pictures of their own; name a .png or .npz file instead of '{path}'.")


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise GanzooError(f"--device: '{name}' is not available here.") from error
    return device
