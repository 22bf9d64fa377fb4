"""Samples to files: a grid, numbered pictures, or an array."""

import sys
from argparse import Namespace
from pathlib import Path

import torch

from ganzoo.common.class_names import labels
from ganzoo.common.errors import GanzooError
from ganzoo.drawing.save import is_picture, write, write_rows
from ganzoo.games.interpolation import of_seeds
from ganzoo.tools.arguments import load_sampler

ROW = 8  # samples of one truncation factor among several


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
