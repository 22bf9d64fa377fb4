"""Base of GANs: a game of a generator against a discriminator.

`GAN` judges through augmentation and stabilisers; it draws its samples as `ganzoo.games.sampler` says.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call
from torch.optim import Adam, Optimizer

from ganzoo.common.data_spec import require_labels
from ganzoo.common.errors import GanzooError
from ganzoo.games.augment import augmentations, diff_augment
from ganzoo.games.latent import Prior
from ganzoo.games.players import Player, Terms, build_optim
from ganzoo.games.sampler import Sampler
from ganzoo.games.schedules import Schedule
from ganzoo.games.stabiliser import Answers, Shown, Stabiliser


class GAN(Sampler):
    """Game of a generator against a discriminator.

    Args:
        generator: maps latent vectors (N, latent_dim) to samples; has a `latent_dim` and its samples' `shape`. One
            that has an `n_classes` is conditional and takes labels (N,) as well.
        discriminator: maps samples to logits (N,), without a sigmoid. One that has an `n_classes` takes labels, too.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        betas: decay rates of the optimizer's moments, where it has them.
        optimizer: class of both optimizers.
        n_critic: discriminator updates per generator update.
        prior: distribution of the latent vector: standard normal, or uniform on [-1, 1].
        augment: DiffAugment policy in front of the discriminator, such as `color,translation,cutout`.
        ema: decay of the averaged generator that is evaluated and exported; None evaluates the live one. At update n it
            is (1 + n) / (10 + n) where that is less: 0.999 is not reached before update 8,990.
        stabilisers: what else to switch on, see `ganzoo.stabilisers`.
        **kwargs: see `Game`.

    Raises:
        GanzooError: if `n_critic` is below 1, or a kind of stabiliser is there twice.

    Attributes:
        answers: what the discriminator answers: `logits`, of the probability of being real; something else that is
            positive for what it takes for real, `signed`; or `scores` without a zero that means anything.
        shown: what the discriminator was shown in the current move.
    """

    auxiliary = ("stabilisers",)
    of_samples = ("generator", "discriminator")
    answers: Answers = "logits"

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        g_lr: float = 2e-4,
        d_lr: float = 2e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        optimizer: type[Optimizer] = Adam,
        n_critic: int | Schedule = 1,
        prior: Prior = "normal",
        augment: str = "",
        ema: float | None = 0.999,
        stabilisers: list[Stabiliser] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.optim = {"g": build_optim(optimizer, g_lr, betas), "d": build_optim(optimizer, d_lr, betas)}
        if isinstance(n_critic, int) and n_critic < 1:
            raise GanzooError(f"model.n_critic: must be at least 1, not {n_critic}.")
        self.n_critic = n_critic
        self.prior = prior
        augmentations(augment)  # so that a misspelt name shows before any training
        self.augment = augment
        kinds = [type(stabiliser).__name__ for stabiliser in stabilisers or []]
        if twice := {kind for kind in kinds if kinds.count(kind) > 1}:
            raise GanzooError(f"model.stabilisers: {', '.join(sorted(twice))} is there more than once.")
        self.stabilisers = nn.ModuleList(stabilisers or [])
        self.n_classes = getattr(generator, "n_classes", 0)
        self.shown: list[Shown] = []
        self.stand_in: Mapping[str, Tensor] | None = None  # parameters that judge instead of the discriminator's own
        self.average("generator", ema)

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
        for stabiliser in self.stabilisers:
            stabiliser.check(self)  # type: ignore[operator]
        if self.augment and len(shape) != 3:
            raise GanzooError(f"model.augment: '{self.augment}' is for images, but the data has shape {shape}.")

    @abstractmethod
    def d_loss(self, x: Tensor, y: Tensor | None) -> Terms:
        """Returns the terms of the discriminator's loss."""

    @abstractmethod
    def g_loss(self, x: Tensor, y: Tensor | None) -> Terms:
        """Returns the terms of the generator's loss."""

    def players(self) -> Sequence[Player]:
        """Returns the discriminator, which moves on every batch, and the generator, on every `n_critic`-th."""
        return (
            Player("d", [self.discriminator], self.d_terms, self.optim["d"], scheduler=self.decay, after=self.after_d),
            Player("g", [self.generator], self.g_terms, self.optim["g"], self.n_critic, self.decay, counted=True),
        )

    def d_terms(self, x: Tensor, y: Tensor | None) -> Terms:
        """Returns the terms of the discriminator's loss, the stabilisers' among them."""
        self.shown.clear()
        terms = dict(self.d_loss(x, y))
        for stabiliser in self.stabilisers:
            terms |= stabiliser.d_terms(self, x, y)  # type: ignore[operator]
        self.forget()
        return terms

    def g_terms(self, x: Tensor, y: Tensor | None) -> Terms:
        """Returns the terms of the generator's loss, the stabilisers' among them, which may replace the critic."""
        self.shown.clear()
        with ExitStack() as stack:
            for stabiliser in self.stabilisers:
                stack.enter_context(stabiliser.facing(self, x, y))  # type: ignore[operator]
            terms = dict(self.g_loss(x, y))
            for stabiliser in self.stabilisers:
                terms |= stabiliser.g_terms(self, x, y)  # type: ignore[operator]
        self.forget()
        return terms

    def forget(self) -> None:
        """Drops activations kept during a move, also those of a discriminator with a `forget`."""
        self.shown.clear()
        getattr(self.discriminator, "forget", lambda: None)()

    def after_d(self) -> None:
        """Runs after each step of the discriminator; WGAN clips here."""
        for stabiliser in self.stabilisers:
            stabiliser.after_d(self)  # type: ignore[operator]

    def fake(self, n: int, y: Tensor | None = None) -> Tensor:
        """Draws n samples from the live generator, differentiable, in training mode."""
        return self.generate(self.generator, self.latent(n), y)

    def judge(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Returns the discriminator's logits (N,) on its input of these samples, and keeps them in `shown`."""
        logits = self.discriminate(self.discriminator_input(x), y)
        self.shown.append(Shown(x, y, logits))
        return logits

    def discriminator_input(self, x: Tensor) -> Tensor:
        """Returns samples as the discriminator sees them: augmented, and changed by the stabilisers."""
        x = diff_augment(x, self.augment)
        for stabiliser in self.stabilisers:
            x = stabiliser.see(self, x)  # type: ignore[operator]
        return x

    def discriminate(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Returns the logits (N,) of the discriminator, or of the one that stands in for it, on exactly this input.

        They are never of half precision: losses average them, and nothing keeps a critic's scores near 0.
        """
        inputs = (x, y) if getattr(self.discriminator, "n_classes", 0) else (x,)
        if self.stand_in is None:
            logits = self.discriminator(*inputs)
        else:
            logits = functional_call(self.discriminator, dict(self.stand_in), inputs)
        return logits if logits.itemsize >= 4 else logits.float()

    def note_accuracy(self, real: Tensor, fake: Tensor) -> None:
        """Notes the shares of real and of generated samples whose logits lie on the right side of 0."""
        self.note("d/acc_real", (real > 0).float().mean())
        self.note("d/acc_fake", (fake < 0).float().mean())
