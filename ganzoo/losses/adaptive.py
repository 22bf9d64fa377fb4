"""Weight of one loss beside another by the sizes of their gradients: Esser et al. 2020, arXiv 2012.09841."""

from collections.abc import Callable

import torch
from torch import Tensor

EPSILON = 1e-4
LARGEST = 1e4
SCALE = 2.0**12  # of what is differentiated: float16 has no numbers as small as gradients of a mean over all pixels


def adaptive_weight(loss: Tensor, other: Tensor, weight: Tensor) -> Tensor:
    """Returns the factor on `other` with which its gradient is as large as that of `loss` in a layer.

    As the authors' code has it (https://github.com/CompVis/taming-transformers), with its 1e-4 and at most 10,000.

    Args:
        loss: a scalar.
        other: a scalar.
        weight: of the layer that both depend on.

    Returns:
        |d loss / d weight| / (|d other / d weight| + 1e-4), a scalar without a gradient.
    """
    gradients = [torch.autograd.grad(SCALE * each, weight, retain_graph=True)[0] for each in (loss, other)]
    norms = [gradient.float().norm() / SCALE for gradient in gradients]
    return (norms[0] / (norms[1] + EPSILON)).clamp(0, LARGEST).detach()


def differentiated(loss: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Returns a loss of x whose gradient with respect to x is computed at once, and its graph dropped.

    However often it is differentiated then, as for `adaptive_weight` and once more for a step, that costs one pass
    through what it is made of, such as a large frozen network. Of first derivatives by x alone. Under float16, which a
    gradient that nothing scales up would vanish in, it is computed in float32.

    Args:
        loss: x -> scalar.
        x: with a gradient.
    """
    device = x.device.type
    half = torch.is_autocast_enabled(device) and torch.get_autocast_dtype(device) == torch.bfloat16
    with torch.autocast(device, enabled=half):
        leaf = x.detach().float().requires_grad_()
        value = loss(leaf)
        (gradient,) = torch.autograd.grad(value, leaf)
    return value.detach() + ((x.float() - x.detach().float()) * gradient).sum()
