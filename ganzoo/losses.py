"""Adversarial objectives as pairs of pure functions on logits.

In each pair `*_d(real, fake)` is what the discriminator descends and `*_g(fake)` what the generator descends. Logits
have any shape, no sigmoid is ever applied before them, and every function returns a scalar averaged over its input.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import relu, softplus


def logistic_d(real: Tensor, fake: Tensor) -> Tensor:
    """-log D(x) - log(1 - D(G(z))): Goodfellow et al. 2014, Algorithm 1, written on logits."""
    return softplus(-real).mean() + softplus(fake).mean()


def minimax_g(fake: Tensor) -> Tensor:
    """log(1 - D(G(z))): Goodfellow et al. 2014, equation 1. Its gradient vanishes where D is sure of its fakes."""
    return -softplus(fake).mean()


def nonsaturating_g(fake: Tensor) -> Tensor:
    """-log D(G(z)): Goodfellow et al. 2014, section 3. The same fixed point, with a gradient where D is sure."""
    return softplus(-fake).mean()


def wasserstein_d(real: Tensor, fake: Tensor) -> Tensor:
    """E f(G(z)) - E f(x): Arjovsky et al. 2017, equation 2. Its negative estimates the Wasserstein-1 distance."""
    return fake.mean() - real.mean()


def wasserstein_g(fake: Tensor) -> Tensor:
    """-E f(G(z)): Arjovsky et al. 2017, equation 2."""
    return -fake.mean()


def hinge_d(real: Tensor, fake: Tensor) -> Tensor:
    """E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))): Lim and Ye 2017; Miyato et al. 2018, equation 16."""
    return relu(1 - real).mean() + relu(1 + fake).mean()


def hinge_g(fake: Tensor) -> Tensor:
    """-E D(G(z)): Miyato et al. 2018, equation 17."""
    return -fake.mean()


class Objective(NamedTuple):
    """The two sides of one game."""

    d: Callable[[Tensor, Tensor], Tensor]
    g: Callable[[Tensor], Tensor]


OBJECTIVES = {
    "nonsaturating": Objective(logistic_d, nonsaturating_g),
    "minimax": Objective(logistic_d, minimax_g),
    "hinge": Objective(hinge_d, hinge_g),
}
