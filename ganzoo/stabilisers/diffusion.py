"""Diffusion: Gaussian noise in front of a discriminator, over a chain of steps that is the longer the surer it is.

Paper: Wang et al. 2022, "Diffusion-GAN: Training GANs with Diffusion", arXiv 2206.02262, section 3; what it leaves open
is as in its code, https://github.com/Zhendong-Wang/Diffusion-GAN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from ganzoo.common.distributed import sum_over_processes
from ganzoo.common.errors import GanzooError
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.games.stabiliser import Stabilised, Stabiliser
from ganzoo.stabilisers.augmentation import require_share

POOL = 64  # steps that are drawn at a time, of which each sample takes one

# numbers in [0, 1) to steps 1 to T, by the inverse of their distribution
DRAWS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "priority": lambda u, last: ((1 + (1 + 4 * u * last * (last - 1)).sqrt()) / 2).floor() + 1,
    "uniform": lambda u, last: (u * last).floor() + 1,
}


class Diffusion(Stabiliser):
    """Shows the discriminator samples x after t steps of noise: sqrt(abar_t) x + sqrt(1 - abar_t) sigma n.

    Each sample draws t anew from a pool of 64 numbers: 0 for no noise at all, and some of the steps 1 to T. Where the
    discriminator takes it, as a `timed` one of StyleGAN2 does, t is given to it. The chain of T steps is built anew by
    the discriminator's answers to real samples, as `ADA` sets its probability: p moves by their signs, and T with it.
    The noise comes after augmentation and all that other stabilisers do to samples, real and generated alike.

    Args:
        target: aim for the mean sign of the logits of real samples.
        images: so many real samples take p from 0 to 1, or back.
        interval: p moves, and the pool is drawn anew, after so many steps of the discriminator.
        sigma: standard deviation of the noise, where samples lie in [-1, 1].
        t_min: T at p = 0.
        t_max: T at p = 1; the same as `t_min` for a chain that stays.
        beta_min: variance of the first step's noise.
        beta_max: that of the last one, whatever T is; those between lie on a line.
        draw: `priority` draws t from 1 to T in proportion to t - 1, `uniform` each alike.
        share: of the pool that is noisy.
        growing: that share is p, and at most `share`.
        features: add noise not to samples, but to what a frozen network makes of them, each map with its own t; for the
            discriminators of Projected GAN alone.

    Attributes:
        p: the present place of T between its ends, part of the training state.
        pool: the present steps, likewise.

    Raises:
        GanzooError: if an argument is out of its range.
    """

    p: Tensor
    pool: Tensor
    heard: Tensor  # sum of signs, number of logits and of real samples since p last moved
    steps: Tensor  # of the discriminator since then

    def __init__(
        self,
        target: float = 0.6,
        images: int = 100_000,
        interval: int = 4,
        sigma: float = 0.05,
        t_min: int = 10,
        t_max: int = 1000,
        beta_min: float = 1e-4,
        beta_max: float = 2e-2,
        draw: Literal["priority", "uniform"] = "priority",
        share: float = 0.5,
        growing: bool = False,
        features: bool = False,
    ) -> None:
        super().__init__()
        least = {"images": (images, 1), "interval": (interval, 1), "t_min": (t_min, 2), "t_max": (t_max, t_min)}
        for name, (number, smallest) in least.items():
            if number < smallest:
                raise GanzooError(f"model.stabilisers.{name}: must be at least {smallest}, not {number}.")
        for name, part in (("beta_min", beta_min), ("beta_max", beta_max), ("share", share)):
            require_share(name, part)
        self.target, self.images, self.interval, self.sigma = target, images, interval, sigma
        self.t_min, self.t_max, self.beta_min, self.beta_max = t_min, t_max, beta_min, beta_max
        self.draw, self.share, self.growing, self.features = draw, share, growing, features
        self.register_buffer("p", torch.zeros(()))
        self.register_buffer("heard", torch.zeros(3))
        self.register_buffer("steps", torch.zeros(()))
        # the first pool draws no random numbers: multiples of the golden ratio are spread evenly however many are taken
        self.register_buffer("pool", self.steps_of((torch.arange(POOL) + 0.5) * (5**0.5 - 1) / 2 % 1))

    @property
    def last(self) -> Tensor:
        """T, the number of steps of the present chain."""
        return self.t_min + (self.p * (self.t_max - self.t_min)).round()

    def kept(self) -> Tensor:
        """Returns abar_t, the share of a sample's variance that is kept, for t from 0 to `t_max`, of which T count."""
        place = torch.arange(self.t_max, device=self.p.device) / (self.last - 1)
        betas = self.beta_min + (self.beta_max - self.beta_min) * place.clamp(max=1)
        return torch.cat([torch.ones_like(betas[:1]), (1 - betas).cumprod(0)])

    def steps_of(self, u: Tensor) -> Tensor:
        """Returns a pool of steps, of which the first ones are noisy, for as many numbers in [0, 1)."""
        share = self.p.clamp(max=self.share) if self.growing else torch.full_like(self.p, self.share)
        noisy = torch.arange(len(u), device=u.device) < (share * len(u)).round()
        return torch.where(noisy, DRAWS[self.draw](u, self.last).clamp(max=self.last), 0).long()

    def diffused(self, x: Tensor, t: Tensor) -> Tensor:
        """Returns samples or maps x (N, C, ...) with the noise of their steps t (N,) or (N, C)."""
        kept = self.kept()[t].view(*t.shape, *[1] * (x.dim() - t.dim()))
        return kept.sqrt().to(x.dtype) * x + ((1 - kept).sqrt() * self.sigma).to(x.dtype) * torch.randn_like(x)

    def drawn(self, *shape: int) -> Tensor:
        """Draws steps of this shape from the pool."""
        return self.pool[torch.randint(POOL, shape, device=self.pool.device)]

    def diffused_maps(self, x: Tensor) -> Tensor:
        """Returns maps x (N, C, H, W), each of which has noise of a step of its own."""
        return self.diffused(x, self.drawn(*x.shape[:2]))

    def check(self, game: Stabilised) -> None:
        """Checks that T can follow the discriminator's answers, and that noise comes where it can.

        Raises:
            GanzooError: if the signs of its answers mean nothing, or there are no maps to add noise to.
        """
        if game.answers == "scores" and (self.t_min < self.t_max or self.growing):
            raise GanzooError(
                "model.stabilisers: Diffusion goes by the signs of logits, which mean nothing in "
                f"{type(game).__name__}; T stays where t_min is t_max."
            )
        if self.features and not all(getattr(getattr(game, by), "changes_maps", False) for by in game.discriminators):
            raise GanzooError(
                "model.stabilisers.features: only discriminators on a frozen network's maps have some, Projected GAN's."
            )

    def show(self, game: Stabilised, inputs: tuple[Any, ...], by: str) -> tuple[Any, ...]:
        """Adds noise to samples, and their steps to what a `timed` discriminator takes; or a function for its maps."""
        x, *others = inputs
        condition = others[0] if others else None
        if self.features:
            return x, condition, self.diffused_maps
        t = self.drawn(len(x))
        x = self.diffused(x, t)
        return (x, condition, t) if getattr(getattr(game, by), "timed", False) else (x, *others)

    @torch.no_grad()
    def d_terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Counts the signs of the logits of real samples over all processes; adds no term."""
        self.require_judged(game, move)
        signs = torch.cat([judgement.logits.float().sign().flatten() for judgement in move.real])
        samples = torch.full_like(signs[0], sum(len(judgement.logits) for judgement in move.real))
        heard = sum_over_processes(torch.stack([signs.sum(), torch.ones_like(signs).sum(), samples]))
        self.heard.add_(heard)
        move.note("d/diffusion_r", heard[0] / heard[1])
        return {}

    @torch.no_grad()
    def after_d(self, game: Stabilised, move: AdversarialMove) -> None:
        """Moves p and draws a pool every `interval` steps, without a branch, so that nothing waits for the device."""
        self.steps.add_(1)
        due = self.steps >= self.interval
        signs, logits, samples = self.heard
        self.p.add_(due * (signs / logits - self.target).sign() * samples / self.images).clamp_(0, 1)
        # the sum over processes, less its whole part, is as uniform as each one's numbers, and the same for all
        u = sum_over_processes(torch.rand(POOL, device=self.p.device)) % 1
        self.pool.copy_(torch.where(due, self.steps_of(u), self.pool))
        self.heard.mul_(~due)
        self.steps.mul_(~due)
        move.note("d/diffusion_t", self.last)
