"""RBF kernels and the maximum mean discrepancy: Gretton et al. 2012, pure functions of tensors."""

from collections.abc import Sequence

import torch
from torch import Tensor

BANDWIDTHS = (1.0, 2.0, 4.0, 8.0, 16.0)


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """Returns ||x_i - y_j||^2 (N, M) in float32 for rows (N, D) and (M, D)."""
    with torch.autocast(x.device.type, enabled=False):
        x, y = x.float(), y.float()
        centre = x.detach().mean(0)  # distances stay the same, rounding errors shrink
        x, y = x - centre, y - centre
        return (x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T).clamp_min(0)


def rbf(squares: Tensor, bandwidths: Sequence[float] = BANDWIDTHS) -> Tensor:
    """Returns the sum over sigma of exp(-d^2 / (2 sigma^2)): Li et al. 2017, section 5.1, for squared distances d^2."""
    return torch.stack([torch.exp(squares / (-2 * sigma**2)) for sigma in bandwidths]).sum(0)


def mmd2(x: Tensor, y: Tensor, bandwidths: Sequence[float] = BANDWIDTHS, biased: bool = True) -> Tensor:
    """Returns the squared maximum mean discrepancy of two samples under a mixture of RBF kernels.

    Args:
        x: one sample, shape (N, D).
        y: the other, shape (M, D).
        bandwidths: the kernels' sigmas.
        biased: Gretton et al. 2012, equation 5, never negative, and above zero in expectation even for equal
            distributions; otherwise equation 3, without the pairs of a point with itself, which needs two of each.

    Returns:
        A scalar in float32.
    """
    between = rbf(squared_distances(x, y), bandwidths).mean()
    return _within(x, bandwidths, biased) + _within(y, bandwidths, biased) - 2 * between


def _within(x: Tensor, bandwidths: Sequence[float], biased: bool) -> Tensor:
    kernel = rbf(squared_distances(x, x), bandwidths)
    if biased:
        return kernel.mean()
    return (kernel.sum() - kernel.diagonal().sum()) / (len(x) * (len(x) - 1))
