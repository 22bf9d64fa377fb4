"""MidiNet: bars of melody under a chord and the bar before, one after another.

Paper: Yang et al., MidiNet: A Convolutional Generative Adversarial Network for Symbolic-domain Music Generation, 2017.
URL: https://arxiv.org/abs/1703.10847 (section 3; equation 3)
Code: https://github.com/RichardYang40148/MidiNet
Deviations: weights of the feature matching, learning rate, batches and the generator's two steps are those of the
    authors' code. We draw new latent vectors for the second step. Which layers are given the chord in the paper's
    models 2 and 3 was not to be found out; here, as in the code, all are.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot, softplus

from ganzoo.common.errors import GanzooError
from ganzoo.games.ema import Averaging
from ganzoo.games.gan import GAN
from ganzoo.games.move import AdversarialMove
from ganzoo.games.objective import Objective
from ganzoo.games.players import Player, Terms
from ganzoo.losses.objectives import nonsaturating_g, of_fakes


def smoothed_d(real: Tensor, fake: Tensor, target: float) -> Tensor:
    """Returns the cross-entropy to `target` on real and to 0 on generated samples, on logits."""
    return (softplus(-real) + (1 - target) * real).mean() + softplus(fake).mean()


def half_squared(difference: Tensor) -> Tensor:
    """Returns half the squared length of a tensor."""
    return difference.float().square().sum() / 2


class MidiNet(GAN):
    """On each batch D moves once and G twice; G also matches the batch's mean, and that of D's first layer.

    A bar is drawn under its chord and the bar before. `sample` draws single bars, `compose` pieces.

    Args:
        generator: latent vectors, chords and bars to bars.
        discriminator: bars and what they are under to logits; `maps` is its first layer.
        real_target: what D is to answer on real bars, as a probability.
        mean_weight: weight of the distance of the mean bars.
        feature_weight: weight of the distance of the mean maps in D's first layer.
        g_steps: steps of the generator on each batch; `max_steps` counts batches.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        betas: Adam's decay rates.
        ema: decay of the averaged generator; None, as here, evaluates the live one.
        **kwargs: see `GAN`.

    Raises:
        GanzooError: if the generator is to take no step, or the discriminator has no maps to match.
    """

    discriminator: Any  # with maps

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        real_target: float = 0.9,
        mean_weight: float = 0.01,
        feature_weight: float = 0.1,
        g_steps: int = 2,
        g_lr: float = 5e-5,
        d_lr: float = 5e-5,
        betas: tuple[float, float] = (0.5, 0.999),
        ema: float | Averaging | None = None,
        **kwargs: Any,
    ) -> None:
        if g_steps < 1:
            raise GanzooError(f"model.g_steps: must be at least 1, not {g_steps}.")
        if not hasattr(discriminator, "maps"):
            raise GanzooError(
                "model.discriminator: it has no maps to match; ganzoo.networks.midinet.MidiNetDiscriminator does."
            )
        super().__init__(generator, discriminator, g_lr=g_lr, d_lr=d_lr, betas=betas, ema=ema, **kwargs)
        self.objective = Objective(partial(smoothed_d, target=real_target), of_fakes(nonsaturating_g))
        self.mean_weight, self.feature_weight, self.g_steps = mean_weight, feature_weight, g_steps

    def players(self) -> Sequence[Player]:
        """Returns the base's players, and the generator's further steps, which share its optimizer."""
        *others, g = super().players()
        again = replace(g, shares="g", counted=False, scheduler=None)
        return *others, *(replace(again, name=f"g{step}") for step in range(2, self.g_steps + 1)), g

    def first_maps(self, x: Tensor, y: Any, move: AdversarialMove) -> Tensor:
        """Returns the maps of the discriminator's first layer, as the move asks it."""
        x, *rest = self.discriminator_inputs(x, y, "discriminator")
        return move.critic().call("maps", self.discriminator_view(x), *rest)

    def g_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns the adversarial loss and both distances; rolls count as numbers in [0, 1]."""
        terms, fake = super().g_loss(x, y, move), move.fake[-1].x
        maps = self.first_maps(fake, y, move).mean(0) - self.first_maps(x, y, move).mean(0)
        mean = self.mean_weight * half_squared((fake.mean(0) - x.mean(0)) / 2)
        return {**terms, "mean": mean, "fm": self.feature_weight * half_squared(maps)}

    def finish(self, generator: nn.Module, output: Tensor) -> Tensor:
        """Makes bars of one note at a time, 1 where it sounds and -1 elsewhere; in training bars stay as they are."""
        if generator.training:
            return output
        return 2 * one_hot(output.argmax(-1), output.shape[-1]).to(output.dtype) - 1

    def compose(self, chords: Tensor, primer: Tensor | None = None, seed: int | None = None) -> Tensor:
        """Draws pieces bar by bar, each bar under its chord and the bar before, as it was drawn.

        Args:
            chords: (n, bars, 13).
            primer: the bars (n, 1, T, P) or (1, 1, T, P) that the pieces follow; None for silence.
            seed: fixes the draw; piece i is the same whatever n is. None draws anew each time.

        Returns:
            Rolls (n, 1, bars * T, P), without the primer.
        """
        n, bars = chords.shape[:2]
        shape: tuple[int, ...] = self.generator.shape  # type: ignore[assignment]
        points = self.space.draw(n * bars, seed).unflatten(0, (n, bars))
        previous = torch.full((n, *shape), -1.0) if primer is None else primer.expand(n, *shape)
        drawn = []
        for bar in range(bars):
            y = self.conditions(n, (chords[:, bar].to(self.device), previous.to(self.device)))
            previous = self.render(points[:, bar], y)
            drawn.append(previous)
        return torch.cat(drawn, 2)
