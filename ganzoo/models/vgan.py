"""VGAN: clips of video, whose foreground moves through a mask before a background that stands still.

Paper: Vondrick, Pirsiavash, Torralba, Generating Videos with Scene Dynamics, 2016.
URL: https://arxiv.org/abs/1609.02612 (sections 2.1 to 2.3)
Code: https://github.com/cvondrick/videogan (main.lua)
Deviations: the generator's step judges clips of its own, not those of the discriminator's step. An averaged generator
    is evaluated. Clips are not stabilised here: give such whose camera stands still. The version that goes on from a
    first frame (main_conditional.lua) is not here.
"""

from typing import Any

from torch import Tensor, nn

from ganzoo.common.errors import GanzooError, require_at_least
from ganzoo.games.ema import Averaging
from ganzoo.games.gan import GAN
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.losses.objectives import NONSATURATING


class VGAN(GAN):
    """Cross-entropy of a softmax of two on either side, and for the generator the mean of its masks, weighted.

    `g/mask` is that term of the loss, `g/mask_mean` the mean of the masks itself: 1 is a clip without a background, 0
    one that stands still.

    Args:
        generator: latent vectors to clips; has `streams`.
        discriminator: clips to logits.
        mask_weight: of the masks' mean, lambda.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        betas: Adam's decay rates.
        ema: how the averaged generator follows.
        **kwargs: see `GAN`.

    Raises:
        GanzooError: if the weight is negative, or the generator composes no streams.
    """

    objective = NONSATURATING  # of the difference of two logits it is the cross-entropy of their softmax

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        mask_weight: float = 0.1,
        g_lr: float = 2e-4,
        d_lr: float = 2e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        ema: float | Averaging | None = 0.999,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, g_lr=g_lr, d_lr=d_lr, betas=betas, ema=ema, **kwargs)
        require_at_least("model.mask_weight", mask_weight, 0)
        if not hasattr(generator, "streams"):
            raise GanzooError("model.generator: it composes no streams; ganzoo.networks.vgan.VGANGenerator does.")
        self.mask_weight = mask_weight

    def g_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns the cross-entropy of generated clips to `real`, and the weighted mean of their masks."""
        streams = self.generator.streams(*self.network_inputs(self.latent(len(x)), y))  # type: ignore[operator]
        mean = streams.mask.mean()
        move.note("g/mask_mean", mean)
        adversarial = self.objective.g(None, move.judge(streams.compose(), y, real=False))
        return {"adv": adversarial, "mask": self.mask_weight * mean}

    def masks(self, points: Tensor) -> Tensor:
        """Maps points of the latent space to the masks (N, 1, T, H, W) in [0, 1] of what `render` makes of them."""
        return self.evaluated("generator", lambda network, z: network.streams(z).mask, points)
