"""A recorder of moves that needs no GPU, in place of CUDA graphs."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from ganzoo.games.capture import Recorder
from ganzoo.games.game import Game


class Tape:
    """Records without a GPU: a replay is the recorded call again, on whatever lies in its static tensors by then."""

    game: Game

    def __init__(self) -> None:
        self.warmed = self.recorded = self.replayed = 0

    def warm(self, move: Callable[[], None]) -> None:
        self.warmed += 1
        move()

    def record(self, move: Callable[[], None]) -> Callable[[], None]:
        self.recorded += 1

        def replay() -> None:
            self.replayed += 1
            move()

        weights = {name: value.clone() for name, value in self.game.state_dict().items()}
        states = [{k: dict(v) for k, v in o.state.items()} for o in self.game.trainer.optimizers]
        states = [{k: {n: t.clone() for n, t in v.items()} for k, v in s.items()} for s in states]
        random = torch.get_rng_state()
        move()  # only to see what it notes: a recording changes nothing
        self.game.load_state_dict(weights)
        for optimizer, state in zip(self.game.trainer.optimizers, states, strict=True):
            for parameter, values in state.items():
                for name, tensor in values.items():
                    optimizer.state[parameter][name].copy_(tensor)
        torch.set_rng_state(random)
        return replay


def taped(monkeypatch: pytest.MonkeyPatch) -> Tape:
    """Has the next game that trains record its moves, whatever its device."""
    tape = Tape()

    def make(play: Any, trainer: Any) -> Recorder:
        tape.game = trainer.lightning_module
        return Recorder(play, tape)

    monkeypatch.setattr("ganzoo.games.game.recorder", make)
    return tape
