"""The `ganzoo interpolate` command: what lies between images of a model, as a picture or a movie."""

from collections.abc import Mapping, Sequence
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ganzoo.common.errors import GanzooError
from ganzoo.tools.arguments import load_sampler, seed_list

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from ganzoo.common.conditions import Values
    from ganzoo.games.interpolation import Mode
    from ganzoo.games.sampler import Sampler


def interpolate(
    name: str,
    *,
    out: Path | None = None,
    seeds: Sequence[int | str] = (),
    seed: int | None = None,
    n: int = 5,
    steps: int = 16,
    mode: Literal["linear", "spherical"] | None = None,
    labels: Sequence[str | int] | None = None,
    loop: bool = False,
    fps: float = 16.0,
    truncation: float = 1.0,
    revision: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> Path:
    """Draw what lies between images of a model: a picture or a movie.

    A picture has a row for each pair of neighbouring stops. A movie goes through all of them; where there are several
    labels, their pictures stand side by side.

    Args:
        name: a bundled checkpoint, a checkpoint folder, a run, a .ckpt, or a Hub repository.
        out: the picture to write; a movie if it ends in .gif or .mp4 (NAME-walk.png).
        seeds: stops: the images of these seeds, such as 3 14 15 or 0-5.
        seed: stops: the first n images of one seed's draw (0).
        n: how many stops, without seeds.
        steps: pictures from one stop to the next.
        mode: the way between stops (spherical for a normal prior, linear for any other and for styles).
        labels: classes by name or number, kept on the way: rows in turn, or side by side in a movie (all).
        loop: go back from the last stop to the first.
        fps: frames per second of a movie.
        truncation: factor towards what is typical in the latent space.
        revision: branch, tag or commit of a Hub repository.
        device: cpu, cuda, mps.
        threads: CPU threads; one, or all where that is faster, by default.

    Returns:
        What was written.

    Raises:
        GanzooError: if an argument does not fit the model, or the model draws no images.
    """
    import torch

    from ganzoo.common.class_names import class_numbers as numbers
    from ganzoo.drawing import movies, pictures
    from ganzoo.drawing.looks import images_of
    from ganzoo.games.interpolation import raw_of_seeds, walk

    out = out or Path(f"{Path(name).name}-walk.png")
    movie = movies.is_movie(out)
    if movie:
        movies.require_encoder(out)
    listed = seed_list(seeds)
    if listed and seed is not None:
        raise GanzooError("--seed: not allowed with --seeds, which name every stop's.")
    count = len(listed) or n
    if count < 2:
        raise GanzooError(f"{'--seeds' if listed else '-n'}: a way needs at least 2 stops, not {count}.")
    model = load_sampler(name, revision, device, threads, count * steps)
    chosen = None if labels is None else numbers(model, labels)
    stops = raw_of_seeds(model, listed) if listed else model.space.raw(count, seed or 0)
    ways = count if loop else count - 1
    # one noise all along, that of the first stop
    noise = model.noise_seeds(1, listed[0] if listed else seed or 0)
    if not movie:
        y = None if chosen is None else torch.tensor(chosen).repeat(ways)[:ways]
        rows = walk(model, stops, steps, mode, y, truncation=truncation, noise=noise, loop=loop)
        pictures.save_picture(pictures.grid(images_of(rows.flatten(0, 1), model.kind), columns=steps), out)
        return out
    movies.save_movie(walk_frames(model, stops, steps, mode, chosen, loop, truncation, noise), out, fps)
    return out


def walk_frames(
    model: "Sampler",
    stops: "Mapping[str, Tensor]",
    steps: int,
    mode: "Mode | None" = None,
    classes: Sequence[int] | None = None,
    loop: bool = False,
    truncation: float = 1.0,
    noise: "Tensor | None" = None,
) -> "list[Image]":
    """Returns the pictures of a movie from stop to stop, in which walks of several classes stand side by side.

    Args:
        model: draws samples.
        stops: random numbers by name, as `model.space.raw` draws them.
        steps: pictures from one stop to the next.
        mode: see `interpolate`.
        classes: numbers of the classes; None for all.
        loop: go back from the last stop to the first.
        truncation: factor towards what is typical in the latent space.
        noise: seed (1,) of the noise all along, where the network takes noise.
    """
    import torch

    from ganzoo.drawing.looks import images_of
    from ganzoo.drawing.pictures import grid
    from ganzoo.games.interpolation import walk

    frames = []
    for y in _kept_conditions(model, classes, len(next(iter(stops.values()))) - (not loop)):
        legs = walk(model, stops, steps + 1, mode, y, truncation=truncation, noise=noise, loop=loop)
        # a leg's end is the next one's start
        leg_by_leg = torch.cat([legs[:, :-1].flatten(0, 1), *([] if loop else [legs[-1, -1:]])])
        frames.append(images_of(leg_by_leg, model.kind, "passing"))
    columns = _columns(len(frames))
    return [grid(torch.stack(shown), columns) for shown in zip(*frames, strict=True)]


def _kept_conditions(model: "Sampler", chosen: Sequence[int] | None, n: int) -> "list[Values]":
    """Returns for each walk its condition, n times: the chosen classes, all of them, or one of another kind."""
    from ganzoo.drawing.previews import conditions_of_class

    numbers = [*range(model.n_classes)] if chosen is None else chosen
    return [conditions_of_class(model, n, number) for number in numbers or [None]]


def _columns(n: int) -> int | None:
    """Returns how many of n pictures to put side by side so that lines are full, if that does not get too wide."""
    return next((columns for columns in range(isqrt(n - 1) + 1, isqrt(4 * n) + 1) if n % columns == 0), None)
