"""Adversarial losses as pairs of pure functions on logits.

In each pair `*_d(real, fake)` is what the discriminator descends and `*_g(fake)` what the generator descends; the
relativistic ones are their own counterparts, with real and generated swapped. Logits have any shape, no sigmoid is ever
applied before them, and every function returns a scalar averaged over its input.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import relu, softplus


def logistic_d(real: Tensor, fake: Tensor) -> Tensor:
    """Returns -log D(x) - log(1 - D(G(z))): Goodfellow et al. 2014, Algorithm 1, on logits."""
    return softplus(-real).mean() + softplus(fake).mean()


def minimax_g(fake: Tensor) -> Tensor:
    """Returns log(1 - D(G(z))): Goodfellow et al. 2014, equation 1. Its gradient vanishes where D is sure of fakes."""
    return -softplus(fake).mean()


def nonsaturating_g(fake: Tensor) -> Tensor:
    """Returns -log D(G(z)): Goodfellow et al. 2014, section 3; it has a gradient where D is sure of its fakes."""
    return softplus(-fake).mean()


def wasserstein_d(real: Tensor, fake: Tensor) -> Tensor:
    """Returns E f(G(z)) - E f(x), whose negative estimates the Wasserstein-1 distance: Arjovsky et al. 2017."""
    return fake.mean() - real.mean()


def wasserstein_g(fake: Tensor) -> Tensor:
    """Returns -E f(G(z)): Arjovsky et al. 2017, equation 2."""
    return -fake.mean()


def hinge_d(real: Tensor, fake: Tensor) -> Tensor:
    """Returns E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))): Lim and Ye 2017; Miyato et al. 2018, equation 16."""
    return relu(1 - real).mean() + relu(1 + fake).mean()


def hinge_g(fake: Tensor) -> Tensor:
    """Returns -E D(G(z)): Miyato et al. 2018, equation 17."""
    return -fake.mean()


def lsgan_d(real: Tensor, fake: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """Returns 1/2 E (D(x) - b)^2 + 1/2 E (D(G(z)) - a)^2: Mao et al. 2017, equation 2; a, b as in equation 9."""
    return ((real - b).square().mean() + (fake - a).square().mean()) / 2


def lsgan_g(fake: Tensor, c: float = 1.0) -> Tensor:
    """Returns 1/2 E (D(G(z)) - c)^2: Mao et al. 2017, equation 2; c as in equation 9."""
    return (fake - c).square().mean() / 2


def relativistic_d(real: Tensor, fake: Tensor) -> Tensor:
    """Returns -E log sigmoid(C(x) - C(G(z))): RSGAN, Jolicoeur-Martineau 2019; the i-th of each are a pair.

    The generator descends the same with real and generated swapped.
    """
    return softplus(fake.float() - real.float()).mean()  # in float32: nothing keeps the logits' level near 0


def relativistic_average_d(real: Tensor, fake: Tensor) -> Tensor:
    """-E log sigmoid(C(x) - E C(G(z))) - E log(1 - sigmoid(C(G(z)) - E C(x))): RaSGAN, Jolicoeur-Martineau 2019.

    The generator descends the same with real and generated swapped.
    """
    real, fake = real.float(), fake.float()
    return logistic_d(real - fake.mean(), fake - real.mean())


class Objective(NamedTuple):
    """A pair of losses: the discriminator's and the generator's."""

    d: Callable[[Tensor, Tensor], Tensor]
    g: Callable[[Tensor], Tensor]


OBJECTIVES = {
    "nonsaturating": Objective(logistic_d, nonsaturating_g),
    "hinge": Objective(hinge_d, hinge_g),
}
