"""Base of GANs: a game of a generator against a discriminator.

`GAN` is an adversarial game, as `ganzoo.games.adversarial` says, whose generator draws its samples from latent vectors,
as `ganzoo.games.sampler` says.
"""

from typing import Any

from torch import Tensor, nn

from ganzoo.common.data_spec import require_labels
from ganzoo.games.adversarial import Adversarial
from ganzoo.games.ema import Averaging
from ganzoo.games.latent import Prior
from ganzoo.games.objective import Answers
from ganzoo.games.sampler import Sampler

__all__ = ["GAN", "Answers"]


class GAN(Adversarial, Sampler):
    """Game of a generator against a discriminator.

    Args:
        generator: maps latent vectors (N, latent_dim) to samples; has a `latent_dim` and its samples' `shape`. One
            that has an `n_classes` is conditional and takes labels (N,) as well.
        discriminator: maps samples to logits (N,), without a sigmoid. One that has an `n_classes` takes labels, too.
        prior: distribution of the latent vector: standard normal, or uniform on [-1, 1].
        ema: decay of the averaged generator that is evaluated and exported; None evaluates the live one. At update n it
            is (1 + n) / (10 + n) where that is less: 0.999 is not reached before update 8,990. Or another rule, such as
            a half-life in images; see `Averaging`.
        **kwargs: see `Adversarial`.
    """

    of_samples = ("generator", "discriminator")
    discriminator: nn.Module

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        prior: Prior = "normal",
        ema: float | Averaging | None = 0.999,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, ema=ema, **kwargs)
        self.prior = prior
        self.n_classes = getattr(generator, "n_classes", 0)

    def setup(self, stage: str) -> None:
        """Prepares the networks, and checks that they fit the data and its classes."""
        super().setup(stage)
        self._require_classes(getattr(self.trainer, "datamodule", None))

    def fits(self, datamodule: Any) -> None:
        """Raises GanzooError where the networks are made for samples of another shape, or for other classes."""
        super().fits(datamodule)
        self._require_classes(datamodule)

    def _require_classes(self, datamodule: Any) -> None:
        classes = getattr(datamodule, "n_classes", None)
        for name, network in (("generator", self.generator), ("discriminator", self.discriminator)):
            require_labels(f"model.{name}", getattr(network, "n_classes", 0), classes)

    def check(self, shape: tuple[int, ...]) -> None:
        """Checks that networks and augmentation fit samples of this shape, and the stabilisers the game.

        Raises:
            GanzooError: if a network makes or judges samples of another shape, or augments what are no images.
        """
        super().check(shape)
        self.check_opponents(shape)

    def fake(self, n: int, y: Tensor | None = None) -> Tensor:
        """Draws n samples from the live generator, differentiable, in training mode."""
        return self.generate(self.generator, self.latent(n), y)

    def fake_pair(self, x: Tensor, y: Any) -> tuple[Tensor, Any]:
        """Returns as many generated samples as there are in the batch, under its conditions."""
        return self.fake(len(x), y), y
