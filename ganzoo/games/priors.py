"""Priors of codes: distributions as pure functions of normal and uniform noise.

The shapes are those of Makhzani et al. 2016, figures 2 and 4, which give no constants; these are ours.
"""

import warnings
from abc import abstractmethod
from math import pi

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.common.errors import GanzooError
from ganzoo.common.seeding import mix
from ganzoo.games.latent import draw_latent


class CodePrior(nn.Module):
    """Base of the distributions of codes: maps noise to codes.

    Attributes:
        dim: length of its codes; None where it suits any.
        mixed: whether the uniform noise plays a part.
    """

    dim: int | None = None
    mixed = True

    @abstractmethod
    def forward(self, normal: Tensor, uniform: Tensor) -> Tensor:
        """Maps standard normal noise (N, dim) and uniform noise (N,) on [0, 1] to codes (N, dim).

        Normal noise that is scaled down brings codes nearer to the middle of the part that the uniform noise chooses.
        """


class Gaussian(CodePrior):
    """An isotropic normal distribution.

    Args:
        std: its standard deviation.
    """

    mixed = False

    def __init__(self, std: float = 1.0) -> None:
        super().__init__()
        self.std = std

    def forward(self, normal: Tensor, uniform: Tensor) -> Tensor:
        """Scales the normal noise (N, dim); the uniform noise is not used."""
        return self.std * normal


class Flower(CodePrior):
    """A mixture of equally likely normal distributions that stretch away from the origin, like petals.

    They lie evenly around it in the plane, in directions chosen at random, always the same, in more dimensions.

    Args:
        dim: length of a code, at least 2.
        petals: how many.
        radius: distance of their middles from the origin.
        along: standard deviation along a petal.
        across: standard deviation in all other directions.
    """

    directions: Tensor

    def __init__(
        self, dim: int = 2, petals: int = 10, radius: float = 3.0, along: float = 0.75, across: float = 0.25
    ) -> None:
        super().__init__()
        if dim < 2 or petals < 1:
            raise GanzooError(f"prior: a flower has dim 2 or more and at least one petal, not {dim} and {petals}.")
        self.dim, self.petals, self.radius, self.along, self.across = dim, petals, radius, along, across
        angles = torch.arange(petals) * (2 * pi / petals)
        directions = torch.stack([angles.cos(), angles.sin()], 1)
        if dim > 2:
            directions = F.normalize(torch.randn(petals, dim, generator=torch.Generator().manual_seed(0)))
        self.register_buffer("directions", directions, persistent=False)

    def forward(self, normal: Tensor, uniform: Tensor) -> Tensor:
        """Maps normal noise (N, dim) to codes; the uniform noise (N,) chooses the petal."""
        direction = self.directions[(uniform * self.petals).long().clamp_max(self.petals - 1)]
        outwards = (normal * direction).sum(1, keepdim=True)
        return self.across * normal + (self.radius + (self.along - self.across) * outwards) * direction


class SwissRoll(CodePrior):
    """A spiral in the plane, from the origin outwards, evenly filled along its length.

    Args:
        turns: how often it goes round.
        radius: distance of its end from the origin.
        width: standard deviation of the noise around it.
    """

    dim = 2

    def __init__(self, turns: float = 2.0, radius: float = 4.0, width: float = 0.15) -> None:
        super().__init__()
        self.turns, self.radius, self.width = turns, radius, width

    def forward(self, normal: Tensor, uniform: Tensor) -> Tensor:
        """Maps normal noise (N, 2) to codes; the uniform noise (N,) chooses the place along the spiral."""
        share = uniform.sqrt()  # its length grows with the square of the angle
        angle = 2 * pi * self.turns * share
        spiral = self.radius * share[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
        return spiral + self.width * normal


class GaussianMixture(CodePrior):
    """A mixture of normal distributions that can be fitted to codes; standard normal before that.

    Args:
        dim: length of a code.
        components: how many.
    """

    weights: Tensor
    means: Tensor
    factors: Tensor

    def __init__(self, dim: int, components: int = 10) -> None:
        super().__init__()
        if components < 1:
            raise GanzooError(f"components: at least 1 is needed, not {components}.")
        self.dim, self.components = dim, components
        self.register_buffer("weights", torch.full((components,), 1 / components))
        self.register_buffer("means", torch.zeros(components, dim))
        self.register_buffer("factors", torch.eye(dim).repeat(components, 1, 1))  # of the covariances, by Cholesky

    def forward(self, normal: Tensor, uniform: Tensor) -> Tensor:
        """Maps normal noise (N, dim) to codes; the uniform noise (N,) chooses the component."""
        ends = self.weights.cumsum(0)
        # not searchsorted, which ONNX does not have
        chosen = (uniform[:, None] * ends[-1] >= ends).sum(1).clamp_max(self.components - 1)
        return self.means[chosen] + (self.factors[chosen] * normal[:, None]).sum(2)

    @torch.no_grad()
    def fit(self, codes: Tensor) -> None:
        """Fits the mixture to codes (N, dim) by expectation maximisation, deterministically.

        Few codes get fewer components, so that each has more of them than dimensions.
        """
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture as Fitted

        k = max(1, min(self.components, len(codes) // (2 * codes.shape[1])))
        fitted = Fitted(k, random_state=0, reg_covar=1e-6 * max(float(codes.var()), 1e-6))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a fit that could be better still is good enough
            fitted.fit(codes.double().cpu().numpy())
        parameters = [torch.from_numpy(part) for part in (fitted.weights_, fitted.means_, fitted.covariances_)]
        parameters[2] = torch.linalg.cholesky(parameters[2])
        self.weights.zero_()
        for buffer, part in zip((self.weights, self.means, self.factors), parameters, strict=True):
            buffer[:k] = part.to(buffer)


def noise_of_codes(n: int, dim: int, device: torch.device, seed: int | None = None) -> tuple[Tensor, Tensor]:
    """Draws the noise that priors map to codes: standard normal (n, dim), and uniform (n,) on [0, 1]."""
    normal = draw_latent(n, dim, "normal", device, seed)
    uniform = draw_latent(n, 1, "uniform", device, None if seed is None else mix(seed, 1))
    return normal, (uniform[:, 0] + 1) / 2
