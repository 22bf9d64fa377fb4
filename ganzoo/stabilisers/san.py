"""SAN: learns the direction of a discriminator's last layer by a Wasserstein loss, apart from all else.

Paper: Takida et al. 2023, "SAN: Inducing Metrizability of GAN with Discriminative Normalized Linear Layer", arXiv
2301.12811, section 5; code: https://github.com/sony/san.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils.parametrize import is_parametrized, register_parametrization, remove_parametrizations

from ganzoo.common.conditions import condition_of
from ganzoo.common.errors import GanzooError
from ganzoo.common.eval_mode import evaluating
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.games.stabiliser import Stabilised, Stabiliser


class SAN(Stabiliser):
    """Splits the last layer into a unit vector w and a scale, and the discriminator's loss into two.

    The variant's own loss looks at sg[w] . h(x), h the features before the last layer, so that w learns nothing of it;
    the Wasserstein loss E w . sg[h(x)], generated less real, is the only one that w learns of. The scale, and the bias
    if there is one, belong to the own loss. w is set back to a length of 1 after each step of the discriminator. The
    generator sees plain logits. Spectral normalisation of that layer is given up for it.

    A checkpoint's discriminator has the layer's `parametrizations` in the place of its weight.
    """

    def enter(self, game: Stabilised) -> None:
        """Splits the last layer of the game's discriminator.

        Raises:
            GanzooError: if there is not exactly one layer of one output, or not exactly one discriminator.
        """
        if game.discriminator is None or len(game.discriminators) > 1:
            raise GanzooError(f"model.stabilisers: SAN is for one discriminator, unlike {type(game).__name__}.")
        layer = last_layer(game.discriminator)
        if is_parametrized(layer, "weight"):
            remove_parametrizations(layer, "weight")
        register_parametrization(layer, "weight", Direction())

    def check(self, game: Stabilised) -> None:
        """Raises GanzooError if logits are not what the last layer returns.

        Raises:
            GanzooError: if something is added to them, as by a projection of classes.
        """
        network = game.discriminator
        shape, condition = getattr(network, "shape", None), condition_of(network)
        if network is None or shape is None:
            return
        device = next(network.parameters()).device
        outputs: list[Tensor] = []
        handle = split_layer(network).register_forward_hook(lambda module, inputs, output: outputs.append(output))
        x = torch.linspace(-1, 1, 2 * torch.Size(shape).numel(), device=device).view(2, *shape)
        inputs = (x,) if condition is None else (x, condition.checked(condition.example(2), 2, device))
        try:
            with torch.no_grad(), evaluating(network):
                answer = network(*inputs)
        finally:
            handle.remove()
        logits = answer[0] if isinstance(answer, tuple) else answer
        if len(outputs) != 1 or not torch.allclose(logits.flatten(), outputs[0].flatten()):
            kind = type(network).__name__
            raise GanzooError(f"model.stabilisers: SAN needs logits that are the last layer's output, unlike {kind}'s.")

    def d_terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Returns the Wasserstein loss of w, on what has been judged in this move."""
        self.require_judged(game, move)
        w, direction = split(game.discriminator)
        assert direction.probe is not None  # what has been judged has passed it
        means = [
            sign / len(judgements) * judgement.logits.float().mean()
            for sign, judgements in ((-1, move.real), (1, move.fake))
            for judgement in judgements
        ]
        # what multiplies w in them: the features, through nothing but the layer itself
        (features,) = torch.autograd.grad(torch.stack(means).sum(), direction.probe, retain_graph=True)
        return {"san": (normalize(w.flatten(), dim=0) * features.flatten()).sum()}

    @torch.no_grad()
    def after_d(self, game: Stabilised, move: AdversarialMove) -> None:
        """Sets w back to a length of 1."""
        w, direction = split(game.discriminator)
        w.div_(w.norm())
        if direction.probe is not None:
            direction.probe.grad = None


class Direction(nn.Module):
    """Parametrisation of a weight by a unit vector, which gets no gradient, and a scale.

    Attributes:
        scale: length of the weight.
        probe: zeros that are added to the weight in the discriminator's move: their gradient is that of the weight.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.probe: Tensor | None = None

    def forward(self, weight: Tensor) -> Tensor:
        """Maps the unit vector, shaped as the weight, to the weight."""
        plain = self.scale * weight.detach()
        if not (self.training and weight.requires_grad and torch.is_grad_enabled()):
            return plain
        if self.probe is None or self.probe.device != weight.device:
            self.probe = torch.zeros_like(weight, requires_grad=True)
        return plain + self.probe

    @torch.no_grad()
    def right_inverse(self, weight: Tensor) -> Tensor:
        """Returns the unit vector of a weight, and keeps its length."""
        self.scale.data = weight.norm()
        return weight / weight.norm()


def last_layer(network: nn.Module) -> nn.Module:
    """Returns the only layer of a network that has one output.

    Raises:
        GanzooError: if there is none, or more than one.
    """
    layers = [
        module
        for module in network.modules()
        if isinstance(weight := getattr(module, "weight", None), Tensor) and weight.dim() > 1 and len(weight) == 1
    ]
    if len(layers) != 1:
        raise GanzooError(
            f"model.stabilisers: SAN needs a discriminator with one layer of one output, its last, unlike "
            f"{type(network).__name__}, which has {len(layers) or 'none'}."
        )
    return layers[0]


def split_layer(network: nn.Module | None) -> nn.Module:
    """Returns the layer of a network that has a `Direction`."""
    assert network is not None
    for module in network.modules():
        parametrizations: Any = getattr(module, "parametrizations", {})
        if "weight" in parametrizations and isinstance(parametrizations["weight"][0], Direction):
            return module
    raise LookupError(f"{type(network).__name__} has no layer with a Direction.")


def split(network: nn.Module | None) -> tuple[Tensor, Direction]:
    """Returns the unit vector and the `Direction` of a network's split layer."""
    parametrizations: Any = split_layer(network).parametrizations
    return parametrizations.weight.original, parametrizations.weight[0]
