"""Interpolation between latent vectors, and latent arithmetic."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ganzoo.common.errors import GanzooError

Mode = Literal["linear", "spherical"]
ON_LINE = 1e-7  # sine of an angle between float32 vectors below which the plane they span is rounding


def latents_of_seeds(model: Any, seeds: Sequence[int], truncation: float = 1.0) -> Tensor:
    """Returns the latent vectors (len(seeds), ...) of the samples that `model.sample(1, seed=seed)` draws.

    Args:
        model: draws samples.
        seeds: one for each vector.
        truncation: as in `model.sample`.
    """
    return torch.cat([model.truncated(1, seed, truncation) for seed in seeds])


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


def suitable_mode(model: Any) -> Mode:
    """Returns the interpolation that suits a model's prior: spherical if all of it is normal noise."""
    from ganzoo.games.sampler import Sampler  # it imports this module

    normal = model.prior == "normal" and type(model).latent is Sampler.latent
    return "spherical" if normal else "linear"


def interpolate(
    model: Any, a: Tensor, b: Tensor, steps: int = 16, mode: Mode | None = None, y: Tensor | None = None
) -> Tensor:
    """Draws the samples between pairs of latent vectors.

    Two images of a model: `interpolate(model, *model.latent(2, seed=0).split(1))`.

    Args:
        model: draws samples.
        a: latent vectors (N, ...) to start from.
        b: as many to arrive at.
        steps: samples of a pair, both ends included.
        mode: `linear` or `spherical`; by default what `suitable_mode` says of the model.
        y: labels (N,) for a conditional model, each kept on the way; without, the classes take turns.

    Returns:
        Samples (N, steps, ...).

    Raises:
        GanzooError: if there are fewer than two steps, no such mode, or labels that do not fit.
    """
    if steps < 2:
        raise GanzooError(f"steps: at least 2 are needed, the two ends, not {steps}.")
    mode = mode or suitable_mode(model)
    if mode not in INTERPOLATIONS:
        raise GanzooError(f"mode: it must be one of {', '.join(INTERPOLATIONS)}, not '{mode}'.")
    z = INTERPOLATIONS[mode](a, b, torch.linspace(0, 1, steps))
    y = model.labels(len(a), y)
    y = None if y is None else y.repeat_interleave(steps)
    return model.render(z.flatten(0, 1), y).unflatten(0, (len(a), steps))


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
