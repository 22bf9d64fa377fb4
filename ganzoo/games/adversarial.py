"""Base of adversarial games: a generator against opponents, whatever it makes.

`Adversarial` holds what every opponent has: discriminators, an objective, augmentation and stabilisers in front of
them, and how often they move. `ganzoo.games.gan` plays so for samples, `ganzoo.games.translator` for translations.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from ganzoo.common.conditions import condition_of
from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import Kind, kind_of
from ganzoo.games.augment import augmentations, diff_augment
from ganzoo.games.ema import Averaging
from ganzoo.games.game import Game
from ganzoo.games.move import AdversarialMove
from ganzoo.games.objective import Answers, Objective
from ganzoo.games.players import Player, Terms, build_optim
from ganzoo.games.schedules import Schedule
from ganzoo.games.stabiliser import Stabiliser


class Adversarial(Game):
    """Game of a generator against one or more discriminators.

    A batch (x, y) becomes a real sample with its condition (`real_pair`) and a generated one (`fake_pair`). The
    discriminator's move judges both, the generator's the second, and their losses are those of the `objective`. A
    variant with other terms overrides `d_loss` or `g_loss`.

    Args:
        generator: makes samples.
        discriminator: maps samples to logits, without a sigmoid. One with an `n_classes` takes labels (N,), too, one
            with a `condition` what that says; one with a second head returns (logits, its output). None leaves it out
            of the game.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        betas: decay rates of the optimizer's moments, where it has them.
        optimizer: class of both optimizers.
        n_critic: discriminator updates per generator update.
        augment: DiffAugment policy in front of the discriminator, such as `color,translation,cutout`.
        ema: decay of the averaged generator that is evaluated and exported; None evaluates the live one. At update n it
            is (1 + n) / (10 + n) where that is less: 0.999 is not reached before update 8,990. Or another rule, such as
            a half-life in images; see `Averaging`.
        stabilisers: what else to switch on, see `ganzoo.stabilisers`.
        **kwargs: see `Game`.

    Raises:
        GanzooError: if `n_critic` is below 1, or a kind of stabiliser is there twice.

    Attributes:
        objective: losses of the discriminators and the generator; a variant states its own.
        discriminators: names of the networks that judge.
    """

    auxiliary: ClassVar[tuple[str, ...]] = ("stabilisers",)
    discriminators: ClassVar[tuple[str, ...]] = ("discriminator",)
    objective: Objective

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module | None = None,
        g_lr: float = 2e-4,
        d_lr: float = 2e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        optimizer: type[Optimizer] = Adam,
        n_critic: int | Schedule = 1,
        augment: str = "",
        ema: float | Averaging | None = None,
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
        augmentations(augment)  # so that a misspelt name shows before any training
        self.augment = augment
        kinds = [type(stabiliser).__name__ for stabiliser in stabilisers or []]
        if twice := {kind for kind in kinds if kinds.count(kind) > 1}:
            raise GanzooError(f"model.stabilisers: {', '.join(sorted(twice))} is there more than once.")
        self.stabilisers = nn.ModuleList(stabilisers or [])
        self.average("generator", ema)
        for stabiliser in self.stabilisers:
            stabiliser.enter(self)  # type: ignore[operator]

    @property
    def answers(self) -> Answers:
        """What the discriminators answer, see `Objective`; a variant whose losses are no objective states it."""
        return self.objective.answers

    def fits(self, datamodule: Any) -> None:
        """Raises GanzooError where networks, augmentation or stabilisers do not fit the data, before any training."""
        super().fits(datamodule)
        self.check_opponents(kind_of(datamodule))

    def check_opponents(self, kind: Kind | None) -> None:
        """Checks that augmentation and stabilisers fit the game and samples of this kind, where it is known.

        Raises:
            GanzooError: if one does not.
        """
        for stabiliser in self.stabilisers:
            stabiliser.check(self)  # type: ignore[operator]
        if kind is None or kind.augmented:
            return
        if self.augment:
            raise GanzooError(f"model.augment: '{self.augment}' is for images, but the data are {kind.name}.")
        for stabiliser in self.stabilisers:
            if stabiliser.augments:
                name = type(stabiliser).__name__
                raise GanzooError(f"model.stabilisers: {name} is for images, but the data are {kind.name}.")

    def real_pair(self, x: Any, y: Any) -> tuple[Tensor, Any]:
        """Returns the real samples of a batch and their conditions, as the discriminator judges them."""
        return x, y

    def fake_pair(self, x: Any, y: Any) -> tuple[Tensor, Any]:
        """Returns generated samples for a batch, differentiable, and their conditions."""
        raise NotImplementedError

    def d_loss(self, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Returns the terms of the discriminator's loss; by default the objective's, of real and generated samples."""
        real = move.judge(*self.real_pair(x, y), real=True)
        fake = move.judge(*self.fake_pair(x, y), real=False)
        return {"adv": self.adversarial_d(real, fake, move)}

    def adversarial_d(self, real: Tensor, fake: Tensor, move: AdversarialMove) -> Tensor:
        """Returns the objective's loss of the discriminator on logits, and notes what is to be watched of them."""
        loss = self.objective.d(real, fake)
        for name, value in self.objective.watch(real, fake, loss).items():
            move.note(f"d/{name}", value)
        return loss

    def g_loss(self, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Returns the terms of the generator's loss; by default the objective's."""
        real = move.judge(*self.real_pair(x, y), real=True) if self.objective.relative else None
        return {"adv": self.objective.g(real, move.judge(*self.fake_pair(x, y), real=False))}

    def players(self) -> Sequence[Player]:
        """Returns the discriminators, which move on every batch, and the generator, on every `n_critic`-th.

        Players that stabilisers add move between the two.
        """
        judges = [network for name in self.discriminators if (network := getattr(self, name)) is not None]
        every = self.n_critic if judges else 1
        g = Player("g", [self.generator], self.g_terms, self.optim["g"], every, self.decay, counted=True)
        if not judges:
            return (g,)
        d = Player("d", judges, self.d_terms, self.optim["d"], scheduler=self.decay, after=self.after_d)
        return d, *(player for stabiliser in self.stabilisers for player in stabiliser.players(self, d, g)), g  # type: ignore[operator]

    def open_move(self) -> AdversarialMove:
        """Returns a new move, in which the discriminators judge."""
        return AdversarialMove(self)

    def d_terms(self, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Returns the terms of the discriminator's loss, the stabilisers' among them."""
        terms = dict(self.d_loss(x, y, move))
        for stabiliser in self.stabilisers:
            terms |= stabiliser.d_terms(self, x, y, move)  # type: ignore[operator]
        return terms

    def g_terms(self, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Returns the terms of the generator's loss, the stabilisers' among them, which may replace the critic."""
        for stabiliser in self.stabilisers:
            stabiliser.before_g(self, x, y, move)  # type: ignore[operator]
        terms = dict(self.g_loss(x, y, move))
        for stabiliser in self.stabilisers:
            terms |= stabiliser.g_terms(self, x, y, move)  # type: ignore[operator]
        return terms

    def after_d(self, move: AdversarialMove) -> None:
        """Runs after each step of the discriminators; WGAN clips here."""
        for stabiliser in self.stabilisers:
            stabiliser.after_d(self, move)  # type: ignore[operator]

    def discriminator_inputs(self, x: Tensor, y: Any, by: str) -> tuple[Any, ...]:
        """Returns what the discriminator of the name `by` takes: samples, and their condition where it has one."""
        return (x,) if condition_of(getattr(self, by)) is None else (x, y)

    def discriminator_view(self, x: Tensor) -> Tensor:
        """Returns samples as discriminators see them: augmented, and changed by the stabilisers."""
        x = diff_augment(x, self.augment)
        for stabiliser in self.stabilisers:
            x = stabiliser.see(self, x)  # type: ignore[operator]
        return x

    def shown_inputs(self, inputs: tuple[Any, ...], by: str) -> tuple[Any, ...]:
        """Returns what the discriminator of the name `by` is shown: changed samples first, then all else it takes."""
        shown = (self.discriminator_view(inputs[0]), *inputs[1:])
        for stabiliser in self.stabilisers:
            shown = stabiliser.show(self, shown, by)  # type: ignore[operator]
        return shown

    def logits(self, output: Tensor, x: Tensor) -> Tensor:
        """Returns the logits that a discriminator's output on its input x stands for; by default the output itself."""
        return output
