"""Ways through the latent space as pictures and movies, and sums of latent vectors as sheets."""

from argparse import Namespace
from math import isqrt
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.common.class_names import labels
from ganzoo.common.errors import GanzooError
from ganzoo.drawing import movies, pictures
from ganzoo.drawing.save import require_images
from ganzoo.games.interpolation import interpolate, of_seeds
from ganzoo.games.sampler import Sampler
from ganzoo.tools.arguments import load_sampler


def write_walk(options: Namespace) -> Path:
    """Draws what lies between latent vectors as the options of `ganzoo interpolate` say.

    A picture has a row for each pair of neighbouring stops. A movie goes through all of them, and back to the first
    with `loop`; where there are several labels, their pictures stand side by side.

    Returns:
        What was written.

    Raises:
        GanzooError: if an option does not fit the model, or the model draws no images.
    """
    out: Path = options.out or Path(f"{Path(options.name).name}-walk.png")
    movie = movies.is_movie(out)
    if movie:
        movies.check(out)
    count = len(options.seeds) if options.seeds else options.n
    if count < 2:
        raise GanzooError(f"{'--seeds' if options.seeds else '-n'}: a way needs at least 2 stops, not {count}.")
    model = load_sampler(options, count * options.steps)
    chosen = None if options.labels is None else labels(model, options.labels)
    if options.seeds:
        stops = of_seeds(model, options.seeds, options.truncation)
    else:
        stops = model.truncated(count, options.seed, options.truncation)
    a, b = (stops, stops.roll(-1, 0)) if options.loop else (stops[:-1], stops[1:])
    if not movie:
        y = None if chosen is None else torch.tensor(chosen).repeat(len(a))[: len(a)]
        rows = interpolate(model, a, b, options.steps, options.mode, y)
        require_images(rows[0])
        pictures.save(pictures.grid(rows.flatten(0, 1), columns=options.steps), out)
        return out
    frames = []
    for y in _kept_labels(model, chosen, len(a)):
        legs = interpolate(model, a, b, options.steps + 1, options.mode, y)
        require_images(legs[0])
        # a leg's end is the next one's start
        frames.append(torch.cat([legs[:, :-1].flatten(0, 1), *([] if options.loop else [legs[-1, -1:]])]))
    columns = _columns(len(frames))
    movies.save([pictures.grid(torch.stack(shown), columns) for shown in zip(*frames, strict=True)], out, options.fps)
    return out


def _kept_labels(model: Sampler, chosen: list[int] | None, n: int) -> list[Tensor | None]:
    """Returns for each walk its label, n times: those given or all classes; or None once if there are none."""
    if chosen is None and not model.n_classes:
        return [None]
    return [torch.full((n,), number) for number in (range(model.n_classes) if chosen is None else chosen)]


def _columns(n: int) -> int | None:
    """Returns how many of n pictures to put side by side so that lines are full, if that does not get too wide."""
    return next((columns for columns in range(isqrt(n - 1) + 1, isqrt(4 * n) + 1) if n % columns == 0), None)
