"""Unrolled GAN: the generator plays against the discriminator as it will be after some more steps.

Paper: Metz et al. 2017, "Unrolled Generative Adversarial Networks", arXiv 1611.02163, equations 7 to 11.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.games.move import AdversarialMove, Critic
from ganzoo.games.players import Terms
from ganzoo.games.schedules import Schedule
from ganzoo.games.stabiliser import Stabilised, Stabiliser


class Unrolled(Stabiliser):
    """Replaces the discriminator in the generator's loss by its copy after `steps` virtual gradient steps.

    Each virtual step descends the variant's own `d_loss` on this batch (equation 8); the generator's gradient runs
    through all of them (equation 10). The discriminator itself moves as ever (equation 11), and no virtual step leaves
    a trace in it or in the log. What a variant does after a real step, such as clipping, it does not do after a virtual
    one. The paper's equations are plain gradient descent, as here; its toy code unrolls Adam.

    Args:
        steps: how many virtual steps, the paper's K; 0 is the plain GAN.
        lr: their learning rate, the paper's eta. Too large a one makes the virtual discriminator worse than the real.
        zero_sum: the generator ascends the discriminator's `adv` term, real samples included, in the place of its own,
            as in the paper's experiments on points.

    Raises:
        GanzooError: if `steps` is negative.
    """

    def __init__(self, steps: int = 5, lr: float | Schedule = 0.01, zero_sum: bool = False) -> None:
        super().__init__()
        if steps < 0:
            raise GanzooError(f"model.stabilisers.steps: must be at least 0, not {steps}.")
        self.steps = steps
        self.lr = lr
        self.zero_sum = zero_sum

    def check(self, game: Stabilised) -> None:
        """Raises GanzooError if there is more than one discriminator.

        Raises:
            GanzooError: if there is.
        """
        if len(game.discriminators) > 1:
            raise GanzooError(f"model.stabilisers: Unrolled is for one discriminator; {type(game).__name__} has more.")

    def before_g(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> None:
        """Puts the virtual discriminator into the move; its parameters depend differentiably on the generator's."""
        if not self.steps:
            return
        discriminator = move.critic().network
        statistics = {name: buffer.clone() for name, buffer in discriminator.named_buffers()}
        parameters = {name: p.detach().requires_grad_() for name, p in discriminator.named_parameters()}
        for _ in range(self.steps):
            critic = Critic(discriminator, parameters | statistics)
            parameters = self.step(game, x, y, move.scratch(discriminator=critic), parameters)
        move.critics["discriminator"] = Critic(discriminator, parameters | statistics)

    def step(
        self, game: Stabilised, x: Any, y: Any, move: AdversarialMove, parameters: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Returns the parameters after one virtual step, differentiable.

        Args:
            game: whose `d_loss` is descended.
            x: the batch's samples.
            y: their condition.
            move: one whose critic has the parameters.
            parameters: of the critic, by name.

        Raises:
            GanzooError: if the variant's `d_loss` does not ask the move's critic.
        """
        loss = torch.stack([term.float() for term in game.d_loss(x, y, move).values()]).sum()
        slopes = torch.autograd.grad(loss, list(parameters.values()), create_graph=True, allow_unused=True)
        if all(slope is None for slope in slopes):
            misfit = f"{type(game).__name__}'s loss does not go through the move's `judge`"
            raise GanzooError(f"model.stabilisers: Unrolled does not suit {misfit}.")
        rate = game.level(self.lr)
        return {
            name: parameter if slope is None else parameter - rate * slope
            for (name, parameter), slope in zip(parameters.items(), slopes, strict=True)
        }

    def g_terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Returns the discriminator's term with the other sign, in a game of zero sum."""
        if not self.zero_sum:
            return {}
        return {"adv": -game.d_loss(x, y, move.scratch(**move.critics))["adv"]}
