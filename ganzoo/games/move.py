"""A move of a player: what lives from the batch to the step, opened and closed by the loop."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from torch import Tensor, nn
from torch.func import functional_call

from ganzoo.games.notes import Notes


class Move:
    """What lives for one move of one player: scalars for the log, and what its losses leave for after its step.

    The loop opens one for each turn of a player, hands it to the player's loss with each chunk of the batch, then to
    what the player does after its step, and drops it. Nothing of it stays with the game but the notes.

    Attributes:
        notes: scalars of this move, for the log.
    """

    def __init__(self) -> None:
        self.notes = Notes()
        self._share = 1.0
        self._kept: dict[str, list[tuple[Tensor, float]]] = {}

    def begin(self, share: float) -> None:
        """Begins a chunk that is a `share` of the batch, in (0, 1]."""
        self._share = share

    def note(self, name: str, tensor: Tensor) -> None:
        """Notes a scalar for the log, which shows the mean since its last line. Never waits for the device."""
        self.notes.add(name, tensor)

    def keep(self, name: str, tensor: Tensor) -> None:
        """Keeps a tensor of this chunk, detached, for what comes after the player's step."""
        self._kept.setdefault(name, []).append((tensor.detach(), self._share))

    def kept(self, name: str) -> list[Tensor]:
        """Returns the tensors kept by this name, one for each chunk of the batch in which there was one."""
        return [tensor for tensor, _ in self._kept.get(name, ())]

    def mean(self, name: str) -> Tensor:
        """Returns the mean over the batch of what each chunk has kept by this name: its own mean.

        Raises:
            KeyError: if there is nothing of this name.
        """
        (first, share), *others = self._kept[name]
        return sum((tensor * part for tensor, part in others), first * share) if others else first


class Critic:
    """A discriminator as a move asks it: with its own parameters and buffers, or with others in their place.

    Args:
        network: the discriminator.
        parameters: tensors by the names of its parameters and buffers; None for its own.
    """

    def __init__(self, network: nn.Module, parameters: Mapping[str, Tensor] | None = None) -> None:
        self.network = network
        self.parameters = parameters

    def __call__(self, *inputs: Any) -> Any:
        """Returns what the network returns."""
        if self.parameters is None:
            return self.network(*inputs)
        return functional_call(self.network, dict(self.parameters), inputs)

    def call(self, method: str, *inputs: Any) -> Any:
        """Returns what another method of the network returns, such as `features`."""
        if self.parameters is None:
            return getattr(self.network, method)(*inputs)
        named = {f"network.{name}": tensor for name, tensor in self.parameters.items()}
        return functional_call(MethodOf(self.network, method), named, inputs)


class MethodOf(nn.Module):
    """Wrapper whose `forward` is another method of a network, as `functional_call` needs it.

    Args:
        network: the network.
        method: name of the method.
    """

    def __init__(self, network: nn.Module, method: str) -> None:
        super().__init__()
        self.network = network
        self.method = method

    def forward(self, *inputs: Any) -> Any:
        """Returns what the method returns."""
        return getattr(self.network, self.method)(*inputs)


class Judgement(NamedTuple):
    """What a discriminator was asked in a move, and its answer."""

    x: Tensor  # the samples
    y: Any  # their condition; None without any
    inputs: tuple[Any, ...]  # what the discriminator takes of both, before augmentation of the first
    logits: Tensor
    second: Any  # output (N, ...) of its second head; None without one
    by: str  # name of the discriminator


class Judged(Protocol):
    """Protocol of a game as its moves ask its discriminators."""

    def discriminator_inputs(self, x: Tensor, y: Any, by: str) -> tuple[Any, ...]:
        """Returns what the discriminator of the name `by` takes of samples and their condition."""

    def shown_inputs(self, inputs: tuple[Any, ...], by: str) -> tuple[Any, ...]:
        """Returns what the discriminator of the name `by` is shown in the place of its inputs, samples first."""

    def logits(self, output: Tensor, x: Tensor) -> Tensor:
        """Returns the logits that a discriminator's output on its input x stands for."""


class AdversarialMove(Move):
    """Move in a game with discriminators: what they have judged in it, and in which role.

    Args:
        game: whose discriminators judge.
        critics: what judges in the place of discriminators, by their names; none by default.

    Attributes:
        real: what has been judged as real in the present chunk, in order.
        fake: what has been judged as generated, or as real with a wrong condition.
        critics: see above.
    """

    def __init__(self, game: Judged, critics: Mapping[str, Critic] | None = None) -> None:
        super().__init__()
        self.game = game
        self.real: list[Judgement] = []
        self.fake: list[Judgement] = []
        self.critics = dict(critics or {})

    def begin(self, share: float) -> None:
        """Begins a chunk that is a `share` of the batch: nothing of it is judged yet, and the discriminators judge."""
        super().begin(share)
        self.real, self.fake, self.critics = [], [], {}

    def scratch(self, **critics: Critic) -> "AdversarialMove":
        """Returns another move of the same game that leaves no trace in this one.

        Args:
            **critics: what judges in the place of discriminators, by their names.
        """
        return AdversarialMove(self.game, critics)

    def critic(self, by: str = "discriminator") -> Critic:
        """Returns what judges in the place of a discriminator, or else the discriminator itself."""
        return self.critics.get(by) or Critic(getattr(self.game, by))

    def judge(self, x: Tensor, y: Any = None, *, real: bool | None = None, by: str = "discriminator") -> Tensor:
        """Returns a discriminator's logits on samples, as it sees them, and records them under their role.

        Logits are never of half precision: losses average them, and nothing keeps a critic's scores near 0.

        Args:
            x: samples (N, ...).
            y: their condition, such as labels (N,); None without any.
            real: whether the discriminator is to take them for real. None records nothing: for penalties.
            by: name of the discriminator.

        Returns:
            Logits (N, ...), those of the second head beside them in the recorded `Judgement`.
        """
        inputs = self.game.discriminator_inputs(x, y, by)
        logits, second = self.ask(inputs, by)
        if real is not None:
            (self.real if real else self.fake).append(Judgement(x, y, inputs, logits, second, by))
        return logits

    def ask(self, inputs: tuple[Any, ...], by: str = "discriminator") -> tuple[Tensor, Tensor | None]:
        """Returns a discriminator's logits on its very inputs, and its second head's output, or None without one.

        It sees them through augmentation and stabilisers, which may add inputs of their own.
        """
        view, *rest = self.game.shown_inputs(inputs, by)
        output = self.critic(by)(view, *rest)
        output, second = output if isinstance(output, tuple) else (output, None)
        logits = self.game.logits(output, view)
        return logits if logits.itemsize >= 4 else logits.float(), second

    def features(self, x: Tensor, y: Any = None, by: str = "discriminator") -> Tensor:
        """Returns a discriminator's hidden activations (N, ...) on samples and their condition, as it sees them."""
        inputs = self.game.shown_inputs(self.game.discriminator_inputs(x, y, by), by)
        return self.critic(by).call("features", *inputs)
