"""Base of GANs: a game of a generator against a discriminator.

`GAN` is an adversarial game, as `ganzoo.games.adversarial` says, whose generator draws its samples from latent vectors,
as `ganzoo.games.sampler` says.
"""

from typing import Any, ClassVar

from torch import Tensor, nn

from ganzoo.common.conditions import condition_of, require_condition
from ganzoo.common.data_spec import require_labels
from ganzoo.common.kinds import kind_by_shape
from ganzoo.games.adversarial import Adversarial
from ganzoo.games.ema import Averaging
from ganzoo.games.examples import ConditionExamples, reference_conditions
from ganzoo.games.growth import Growth
from ganzoo.games.latent import Prior
from ganzoo.games.sampler import Sampler


class GAN(Adversarial, Sampler):
    """Game of a generator against a discriminator.

    Args:
        generator: maps latent vectors (N, latent_dim) to samples; has a `latent_dim` and its samples' `shape`. One
            that has an `n_classes` is conditional and takes labels (N,) as well, one with a `condition` what that says
            (`ganzoo.common.conditions`).
        discriminator: maps samples to logits (N,), without a sigmoid. One that has either takes labels or conditions.
        prior: distribution of the latent vector: standard normal, or uniform on [-1, 1].
        ema: decay of the averaged generator that is evaluated and exported; None evaluates the live one. At update n it
            is (1 + n) / (10 + n) where that is less: 0.999 is not reached before update 8,990. Or another rule, such as
            a half-life in images; see `Averaging`.
        growth: how images, batches and growing networks grow over the run; None for none of it.
        **kwargs: see `Adversarial`.
    """

    tasks: ClassVar[tuple[str, ...]] = ("unconditional",)
    of_samples: ClassVar[tuple[str, ...]] = ("generator", "discriminator")
    discriminator: nn.Module

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        prior: Prior = "normal",
        ema: float | Averaging | None = 0.999,
        growth: Growth | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, ema=ema, **kwargs)
        self.prior = prior
        self.growth = growth
        self.n_classes = getattr(generator, "n_classes", 0)
        condition = condition_of(generator)
        kept = condition is not None and condition.in_turn(1) is None  # there is no order of all that there are
        self.examples = ConditionExamples(condition) if condition is not None and kept else None

    def setup(self, stage: str) -> None:
        """Prepares the networks, checks that they fit the data and its conditions, and keeps examples of those."""
        super().setup(stage)
        data = getattr(self.trainer, "datamodule", None)
        self._require_conditions(data)
        if stage == "fit" and data is not None and self.examples is not None and not self.examples.filled:
            self.examples.fill(reference_conditions(data, self.examples.count))

    def fits(self, datamodule: Any) -> None:
        """Raises GanzooError where the networks are made for samples of another shape, or for other conditions."""
        super().fits(datamodule)
        self._require_conditions(datamodule)

    def _require_conditions(self, datamodule: Any) -> None:
        if datamodule is None:
            return
        for name, network in (("generator", self.generator), ("discriminator", self.discriminator)):
            require_labels(f"model.{name}", getattr(network, "n_classes", 0), getattr(datamodule, "n_classes", None))
            require_condition(f"model.{name}", getattr(network, "condition", None), condition_of(datamodule))

    def check(self, shape: tuple[int, ...]) -> None:
        """Checks that networks and augmentation fit samples of this shape, and the stabilisers the game.

        Raises:
            GanzooError: if a network makes or judges samples of another shape, grows in other steps, or augments what
                are no images.
        """
        super().check(shape)
        if self.growth is not None:
            self.growth.check(shape, self.parts())
        self.check_opponents(self.data_kind or kind_by_shape(shape))

    def fake(self, n: int, y: Tensor | None = None) -> Tensor:
        """Draws n samples from the live generator, differentiable, in training mode."""
        return self.generate(self.generator, self.latent(n), y)

    def fake_pair(self, x: Tensor, y: Any) -> tuple[Tensor, Any]:
        """Returns as many generated samples as there are in the batch, under its conditions."""
        return self.fake(len(x), y), y
