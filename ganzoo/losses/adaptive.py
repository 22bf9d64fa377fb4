"""Weight of one loss beside another by the sizes of their gradients: Esser et al. 2020, arXiv 2012.09841, equation 7."""

import torch
from torch import Tensor

EPSILON = 1e-4
LARGEST = 1e4


def adaptive_weight(loss: Tensor, other: Tensor, weight: Tensor) -> Tensor:
    """Returns the factor on `other` with which its gradient is as large as that of `loss` in a layer.

    The code (https://github.com/CompVis/taming-transformers) adds its 1e-4 where the paper has 1e-6, and limits the
    factor to 10,000.

    Args:
        loss: a scalar.
        other: a scalar.
        weight: of the layer that both depend on.

    Returns:
        |d loss / d weight| / (|d other / d weight| + 1e-4), a scalar without a gradient.
    """
    norms = [torch.autograd.grad(each, weight, retain_graph=True)[0].float().norm() for each in (loss, other)]
    return (norms[0] / (norms[1] + EPSILON)).clamp(0, LARGEST).detach()
