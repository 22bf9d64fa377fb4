"""Orthogonal regularisation: keeps the filters of a layer at right angles to each other.

Paper: Brock, Donahue and Simonyan 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis", arXiv
1809.11096, equation 3; with the diagonal: Brock et al. 2017, "Neural Photo Editing", arXiv 1609.07093, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.parametrize import is_parametrized

from ganzoo.common.errors import GanzooError
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.games.stabiliser import Stabilised, Stabiliser


class OrthogonalRegularisation(Stabiliser):
    """Penalises beta ||W^T W * (1 - I)||_F^2, the columns of W the filters, of linear and convolutional layers.

    The first author's PyTorch code adds a gradient by hand, strength * 2 W (W^T W * (1 - I)), half of this penalty's: a
    strength of 1e-4 there is a beta of 5e-5 here. It takes every tensor of two or more axes but the shared embedding.

    Args:
        generator: beta of the generator's layers; 0 for none.
        discriminator: beta of the discriminator's layers.
        diagonal: also pull the filters' norms to 1: ||W^T W - I||_F^2.
    """

    def __init__(self, generator: float = 1e-4, discriminator: float = 0.0, diagonal: bool = False) -> None:
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.diagonal = diagonal

    def check(self, game: Stabilised) -> None:
        """Raises GanzooError if a network has no layers to regularise.

        Raises:
            GanzooError: if none is linear or convolutional, as where learning rates are equalised.
        """
        judges = [getattr(game, name) for name in game.discriminators]
        for network in [game.generator] * bool(self.generator) + judges * bool(self.discriminator):
            if network is not None and next(filters(network), None) is None:
                kind, own = type(self).__name__, type(network).__name__
                raise GanzooError(f"model.stabilisers: {kind} is for nn.Linear and convolutions, and {own} has none.")

    def d_terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Returns the penalty on the discriminator."""
        return self.terms(self.discriminator, nn.ModuleList(getattr(game, name) for name in game.discriminators))

    def g_terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Returns the penalty on the generator."""
        return self.terms(self.generator, game.generator)

    def terms(self, beta: float, network: nn.Module) -> Terms:
        """Returns the penalty on one network; nothing for a weight of 0."""
        if not beta:
            return {}
        return {"ortho": beta * torch.stack([correlation(w, self.diagonal) for w in filters(network)]).sum()}


def filters(network: nn.Module) -> Iterator[Tensor]:
    """Yields each linear or convolutional layer's own weight as a matrix with one row per output channel.

    Under spectral normalisation that is the weight before it is normalised, as in the paper's code.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear | _ConvNd):
            own = "parametrizations.weight.original" if is_parametrized(layer, "weight") else "weight"
            weight = layer.get_parameter(own)
            turned = isinstance(layer, _ConvNd) and layer.transposed  # those have input channels first
            yield (weight.transpose(0, 1) if turned else weight).flatten(1)


def correlation(rows: Tensor, diagonal: bool = False) -> Tensor:
    """Returns the summed squares of all inner products of rows (N, D) with each other; `diagonal`: and of norms - 1."""
    with torch.autocast(rows.device.type, enabled=False):
        products = rows.float() @ rows.float().T
        unit = torch.eye(len(rows), device=rows.device)
        return (products - unit if diagonal else products * (1 - unit)).square().sum()
