"""Adversarial losses as pure functions on logits, and the objectives that are pairs of them.

In each pair `*_d(real, fake)` is what the discriminator descends and `*_g(fake)` what the generator descends; the
relativistic ones are their own counterparts, with real and generated swapped. Logits have any shape, no sigmoid is ever
applied before them, and every function returns a scalar averaged over its input.
"""

from collections.abc import Callable
from functools import partial

from torch import Tensor
from torch.nn.functional import relu, softplus

from ganzoo.games.objective import Objective, accuracy


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


def of_fakes(g: Callable[[Tensor], Tensor]) -> Callable[[Tensor | None, Tensor], Tensor]:
    """Returns a generator's loss of generated samples alone as one of (real, fake)."""
    return lambda real, fake: g(fake)


def wasserstein_estimate(real: Tensor, fake: Tensor, loss: Tensor) -> dict[str, Tensor]:
    """Returns the estimate of the Wasserstein-1 distance, up to the critic's Lipschitz constant, for the log."""
    return {"wasserstein": -loss}


def relative_accuracy(real: Tensor, fake: Tensor, loss: Tensor) -> dict[str, Tensor]:
    """Returns the shares of samples on the right side of the other kind's mean, for the log."""
    return accuracy(real - fake.mean(), fake - real.mean(), loss)


def least_squares(a: float = 0.0, b: float = 1.0, c: float = 1.0) -> Objective:
    """Returns LSGAN's objective: Mao et al. 2017, equation 2.

    Args:
        a: the score that the discriminator gives to generated samples.
        b: the score that it gives to real ones.
        c: the score that the generator wants for its own.
    """
    middle = (a + b) / 2
    return Objective(
        partial(lsgan_d, a=a, b=b),
        of_fakes(partial(lsgan_g, c=c)),
        "scores",
        watch=lambda real, fake, loss: accuracy(real - middle, fake - middle, loss),
    )


def swapped(d: Callable[[Tensor, Tensor], Tensor]) -> Objective:
    """Returns a relativistic objective: the generator descends the discriminator's loss with the sides swapped."""
    return Objective(d, lambda real, fake: d(fake, real), "scores", relative=True, watch=relative_accuracy)  # type: ignore[arg-type]


NONSATURATING = Objective(logistic_d, of_fakes(nonsaturating_g))
MINIMAX = Objective(logistic_d, of_fakes(minimax_g))
HINGE = Objective(hinge_d, of_fakes(hinge_g), "signed")
WASSERSTEIN = Objective(wasserstein_d, of_fakes(wasserstein_g), "scores", watch=wasserstein_estimate)

OBJECTIVES = {
    "nonsaturating": NONSATURATING,
    "minimax": MINIMAX,
    "hinge": HINGE,
    "wasserstein": WASSERSTEIN,
    "least_squares": least_squares(),
    "relativistic": swapped(relativistic_d),
    "relativistic_average": swapped(relativistic_average_d),
}
