"""Interpolation between points of a latent space, walks from stop to stop, and latent arithmetic."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ganzoo.common.conditions import Values, map_values
from ganzoo.common.errors import GanzooError

Mode = Literal["linear", "spherical"]
ON_LINE = 1e-7  # sine of an angle between float32 vectors below which the plane they span is rounding


def lerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Interpolates linearly between the vectors of `a` and `b`.

    Args:
        a: vectors (N, ...).
        b: as many of the same shape.
        t: places (T,) on the way: 0 is at `a`, 1 at `b`.

    Returns:
        Vectors (N, T, ...).
    """
    t = t.to(a).view(-1, *[1] * (a.dim() - 1))
    return (1 - t) * a[:, None] + t * b[:, None]


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Interpolates spherically between the vectors of `a` and `b`: Shoemake 1985; White 2016, arXiv 1609.04468.

    Angle and length change at constant rates. Between vectors of one length this is White's formula; between others
    that one makes a detour in length. A normal prior of many dimensions has its mass near a sphere, and a straight way
    leads through the inside, which the model has never seen.

    Vectors on one line do not say in which plane the arc is to lie. Between opposite ones it goes over the axis that is
    most nearly at right angles to them. Where they point the same way, one of them is zero, or there is but one
    dimension, the way is straight.

    Args:
        a: vectors (N, ...).
        b: as many of the same shape.
        t: places (T,) on the way: 0 is at `a`, 1 at `b`.

    Returns:
        Vectors (N, T, ...).
    """
    first, last = a.cpu().double().flatten(1), b.cpu().double().flatten(1)  # not every device has doubles
    u, v = _directions(first), _directions(last)
    cosine = (u * v).sum(1, keepdim=True)
    across = v - cosine * u
    sine = across.norm(dim=1, keepdim=True)
    axis = one_hot(u.abs().argmin(1), u.shape[1]).double()
    detour = torch.where(cosine < 0, axis - (axis * u).sum(1, keepdim=True) * u, 0)
    across = _directions(torch.where(sine < ON_LINE, detour, across))
    turned = torch.atan2(torch.where(sine < ON_LINE, 0, sine), cosine)[:, None] * t.cpu().double()[:, None]
    length = lerp(first.norm(dim=1, keepdim=True), last.norm(dim=1, keepdim=True), t.cpu())
    arc = length * (turned.cos() * u[:, None] + turned.sin() * across[:, None])
    curved = (u.any(1) & across.any(1))[:, None, None]
    return torch.where(curved, arc, lerp(first, last, t.cpu())).to(a).unflatten(2, a.shape[1:])


def _directions(x: Tensor) -> Tensor:
    """Scales vectors (N, D) to length 1; those of length 0 stay."""
    return x / x.norm(dim=1, keepdim=True).clamp_min(torch.finfo(x.dtype).tiny)


INTERPOLATIONS = {"linear": lerp, "spherical": slerp}


def latents_of_seeds(model: Any, seeds: Sequence[int], truncation: float = 1.0, y: Values = None) -> Tensor:
    """Returns the points (len(seeds), ...) of the samples that `model.sample(1, seed=seed)` draws.

    Args:
        model: draws samples.
        seeds: one for each point.
        truncation: as in `model.sample`.
        y: conditions of the points, on which those of w depend; by default as in `model.sample`.
    """
    return model.space.place(raw_of_seeds(model, seeds), truncation, model.conditions(len(seeds), y))


def raw_of_seeds(model: Any, seeds: Sequence[int]) -> dict[str, Tensor]:
    """Returns the random numbers by name, each (len(seeds), ...), of the points of `latents_of_seeds`."""
    drawn = [model.space.raw(1, seed) for seed in seeds]
    return {name: torch.cat([raw[name] for raw in drawn]) for name in drawn[0]}


def noise_of_seeds(model: Any, seeds: Sequence[int]) -> Tensor | None:
    """Returns the seeds (len(seeds),) of the noise in the samples that `model.sample(1, seed=seed)` draws.

    None of a model whose network takes no noise.
    """
    drawn = [model.noise_seeds(1, seed) for seed in seeds]
    return None if drawn[0] is None else torch.cat(drawn)


def interpolate(
    model: Any,
    a: Tensor,
    b: Tensor,
    steps: int = 16,
    mode: Mode | None = None,
    y: Values = None,
    noise: Tensor | None = None,
) -> Tensor:
    """Draws the samples between pairs of points of a model's latent space.

    Two images of a model: `interpolate(model, *model.space.draw(2, seed=0).split(1))`.

    Args:
        model: draws samples.
        a: points (N, ...) to start from.
        b: as many to arrive at.
        steps: samples of a pair, both ends included.
        mode: `linear` or `spherical`; by default the space's own.
        y: conditions of a conditional model, such as labels (N,), each kept on the way; without, they take turns.
        noise: seed (1,) of the noise that all samples have, where the network takes noise; see `render`.

    Returns:
        Samples (N, steps, ...).

    Raises:
        GanzooError: if there are fewer than two steps, no such mode, or labels that do not fit.
    """
    if steps < 2:
        raise GanzooError(f"steps: at least 2 are needed, the two ends, not {steps}.")
    points = model.space.between(a, b, torch.linspace(0, 1, steps), mode)
    y = map_values(lambda each: each.repeat_interleave(steps, 0), model.conditions(len(a), y))
    return model.render(points.flatten(0, 1), y, noise).unflatten(0, (len(a), steps))


def walk(
    model: Any,
    raw: Mapping[str, Tensor],
    steps: int = 16,
    mode: Mode | None = None,
    y: Values = None,
    *,
    truncation: float = 1.0,
    noise: Tensor | None = None,
    loop: bool = False,
) -> Tensor:
    """Draws the samples on the ways from stop to stop through a model's latent space.

    Args:
        model: draws samples.
        raw: random numbers of N stops by name, as `model.space.raw` draws them.
        steps: samples of a way, both ends included.
        mode: see `interpolate`.
        y: a condition for each way, see `interpolate`.
        truncation: as in `model.sample`.
        noise: see `interpolate`.
        loop: go back from the last stop to the first, too.

    Returns:
        Samples (N - 1, steps, ...), or (N, steps, ...) of a loop.
    """
    n = len(next(iter(raw.values()))) - (not loop)
    y = model.conditions(n, y)
    first, last = ({name: part.roll(-k, 0)[:n] for name, part in raw.items()} for k in (0, 1))
    a, b = (model.space.place(stops, truncation, y) for stops in (first, last))
    return interpolate(model, a, b, steps, mode, y, noise)


def combine(plus: Tensor, minus: Tensor, base: Tensor | None = None) -> Tensor:
    """Adds and subtracts means of latent vectors: Radford et al. 2016, arXiv 1511.06434, section 6.3.2.

    "Man with glasses" - "man without glasses" + "woman without glasses" is a woman with glasses there.

    Args:
        plus: vectors (N, ...) whose mean is added.
        minus: vectors (M, ...) whose mean is taken away.
        base: vectors (L, ...) to whose mean this happens; None leaves the difference alone.

    Returns:
        mean(base) - mean(minus) + mean(plus), of shape (1, ...).
    """
    change = plus.mean(0, keepdim=True) - minus.mean(0, keepdim=True)
    return change if base is None else base.mean(0, keepdim=True) + change
