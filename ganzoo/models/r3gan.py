"""R3GAN: a relativistic game of pairs with penalties on real and on generated data, and plain modern networks.

Paper: Huang, Gokaslan, Kuleshov and Tompkin, The GAN is dead; long live the GAN! A Modern Baseline GAN, 2024.
URL: https://arxiv.org/abs/2501.05441 (equation 2; sections 3 and 4)
Code: https://github.com/brownvc/R3GAN
Deviations: augmentation is a stabiliser (`ganzoo.stabilisers.Augmentation`), which penalties draw anew, and generated
    images have the classes of the batch. Schedules are shares of a run: 8% of 250 million images are the
    code's 20 million. The learning rate follows the generator's updates.
"""

from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo.common.errors import GanzooError
from ganzoo.games.ema import Averaging
from ganzoo.games.gan import GAN
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.games.schedules import Schedule, value
from ganzoo.losses.objectives import OBJECTIVES
from ganzoo.losses.penalties import r1_penalty, refuse_mixing


def ramp(start: float, end: float) -> Schedule:
    """Returns a schedule from one value to another over the first 8% of a run, along half a wave."""
    return Schedule([start, end], at=[0.0, 0.08], kind="cosine")


class R3GAN(GAN):
    """Each generated image is compared with a real one; both players see both, and both penalties are in every step.

    Args:
        generator: latent vectors to samples.
        discriminator: samples to logits, of which only differences count. Layers that mix samples are refused.
        gamma: weight of both penalties, constant or over the run.
        beta2: decay rate of Adam's second moment, constant or over the run.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        lr_factor: factor on both learning rates over the run.
        ema: how the averaged generator follows.
        **kwargs: see `GAN`.

    Raises:
        GanzooError: if moves are to be recorded while `beta2` changes, which a recording would not see.
    """

    objective = OBJECTIVES["relativistic"]

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        gamma: float | Schedule = ramp(0.05, 0.005),  # noqa: B008  # a frozen value
        beta2: float | Schedule = ramp(0.9, 0.99),  # noqa: B008
        g_lr: float = 2e-4,
        d_lr: float = 2e-4,
        lr_factor: Schedule | None = ramp(1.0, 0.25),  # noqa: B008
        ema: float | Averaging | None = Averaging(half_life=ramp(0.0, 5e6), ramp_up=None),  # noqa: B008
        **kwargs: Any,
    ) -> None:
        betas = (0.0, value(beta2, 0.0))
        super().__init__(
            generator, discriminator, g_lr=g_lr, d_lr=d_lr, betas=betas, lr_factor=lr_factor, ema=ema, **kwargs
        )
        refuse_mixing(discriminator)
        if self.capture and isinstance(beta2, Schedule):
            raise GanzooError("model.capture: a recorded move does not see beta2 change; give a number for it.")
        self.gamma, self.beta2 = gamma, beta2

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clips gradients where the Trainer says so, and sets the decay rate of the second moment."""
        super().on_before_optimizer_step(optimizer)
        for group in optimizer.param_groups:
            group["betas"] = (group["betas"][0], value(self.beta2, self.progress))

    def d_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns the paired loss, and gamma / 2 E ||grad D||^2 on real and on generated samples: R1 and R2."""
        terms, gamma = super().d_loss(x, y, move), self.level(self.gamma)
        fake = move.fake[0].x
        return {**terms, "r1": gamma * r1_penalty(move.judge, x, y), "r2": gamma * r1_penalty(move.judge, fake, y)}
