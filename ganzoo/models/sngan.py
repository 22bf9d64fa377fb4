"""SNGAN: a discriminator with spectral normalisation: weights divided by their largest singular value.

Paper: Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018.
URL: https://arxiv.org/abs/1802.05957 (Algorithm 1, equations 16 and 17)
Code: https://github.com/pfnet-research/sngan_projection
Deviations: both players get batches of one size, where the authors' code doubles the generator's; an averaged generator
    is evaluated.
"""

from typing import Any

from torch import nn
from torch.nn.utils import parametrizations

from ganzoo.common.errors import GanzooError
from ganzoo.games.gan import GAN
from ganzoo.games.schedules import Schedule
from ganzoo.losses.objectives import HINGE
from ganzoo.networks.spectral import PowerIteration

TO_ZERO = Schedule([1.0, 0.0], at=[0.0, 1.0], kind="linear")


class SNGAN(GAN):
    """The hinge game of a spectrally normalised discriminator, with the settings of the paper's residual networks.

    With conditional networks it is the projection GAN of Miyato and Koyama 2018, https://arxiv.org/abs/1802.05637.

    Args:
        generator: latent vectors to samples.
        discriminator: samples to logits, its weights under `torch.nn.utils.parametrizations.spectral_norm`, which takes
            Algorithm 1's one step of power iteration at every pass.
        betas: Adam's decay rates.
        n_critic: discriminator updates per generator update.
        lr_factor: factor on both learning rates over the run.
        **kwargs: see `GAN`.

    Raises:
        GanzooError: if nothing in the discriminator is spectrally normalised.
    """

    objective = HINGE

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        betas: tuple[float, float] = (0.0, 0.9),
        n_critic: int | Schedule = 5,
        lr_factor: Schedule | None = TO_ZERO,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, betas=betas, n_critic=n_critic, lr_factor=lr_factor, **kwargs)
        normed = parametrizations._SpectralNorm | PowerIteration
        if not any(isinstance(module, normed) for module in discriminator.modules()):
            raise GanzooError(
                f"model.discriminator: nothing in {type(discriminator).__name__} is spectrally normalised; give it "
                "`spectral: true`, or put torch.nn.utils.parametrizations.spectral_norm on its layers."
            )
