"""Spectral normalisation as the codes of BigGAN, mimicry and ViTGAN have it; PyTorch's own differs by half a step.

`torch.nn.utils.parametrizations.spectral_norm` updates the left singular vector first, the codes of BigGAN and mimicry
the right one; BigGAN's also iterates in evaluation. ViTGAN's norm is not 1, but that of the initial weight.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils.parametrize import register_parametrization


class PowerIteration(nn.Module):
    """Parametrisation that divides a weight by its spectral norm: Miyato et al. 2018, arXiv 1802.05957, Algorithm 1.

    Args:
        weight: the weight, for the lengths of its singular vectors.
        iterate: take a step of the power iteration in evaluation, too, without keeping it, as BigGAN's code does. Else
            evaluation computes with the vectors of the last pass in training.
        epsilon: least length of a vector.
        dim: axis that the rows lie along: 0, but 1 of a transposed convolution.
    """

    u: Tensor
    v: Tensor

    def __init__(self, weight: Tensor, iterate: bool = False, epsilon: float = 1e-12, dim: int = 0) -> None:
        super().__init__()
        self.iterate, self.dim, self.epsilon = iterate, dim, epsilon
        rows, columns = weight.movedim(dim, 0).flatten(1).shape
        self.register_buffer("u", normalize(torch.randn(rows), dim=0))
        if not iterate:
            self.register_buffer("v", normalize(torch.randn(columns), dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        """Divides a weight by its largest singular value."""
        matrix = weight.movedim(self.dim, 0).flatten(1)
        with torch.no_grad():
            if self.training or self.iterate:
                v = normalize(matrix.T @ self.u, dim=0, eps=self.epsilon)
                u = normalize(matrix @ v, dim=0, eps=self.epsilon)
            else:
                u, v = self.u, self.v
            if self.training:
                self.u.copy_(u)
                if not self.iterate:
                    self.v.copy_(v)
        return weight / torch.dot(u, (matrix @ v).to(u.dtype))  # under autocast the product may be of half precision


def power_iteration(layer: nn.Module, iterate: bool = False, dim: int = 0) -> nn.Module:
    """Divides a layer's weight by its largest singular value, see `PowerIteration`; returns the layer."""
    register_parametrization(layer, "weight", PowerIteration(layer.weight, iterate, dim=dim))  # type: ignore[arg-type]
    return layer


class HeldSpectralNorm(PowerIteration):
    """Parametrisation that holds a weight's spectral norm at what it began with: sigma(W_0) W / sigma(W).

    Lee et al. 2021, arXiv 2107.04589, section 3: improved spectral normalisation, for transformers, which train badly
    under norms of 1. Evaluation takes a step of the power iteration, too, without keeping it, so that an averaged
    weight is normalised by its own norm.

    Args:
        weight: the weight at its initialisation.
    """

    sigma: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__(weight, iterate=True)
        with torch.no_grad():
            matrix = weight.flatten(1)
            wide = matrix.shape[0] < matrix.shape[1]
            # of the smaller square, in a fraction of the time of a whole decomposition
            squares, vectors = torch.linalg.eigh(matrix @ matrix.T if wide else matrix.T @ matrix)
            self.register_buffer("sigma", squares[-1].sqrt())
            self.u.copy_(vectors[:, -1] if wide else normalize(matrix @ vectors[:, -1], dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        """Scales a weight to the spectral norm of the first one."""
        return self.sigma * super().forward(weight)


def held_norm(layer: nn.Module) -> nn.Module:
    """Holds the spectral norm of a layer's weight, see `HeldSpectralNorm`; returns the layer."""
    register_parametrization(layer, "weight", HeldSpectralNorm(layer.weight))  # type: ignore[arg-type]
    return layer
