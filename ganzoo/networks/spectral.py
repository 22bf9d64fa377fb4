"""Spectral normalisation as the codes of BigGAN and mimicry have it; PyTorch's own differs by half a step.

`torch.nn.utils.parametrizations.spectral_norm` updates the left singular vector first, the codes of BigGAN and mimicry
the right one; BigGAN's also iterates in evaluation.
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
        return weight / torch.dot(u, matrix @ v)


def power_iteration(layer: nn.Module, iterate: bool = False, dim: int = 0) -> nn.Module:
    """Divides a layer's weight by its largest singular value, see `PowerIteration`; returns the layer."""
    register_parametrization(layer, "weight", PowerIteration(layer.weight, iterate, dim=dim))  # type: ignore[arg-type]
    return layer
