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
    y = None
    if options.labels is not None:
        y = torch.tensor(options.labels, device=model.device).repeat(-(-options.n // len(options.labels)))[: options.n]
    samples: Tensor = model.sample(options.n, y, options.seed, options.truncation)  # type: ignore[operator]
    out = options.out or (None if options.npz else Path(f"{Path(options.name).name}.png"))
    targets = [path for path in (out, options.npz) if path is not None]
    for path in targets:
        write(samples, path)
    return targets


def write(samples: Tensor, path: Path) -> None:
    """Writes samples as what the name of `path` says: an .npz file, a picture, or without a suffix a folder of PNGs."""
    if path.suffix == ".npz":
        array = pictures.to_uint8(samples) if samples.dim() == 4 else samples.cpu().numpy()
        with written(path) as file:
            np.savez_compressed(file, samples=array)
    elif path.suffix and not path.is_dir():
        pictures.save(pictures.picture(samples), path)
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
