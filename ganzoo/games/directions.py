"""Closed-form factorisation (SeFa): the directions in the latent space that change a generator's first layer most.

Shen and Zhou 2021, arXiv 2007.06600, equations 2 to 5: the unit vectors n with the largest ||A n|| are the eigenvectors
of A^T A, where A is the weight of the affine layer that meets z. Of a style-based generator A are the weights of the
layers that make styles of w, of all or some of them, one below the other. No data and no training are needed.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from ganzoo.common.errors import GanzooError
from ganzoo.games.sampler import Sampler
from ganzoo.games.styles import Styles

AFFINE = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


class Directions(NamedTuple):
    """Directions in the latent space, the strongest first."""

    vectors: Tensor  # (K, D): orthonormal
    shares: Tensor  # (K,): of the variance that standard normal noise gives the layers; all D add up to 1


def latent_directions(model: Sampler, count: int | None = None, layers: Sequence[int] | None = None) -> Directions:
    """Returns the directions in the latent space that move the output of the layers that meet it most.

    Args:
        model: draws samples through a network whose first layer is a linear one or a convolution, or through a
            style-based one.
        count: how many; all by default.
        layers: of a style-based generator, those whose styles count; all by default.

    Returns:
        Each with the sign that makes its largest component positive.

    Raises:
        GanzooError: if no such layer meets the latent vector, or there are not so many directions or such layers.
    """
    model.space.layers(layers)
    a = style_weights(model, layers) if isinstance(model.space, Styles) else first_layer(model)
    if count is not None and not 1 <= count <= a.shape[1]:
        raise GanzooError(f"--directions: from 1 to {a.shape[1]}, the length of the latent vector, not {count}.")
    values, vectors = torch.linalg.eigh(a.T @ a)
    values, vectors = values.flip(0).clamp_min(0), vectors.flip(1).T
    sign = vectors.gather(1, vectors.abs().argmax(1, keepdim=True)).sign()
    return Directions((sign * vectors)[:count].float(), (values / values.sum())[:count].float())


def style_weights(model: Sampler, layers: Sequence[int] | None = None) -> Tensor:
    """Returns the matrix A (outputs, D) that makes styles of w, one layer's below the other's, in double on the CPU.

    Args:
        model: has a style-based generator.
        layers: numbers of the layers; all by default.

    Raises:
        GanzooError: if there is no such layer.
    """
    chosen, dim = model.space.layers(layers), model.space.dim

    def styles(network: Any, w: Tensor) -> Tensor:
        """Returns the styles of the layers, side by side."""
        return torch.cat([network.style_affines[layer](w).flatten(1) for layer in chosen], 1)

    # an affine map's columns are what it makes of the basis vectors, less what it makes of none
    columns = model.evaluated(model.drawn_by, styles, torch.cat([torch.eye(dim), torch.zeros(1, dim)]))
    return (columns[:-1] - columns[-1:]).T.cpu().double()


def first_layer(model: Sampler) -> Tensor:
    """Returns the matrix A (outputs, D) of the layer that meets the latent vector, in double precision on the CPU.

    Other inputs of that layer, such as an embedded label, are left out.

    Raises:
        GanzooError: if there is no such layer.
    """
    z = model.latent(2, seed=0)
    y = model.conditions(2)
    return model.evaluated(model.drawn_by, lambda network, z, y: _matrix(model, network, z, y), z, y).cpu().double()


def _matrix(model: Sampler, network: nn.Module, z: Tensor, y: Tensor | None) -> Tensor:
    layers: list[tuple[Callable[[Tensor], Tensor], torch.Size]] = []

    def look(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Remembers a layer whose input begins with the latent vectors, perhaps scaled to another length."""
        begins = inputs[0].flatten(1)[:, : z[0].numel()]
        if begins.shape == z.flatten(1).shape and bool((cosine_similarity(begins, z.flatten(1)) > 1 - 1e-5).all()):
            layers.append((layer, inputs[0].shape[1:]))

    handles = [layer.register_forward_pre_hook(look) for layer in network.modules() if isinstance(layer, AFFINE)]
    model.generate(network, z, y)
    for handle in handles:
        handle.remove()
    if not layers:
        name = type(network).__name__
        raise GanzooError(
            f"{name} has no linear layer or convolution that meets the latent vector; nothing to factorise."
        )
    layer, shape = layers[0]
    basis = torch.zeros(z[0].numel(), shape.numel(), device=z.device)
    basis.fill_diagonal_(1)
    # an affine map's columns are what it makes of the basis vectors, whatever kind of layer it is
    columns = layer(basis.view(-1, *shape)) - layer(torch.zeros(1, *shape, device=z.device))
    return columns.flatten(1).T
