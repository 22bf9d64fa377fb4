"""Samples to files: a grid, numbered pictures, or an array."""

import sys
from argparse import Namespace
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganzoo import pictures
from ganzoo.checkpoints.loading import load
from ganzoo.common import images, threads
from ganzoo.common.class_names import labels
from ganzoo.common.errors import GanzooError
from ganzoo.common.files import written
from ganzoo.common.hardware import find_device
from ganzoo.games.interpolation import of_seeds
from ganzoo.games.sampler import Sampler

ROW = 8  # samples of one truncation factor among several


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


def write_samples(options: Namespace) -> list[Path]:
    """Draws samples and writes them as the options of `ganzoo sample` say.

    Several truncation factors make a sheet: the same latent vectors, a factor to a row.

    Returns:
        What was written: a picture, an .npz file, or a folder.

    Raises:
        GanzooError: if an option does not fit the model.
    """
    factors = options.truncation
    n = len(options.seeds) if options.seeds else options.n
    n = n if n is not None else ROW if len(factors) > 1 else 64
    if n < 1:
        raise GanzooError(f"-n: the number of samples must be at least 1, not {n}.")
    model = load_sampler(options, n * len(factors))
    y, turns = None, model.n_classes
    if options.labels is not None:
        turns = len(options.labels)
        y = torch.tensor(labels(model, options.labels), device=model.device).repeat(-(-n // turns))[:n]
    y = model.labels(n, y)
    parts = []
    for factor in factors:
        z = of_seeds(model, options.seeds, factor) if options.seeds else model.truncated(n, options.seed, factor)
        parts.append(model.render(z, y, progress=sys.stderr.isatty()))
    out = options.out or (None if options.npz else Path(f"{Path(options.name).name}.png"))
    targets = [path for path in (out, options.npz) if path is not None]
    for path in targets:
        if len(factors) > 1 and is_picture(path):
            write_rows(parts, [f"truncation {factor:g}" for factor in factors], path)
        else:
            names = options.seeds if len(factors) == 1 else None
            write(torch.cat(parts), path, turns, names)
    return targets


def is_picture(path: Path) -> bool:
    """Says whether a path names a picture, neither an array nor a folder."""
    return bool(path.suffix) and path.suffix != ".npz" and not path.is_dir()


def write_rows(rows: Sequence[Tensor], titles: Sequence[str], path: Path, notes: Sequence[str] = ()) -> None:
    """Writes a sheet of rows of images (N, C, H, W), each under a title at its left and perhaps a note.

    Raises:
        GanzooError: if the samples are no images.
    """
    from ganzoo import figures

    require_images(rows[0])
    strips = [pictures.grid(row, columns=len(row)) for row in rows]
    noted = [[note] for note in notes] or [[] for _ in rows]
    sheet = figures.sheet([figures.Row(*row) for row in zip(titles, noted, strips, strict=True)])
    with BytesIO() as file:
        sheet.savefig(file, format="png", dpi=figures.DPI)
        # the lettering is grey, too
        pictures.save(Image.open(file).convert("RGB" if rows[0].shape[1] == 3 else "L"), path)


def require_images(samples: Tensor) -> None:
    """Raises GanzooError where samples are no images."""
    if samples.dim() != 4:
        raise GanzooError(f"this is for images, but the model draws samples of shape {tuple(samples.shape[1:])}.")


def write(samples: Tensor, path: Path, turns: int = 0, names: Sequence[int] | None = None) -> None:
    """Writes samples as what the name of `path` says: an .npz file, a picture, or without a suffix a folder of PNGs.

    Args:
        samples: images or points.
        path: where to.
        turns: number of classes that take turns; a picture has a class to a column, if it does not get too wide.
        names: numbers of the PNGs of a folder; by default they are counted.
    """
    if path.suffix == ".npz":
        array = images.to_uint8(samples) if samples.dim() == 4 else samples.cpu().numpy()
        with written(path) as file:
            np.savez_compressed(file, samples=array)
    elif is_picture(path):
        side = len(samples) ** 0.5
        columns = turns * max(1, round(side / turns)) if 1 < turns <= 2 * side else None
        whole = pictures.grid(samples, columns) if samples.dim() == 4 else pictures.picture(samples)
        pictures.save(whole, path)
    elif samples.dim() == 4:
        names = names or range(len(samples))
        width = max(4, len(str(max(names))))
        for name, pixels in zip(names, images.to_uint8(samples), strict=True):
            pictures.save(pictures.to_image(pixels), path / f"{name:0{width}d}.png")
    else:
        raise GanzooError(f"-o: points are no pictures of their own; name a .png or .npz file instead of '{path}'.")
