"""Pieces of losses under texts: the divergence of conditioning augmentation, and images that texts do not describe."""

import torch
from torch import Tensor


def augmentation_kl(mu: Tensor, log_sigma: Tensor) -> Tensor:
    """Returns the divergence of N(mu, sigma) from N(0, 1), the mean over batch and dimensions.

    Zhang et al. 2016, arXiv 1612.03242, equation 2, whose sum over dimensions is a mean in the authors' code.

    Args:
        mu: (N, D).
        log_sigma: (N, D).
    """
    return (-log_sigma + 0.5 * ((2 * log_sigma).exp() + mu.square() - 1)).mean()


def wrong_images(embedding: Tensor, groups: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Returns for each text of a batch the place (N,) of a random image of another group, and whether there is one.

    Args:
        embedding: of the texts (N, D), which tell groups apart where they are not known.
        groups: numbers (N,) of the images' groups, such as classes.
    """
    others = (embedding[:, None] != embedding).any(2) if groups is None else groups[:, None] != groups
    chosen = torch.rand(others.shape, device=others.device).masked_fill(~others, -1).argmax(1)
    return chosen, others.any(1)
