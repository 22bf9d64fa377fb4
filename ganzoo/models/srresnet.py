"""SRResNet: super-resolution by the mean squared error alone, the baseline that SRGAN starts from.

Paper: Ledig et al., Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network, 2017.
URL: https://arxiv.org/abs/1609.04802 (equation 4; section 3.2)
Code: none by the authors
Deviations: sources are scaled to [-1, 1] like targets; the paper scales them to [0, 1].
"""

from typing import Any

from torch import Tensor, nn
from torch.nn.functional import mse_loss

from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.games.translator import Translator
from ganzoo.networks.srresnet import require_factor


class SRResNet(Translator):
    """A game of one player: the generator descends the pixels' mean squared error, and so raises the PSNR.

    Args:
        generator: small images to large ones.
        g_lr: learning rate.
        betas: Adam's decay rates.
        **kwargs: see `Translator`; there is no discriminator.
    """

    def __init__(
        self, generator: nn.Module, g_lr: float = 1e-4, betas: tuple[float, float] = (0.9, 0.999), **kwargs: Any
    ) -> None:
        super().__init__(generator, None, g_lr=g_lr, betas=betas, **kwargs)

    def check(self, shape: tuple[int, ...], source_shape: tuple[int, ...] | None = None) -> None:
        """Checks that the networks fit, and the sources' size the targets'; raises GanzooError if they do not."""
        super().check(shape, source_shape)
        require_factor(self.generator, shape, source_shape)

    def g_loss(self, x: Tensor, y: Tensor, move: AdversarialMove) -> Terms:
        """Returns equation 4, the pixels' mean squared error."""
        return {"mse": mse_loss(self.generator(x).float(), y)}
