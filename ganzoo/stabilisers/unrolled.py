"""Unrolled GAN: the generator plays against the discriminator as it will be after some more steps.

Paper: Metz et al. 2017, "Unrolled Generative Adversarial Networks", arXiv 1611.02163, equations 7 to 11.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError
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

    @contextmanager
    def facing(self, game: Stabilised, x: Tensor, y: Tensor | None) -> Iterator[None]:
        """Context manager: the stand-in judges; its parameters depend differentiably on the generator's."""
        try:
            if self.steps:
                statistics = {name: buffer.clone() for name, buffer in game.discriminator.named_buffers()}
                parameters = {name: p.detach().requires_grad_() for name, p in game.discriminator.named_parameters()}
                for _ in range(self.steps):
                    game.stand_in = parameters | statistics
                    parameters = self.step(game, x, y, parameters)
                game.stand_in = parameters | statistics
            yield
        finally:
            game.stand_in = None

    def step(self, game: Stabilised, x: Tensor, y: Tensor | None, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the parameters after one virtual step, differentiable.

        Raises:
            GanzooError: if the variant's `d_loss` does not ask the stand-in.
        """
        with virtually(game):
            loss = torch.stack([term.float() for term in game.d_loss(x, y).values()]).sum()
        slopes = torch.autograd.grad(loss, list(parameters.values()), create_graph=True, allow_unused=True)
        if all(slope is None for slope in slopes):
            misfit = f"{type(game).__name__}'s loss does not go through `judge` or `discriminate`"
            raise GanzooError(f"model.stabilisers: Unrolled does not suit {misfit}.")
        rate = game.level(self.lr)
        return {
            name: parameter if slope is None else parameter - rate * slope
            for (name, parameter), slope in zip(parameters.items(), slopes, strict=True)
        }

    def g_terms(self, game: Stabilised, x: Tensor, y: Tensor | None) -> Terms:
        """Returns the discriminator's term with the other sign, in a game of zero sum."""
        if not self.zero_sum:
            return {}
        with virtually(game):
            return {"adv": -game.d_loss(x, y)["adv"]}


@contextmanager
def virtually(game: Stabilised) -> Iterator[None]:
    """Context manager: undoes what a variant's `d_loss` notes and counts inside."""
    shown, counts = list(game.shown), dict(game.named_buffers(recurse=False))
    for name, buffer in counts.items():
        setattr(game, name, buffer.clone())
    try:
        with game.notes.isolated():
            yield
    finally:
        game.shown[:] = shown
        for name, buffer in counts.items():
            setattr(game, name, buffer)
