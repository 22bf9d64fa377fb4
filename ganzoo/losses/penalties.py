"""Gradient penalties on a discriminator: pure functions of (discriminator, tensors).

They differentiate twice. bfloat16 has float32's range and survives that; float16 underflows, so under it they leave
autocast and run in float32. Norms and sums are float32 either way.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganzoo.common.errors import GanzooError

Critic = Callable[[Tensor, Tensor | None], Tensor]


def input_gradient(critic: Critic, x: Tensor, y: Tensor | None = None) -> Tensor:
    """Returns the gradient of `critic(x, y)` with respect to `x`, itself differentiable.

    Args:
        critic: maps (N, ...) to logits; no operation in it may mix samples, see `refuse_mixing`.
        x: where to differentiate, shape (N, ...).
        y: labels for a conditional critic, or None.

    Returns:
        A tensor of shape (N, D): one flattened gradient per sample.
    """
    device = x.device.type
    half = torch.is_autocast_enabled(device) and torch.get_autocast_dtype(device) == torch.bfloat16
    with torch.enable_grad(), torch.autocast(device, enabled=half):
        x = x.detach().float().requires_grad_()  # detached, so that the caller's own tensor is left as it is
        (gradient,) = torch.autograd.grad(critic(x, y).float().sum(), x, create_graph=True)
    return gradient.float().flatten(1)


def gradient_penalty(
    critic: Critic, real: Tensor, fake: Tensor, y: Tensor | None = None, target: float = 1.0
) -> Tensor:
    """Returns E (||grad f(x^)|| - 1)^2 at random points between pairs: Gulrajani et al. 2017, Algorithm 1.

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


def r1_penalty(critic: Critic, real: Tensor, y: Tensor | None = None) -> Tensor:
    """Returns 1/2 E ||grad D(x)||^2 on real data: Mescheder et al. 2018, equation 9, to be weighted by its gamma.

    Args:
        critic: maps (N, ...) to logits.
        real: real samples, shape (N, ...).
        y: labels for a conditional critic, or None.

    Returns:
        A scalar.
    """
    return input_gradient(critic, real, y).square().sum(1).mean() / 2


def dragan_penalty(
    critic: Critic, real: Tensor, y: Tensor | None = None, noise: float = 0.5, target: float = 1.0
) -> Tensor:
    """Returns E (||grad D(x + delta)|| - k)^2 around real data: Kodali et al. 2017.

    The noise is that of the reference code, delta = u * noise * std(x) * v, with u one uniform number in [0, 1) per
    sample and v one per pixel; the paper's is Gaussian.

    Args:
        critic: maps (N, ...) to logits.
        real: real samples, shape (N, ...).
        y: labels for a conditional critic, or None.
        noise: its largest size, in standard deviations of the batch.
        target: the norm that is aimed at, the paper's k.

    Returns:
        A scalar. Each sample has its own norm.
    """
    real = real.float()
    reach = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device)
    around = real + reach * noise * real.std(correction=0) * torch.rand_like(real)
    return (input_gradient(critic, around, y).norm(dim=1) - target).square().mean()


def refuse_mixing(discriminator: nn.Module) -> None:
    """Raises GanzooError if a discriminator mixes the samples of a batch, as BatchNorm and minibatch layers do.

    Layers that mix samples are those of BatchNorm, and any that says so by an attribute `mixes_samples`, such as
    minibatch discrimination and minibatch standard deviation.

    Raises:
        GanzooError: if there is such a layer.
    """
    for module in discriminator.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) or getattr(module, "mixes_samples", False):
            kind = "BatchNorm" if isinstance(module, nn.modules.batchnorm._BatchNorm) else type(module).__name__
            raise GanzooError(
                f"model.discriminator: a gradient penalty needs one without {kind}, which mixes samples; set its "
                "`norm` to layer or none, its `minibatch` to none."
            )
