"""Denoising diffusion GAN: a chain of few large denoising steps, each of which a conditional GAN takes.

Paper: Xiao, Kreis and Vahdat, Tackling the Generative Learning Trilemma with Denoising Diffusion GANs, 2021.
URL: https://arxiv.org/abs/2112.07804 (section 3; appendix C)
Code: https://github.com/NVlabs/denoising-diffusion-gan
Deviations: the learning rates fall by the update, the code's by the epoch. The average is kept beside the weights, not
    in the optimizer.
"""

from collections.abc import Callable, Sequence
from math import cos, pi, prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from ganzoo.common.errors import GanzooError
from ganzoo.games.denoising import DenoisingChain
from ganzoo.games.ema import Averaging
from ganzoo.games.gan import GAN
from ganzoo.games.latent import draw_latent
from ganzoo.games.latent_space import Latents, LatentSpace
from ganzoo.games.move import AdversarialMove
from ganzoo.games.noise_inputs import Shapes
from ganzoo.games.players import Terms
from ganzoo.losses.objectives import NONSATURATING
from ganzoo.losses.penalties import r1_penalty

AVERAGING = Averaging(0.9999, start=1)
Condition = tuple[Tensor, Tensor]  # the noisier image x_{t+1}, and t


class DDGAN(GAN):
    """D judges whether x_t goes with x_{t+1}; G guesses x_0 from x_{t+1}, and x_t is drawn given both.

    A latent vector of the model is the noise x_T that the chain starts from, and then one of G's for each step; the
    noise of the steps is that of the images.

    Args:
        generator: noisy images, steps and latent vectors to clean images.
        discriminator: pairs of images, stacked along the channels, and steps to logits.
        steps: length T of the chain; 1 for a plain GAN that starts from noise.
        gamma: weight of R1, on the gradient with respect to the less noisy image alone.
        r1_every: R1 is part of the loss on every so many batches, from the first on, at the same weight.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        final_lr: what both fall to along half a wave; None keeps them.
        betas: Adam's decay rates.
        ema: how the averaged generator follows.
        **kwargs: see `GAN`.

    Raises:
        GanzooError: if there is no step, or moves are to be recorded of which some have a penalty.
    """

    auxiliary = ("chain",)
    of_samples = ("generator",)
    objective = NONSATURATING

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        steps: int = 4,
        gamma: float = 0.02,
        r1_every: int = 15,
        g_lr: float = 1.6e-4,
        d_lr: float = 1.25e-4,
        final_lr: float | None = 1e-5,
        betas: tuple[float, float] = (0.5, 0.9),
        ema: float | Averaging | None = AVERAGING,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, g_lr=g_lr, d_lr=d_lr, betas=betas, ema=ema, **kwargs)
        self.chain = DenoisingChain(steps)
        self.gamma, self.r1_every, self.final_lr = gamma, r1_every, final_lr
        if self.capture and gamma and r1_every != 1:
            raise GanzooError(
                "model.capture: a recorded move is the same on each batch; set r1_every to 1 or gamma to 0."
            )

    def check(self, shape: tuple[int, ...]) -> None:
        """Checks that the networks fit samples of this shape; raises GanzooError if they do not."""
        super().check(shape)
        channels = getattr(self.discriminator, "channels", shape[0])
        if channels != shape[0]:
            raise GanzooError(
                f"model.discriminator: it is for {channels} channels an image, but the data has {shape[0]}."
            )

    @property
    def decay(self) -> Callable[[Optimizer], LRScheduler] | None:
        """Factory of schedulers of the fall to `final_lr`, on top of what the recipe schedules."""
        final = self.final_lr
        if final is None:
            return super().decay

        def factor(start: float) -> float:
            return self.rate() * (final + (start - final) * (1 + cos(pi * self.progress)) / 2) / start

        return lambda optimizer: LambdaLR(optimizer, lambda _: factor(optimizer.defaults["lr"]))

    def real_pair(self, x: Tensor, y: Any) -> tuple[Tensor, Condition]:
        """Returns x_t of each image, t drawn anew, and x_{t+1}, one more step of the very same x_t, with t."""
        t = torch.randint(self.chain.steps, (x.shape[0],), device=x.device)
        x = self.chain.noised(x, t)
        return x, (self.chain.onward(x, t), t)

    def fake_pair(self, x: Tensor, y: Any) -> tuple[Tensor, Condition]:
        """Returns x_t drawn by way of the generator's guess, and what it was drawn under, noise of the batch."""
        _, condition = self.real_pair(x, y)
        return self.denoised(*condition), condition

    def denoised(self, x: Tensor, t: Tensor) -> Tensor:
        """Returns x_t of x_{t+1} at steps t (N,), differentiable, by the live generator."""
        z = draw_latent(x.shape[0], self.generator.latent_dim, self.prior, x.device)  # type: ignore[arg-type]
        return self.chain.back(self.generator(x, t, z), x, t)

    def discriminator_inputs(self, x: Tensor, y: Condition, by: str) -> tuple[Tensor, Tensor]:
        """Returns x_t and x_{t+1} stacked along the channels, so that they are augmented alike, and t."""
        return torch.cat([x, y[0]], 1), y[1]

    def d_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns the loss of the real and of a generated x_t beside the same x_{t+1}, and R1 where it is due."""
        x, condition = self.real_pair(x, y)
        real = move.judge(x, condition, real=True)
        fake = move.judge(self.denoised(*condition), condition, real=False)
        terms = {"adv": self.adversarial_d(real, fake, move)}
        if self.gamma and (self.batches - 1) % self.r1_every == 0:
            terms["r1"] = self.gamma * r1_penalty(move.judge, x, condition)  # type: ignore[arg-type]
        return terms

    @property
    def input_space(self) -> LatentSpace:
        """Space of the chain's first noise, joined to the generator's latent vectors of all steps."""
        network: Any = self.generator
        parts = [(prod(network.shape), "normal"), *[(network.latent_dim, self.prior)] * self.chain.steps]
        text = "standard normal: the noisy image that the chain starts from, then a latent vector for each step"
        return Latents(parts, self.device, self.generate, text=text)

    @property
    def noise_shapes(self) -> Shapes:
        """Shapes of the noise of all steps but the last, in order."""
        return [self.generator.shape] * (self.chain.steps - 1)  # type: ignore[list-item]

    def generate(self, generator: Any, z: Tensor, y: Any, noise: Sequence[Tensor] | None = None) -> Tensor:
        """Walks the chain from noise to images, one call of the network to a step.

        Args:
            generator: the network.
            z: latent vectors of the model (N, D).
            y: nothing.
            noise: a tensor (N, C, H, W) for each step but the last; None draws it afresh.
        """
        x, *latents = z.split([prod(generator.shape), *[generator.latent_dim] * self.chain.steps], 1)
        x = x.unflatten(1, generator.shape)
        for t, latent in zip(reversed(range(self.chain.steps)), latents, strict=True):
            step = torch.full((x.shape[0],), t, device=x.device)
            clean = generator(x, step, latent)
            if t == 0:
                return clean
            x = self.chain.back(clean, x, step, None if noise is None else noise[self.chain.steps - 1 - t])
        raise AssertionError("a chain has a step")
