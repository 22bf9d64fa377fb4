"""Ways through the latent space as pictures and movies, and sums of latent vectors as sheets."""

from argparse import Namespace
from math import isqrt
from pathlib import Path

import torch
from torch import Tensor

from ganzoo import movies, pictures
from ganzoo.common.class_names import label, labels
from ganzoo.common.errors import GanzooError
from ganzoo.games.interpolation import combine, interpolate, of_seeds
from ganzoo.games.sampler import Sampler
from ganzoo.sampling import load_sampler, require_images, write_rows

SCATTER = 0.25  # how far the paper's neighbours of a result lie from it, in each dimension


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


def write_sum(options: Namespace) -> Path:
    """Adds and subtracts means of latent vectors as the options of `ganzoo arithmetic` say.

    Each term of the sum is a row: its samples, and at the right what its mean gives. Below these stands the result,
    with neighbours at its left that the same uniform noise as in the paper leads to.

    Returns:
        What was written.

    Raises:
        GanzooError: if an option does not fit the model, or the model draws no images.
    """
    model = load_sampler(options)
    chosen = None if options.label is None else label(model, options.label, "--label")
    terms = {"base": options.base, "− minus": options.minus, "+ plus": options.plus}
    z = {name: of_seeds(model, seeds, options.truncation) for name, seeds in terms.items() if seeds}
    result = combine(z["+ plus"], z["− minus"], z.get("base"))
    widest = max(len(vectors) for vectors in z.values())
    noise = torch.rand((widest, *result.shape[1:]), generator=torch.Generator().manual_seed(0)) * 2 - 1
    near = result + SCATTER * noise.to(result)
    rows = [_row(model, vectors, vectors.mean(0, keepdim=True), chosen, widest) for vectors in z.values()]
    rows.append(_row(model, near, result, chosen, widest))
    notes = ["seeds " + ", ".join(map(str, terms[name])) + "; their mean" for name in z]
    out = options.out or Path(f"{Path(options.name).name}-arithmetic.png")
    write_rows(rows, [*z, "= result"], out, [*notes, "neighbours; itself"])
    return out


def _row(model: Sampler, z: Tensor, last: Tensor, chosen: int | None, widest: int) -> Tensor:
    """Draws latent vectors, and at the right end of a row `last`; what is missing in between stays white."""
    drawn = draw(model, torch.cat([z, last]), chosen)
    require_images(drawn)
    gap = torch.ones((widest - len(z), *drawn.shape[1:]), device=drawn.device)
    return torch.cat([drawn[:-1], gap, drawn[-1:]])


def draw(model: Sampler, z: Tensor, chosen: int | None) -> Tensor:
    """Draws latent vectors (N, ...), all of one class: class 0 of a conditional model unless another one is named."""
    y = torch.full((len(z),), chosen or 0) if chosen is not None or model.n_classes else None
    return model.render(z, model.labels(len(z), y))
