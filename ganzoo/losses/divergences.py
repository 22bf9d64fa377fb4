"""The f-divergences of f-GAN, each with its output activation and conjugate: Nowozin et al. 2016, tables 1, 2 and 6.

For D_f(P || Q) = E_Q f(p/q), P the data and Q the generator, every critic T gives a lower bound (equation 4):
E_P T(x) - E_Q f*(T(x)). It is tight where T = f'(p/q). The output activation g_f takes any logit into the domain of f*.
"""

from collections.abc import Callable
from math import log
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from ganzoo.games.objective import Objective, accuracy

LIMIT = 3.0


class Divergence(NamedTuple):
    """An f-divergence as a row of the paper's tables: output activation and conjugate.

    Attributes:
        f: the convex generator function of table 1, on density ratios above 0.
        activation: g_f of table 2: logits to the domain of `conjugate`, increasing.
        conjugate: f* of table 2.
        composed: f*(g_f(v)) straight from the logits, where the two one after the other would lose digits or overflow.
        threshold: the logit at which g_f(v) is f'(1): above, a sample is taken for real (section 3.2).
    """

    f: Callable[[Tensor], Tensor]
    activation: Callable[[Tensor], Tensor]
    conjugate: Callable[[Tensor], Tensor]
    composed: Callable[[Tensor], Tensor]
    threshold: float = 0.0


def tame(v: Tensor) -> Tensor:
    """Returns v up to `LIMIT`, and beyond it a logarithm, so that exp(tame(v)) goes on as a straight line.

    The paper leaves g_f open: any increasing map into the domain of f* gives a bound. With this one before its own, the
    three that are exponentials have finite values and moderate slopes for any logit; the paper clips gradients.
    """
    return v.clamp(-LIMIT, LIMIT) + v.sign() * torch.log1p(relu(v.abs() - LIMIT))


DIVERGENCES = {
    "kl": Divergence(
        f=lambda u: u * u.log(),
        activation=tame,
        conjugate=lambda t: (t - 1).exp(),
        composed=lambda v: (tame(v) - 1).exp(),
        threshold=1.0,
    ),
    "reverse_kl": Divergence(
        f=lambda u: -u.log(),
        activation=lambda v: -(-tame(v)).exp(),
        conjugate=lambda t: -1 - (-t).log(),
        composed=lambda v: tame(v) - 1,
    ),
    "pearson": Divergence(
        f=lambda u: (u - 1).square(),
        activation=lambda v: v,
        conjugate=lambda t: t.square() / 4 + t,
        composed=lambda v: v.square() / 4 + v,
    ),
    "squared_hellinger": Divergence(
        f=lambda u: (u.sqrt() - 1).square(),
        activation=lambda v: 1 - (-tame(v)).exp(),
        conjugate=lambda t: t / (1 - t),
        composed=lambda v: tame(v).exp() - 1,
    ),
    "js": Divergence(  # twice the Jensen-Shannon divergence: the f of table 1, not its first column
        f=lambda u: u * u.log() - (u + 1) * ((u + 1) / 2).log(),
        activation=lambda v: log(2) - softplus(-v),
        conjugate=lambda t: -(2 - t.exp()).log(),
        composed=lambda v: softplus(v) - log(2),
    ),
    "gan": Divergence(  # that less log 4: no other gradients
        f=lambda u: u * u.log() - (u + 1) * (u + 1).log(),
        activation=lambda v: -softplus(-v),
        conjugate=lambda t: -(1 - t.exp()).log(),
        composed=softplus,
    ),
}


def variational_bound(divergence: Divergence, real: Tensor, fake: Tensor) -> Tensor:
    """Returns E g_f(V(x)) - E f*(g_f(V(G(z)))): equation 7, which the critic ascends.

    Args:
        divergence: one of `DIVERGENCES`.
        real: logits of real samples, any shape.
        fake: logits of generated samples, any shape.

    Returns:
        A scalar in float32: at most the divergence, up to sampling error.
    """
    return divergence.activation(real.float()).mean() - divergence.composed(fake.float()).mean()


def fgan_saturating_g(divergence: Divergence, fake: Tensor) -> Tensor:
    """Returns -E f*(g_f(V(G(z)))): line 4 of Algorithm 1, the generator's share of the bound."""
    return -divergence.composed(fake.float()).mean()


def fgan_g(divergence: Divergence, fake: Tensor) -> Tensor:
    """Returns -E g_f(V(G(z))): section 3.2's alternative, with the same stationary point."""
    return -divergence.activation(fake.float()).mean()


def fgan_objective(divergence: Divergence, saturating: bool = False) -> Objective:
    """Returns the f-GAN's objective: the critic ascends the bound, the generator brings it down.

    Args:
        divergence: one of `DIVERGENCES`.
        saturating: whether the generator descends the bound itself instead of section 3.2's alternative.
    """
    g = fgan_saturating_g if saturating else fgan_g

    def watch(real: Tensor, fake: Tensor, loss: Tensor) -> dict[str, Tensor]:
        threshold = divergence.threshold
        return {**accuracy(real - threshold, fake - threshold, loss), "divergence": -loss}

    return Objective(
        lambda real, fake: -variational_bound(divergence, real, fake),
        lambda real, fake: g(divergence, fake),
        "scores",
        watch=watch,
    )
