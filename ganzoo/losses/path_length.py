"""Path length of style-based generators: how far an image moves for a small step of its styles.

Karras et al. 2020, arXiv 1912.04958, section 3.2 and appendix B; the authors' code
(https://github.com/NVlabs/stylegan2-ada-pytorch, training/loss.py) takes a mean over layers, as here.
"""

import torch
from torch import Tensor


def path_lengths(images: Tensor, styles: Tensor, noise: Tensor | None = None) -> Tensor:
    """Returns |J^T y| of each image, J the Jacobian of images by styles and y random: a root of a mean over layers.

    Args:
        images: (N, C, H, W), made of the styles.
        styles: (N, L, D), a style for each layer.
        noise: y (N, C, H, W); None draws it, normal, divided by the root of H W.

    Returns:
        Lengths (N,), differentiable.
    """
    if noise is None:
        noise = torch.randn_like(images) / (images.shape[2] * images.shape[3]) ** 0.5
    (gradient,) = torch.autograd.grad((images * noise).sum(), styles, create_graph=True)
    return lengths_of(gradient)


def lengths_of(gradient: Tensor) -> Tensor:
    """Returns the roots (N,) of the means over layers of the squared lengths of gradients (N, L, D)."""
    return gradient.square().sum(2).mean(1).sqrt()


def path_penalty(lengths: Tensor, mean: Tensor, decay: float = 0.01) -> tuple[Tensor, Tensor]:
    """Returns E (length - a)^2, and a: the running mean of lengths, moved first, through which gradients flow, too.

    Args:
        lengths: (N,).
        mean: the running mean so far.
        decay: share by which it moves.
    """
    mean = mean.lerp(lengths.mean(), decay)
    return (lengths - mean).square().mean(), mean.detach()
