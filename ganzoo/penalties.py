"""Penalties on a discriminator's gradient: pure functions of (discriminator, tensors).

They differentiate twice. bfloat16 has float32's range and survives that; float16 underflows, so under it they leave
autocast and run in float32. Norms and sums are float32 either way.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Critic = Callable[[Tensor, Tensor | None], Tensor]


def input_gradient(critic: Critic, x: Tensor, y: Tensor | None = None) -> Tensor:
    """Returns the gradient of `critic(x, y)` with respect to `x`, itself differentiable.

    Args:
        critic: maps (N, ...) to logits; no operation in it may mix samples (BatchNorm would).
        x: where to differentiate, shape (N, ...).
        y: labels for a conditional critic, or None.

    Returns:
        A tensor of shape (N, D): one flattened gradient per sample.
    """
    device = x.device.type
    half = torch.is_autocast_enabled(device) and torch.get_autocast_dtype(device) == torch.bfloat16
    with torch.enable_grad(), torch.autocast(device, enabled=half):
        x = x.float().requires_grad_()
        (gradient,) = torch.autograd.grad(critic(x, y).float().sum(), x, create_graph=True)
    return gradient.float().flatten(1)


def gradient_penalty(
    critic: Critic, real: Tensor, fake: Tensor, y: Tensor | None = None, target: float = 1.0
) -> Tensor:
    """E (||grad f(x^)|| - 1)^2 at random points between pairs: Gulrajani et al. 2017, Algorithm 1, lines 6-7.

    Args:
        critic: maps (N, ...) to logits.
        real: real samples, shape (N, ...).
        fake: generated samples of the same shape.
        y: labels for a conditional critic, or None.
        target: the norm that is aimed at.

    Returns:
        A scalar. Each sample has its own mixing weight and its own norm.
    """
    epsilon = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device)
    between = torch.lerp(fake.detach().float(), real.float(), epsilon)
    norms = input_gradient(critic, between, y).norm(dim=1)
    return (norms - target).square().mean()
