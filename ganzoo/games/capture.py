"""CUDA graphs of moves: recorded once and replayed, without Python and with one launch per move.

A move is a pure function of static tensors (batch, parameters, optimizer state, schedules' levels, random state), so
replaying it is repeating it. The first moves on a shape run eagerly, as CUDA asks for; then one is recorded. What
cannot be recorded runs eagerly for good, and one line in the log says why.
"""

import logging
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_map

from ganzoo.games.notes import Totals
from ganzoo.games.players import Player

Play = Callable[[Player, Any, Any], Totals]  # of a player on a batch (x, y); returns what it notes
WARM_UP = 3
log = logging.getLogger(__name__)


class Backend(Protocol):
    """Protocol for recording moves on a device."""

    def warm(self, move: Callable[[], None]) -> None:
        """Runs a move eagerly to prepare for recording it."""

    def record(self, move: Callable[[], None]) -> Callable[[], None]:
        """Records a move without running it; returns what runs it.

        Raises:
            RuntimeError: if something in it cannot be recorded.
        """


class CudaGraphs:
    """Backend of CUDA graphs, all of a game's in one stream of their own."""

    def __init__(self) -> None:
        self.stream = torch.cuda.Stream()

    def warm(self, move: Callable[[], None]) -> None:
        """Runs the move in the stream that it will be recorded in."""
        current = torch.cuda.current_stream()
        self.stream.wait_stream(current)
        with torch.cuda.stream(self.stream):
            move()
        current.wait_stream(self.stream)

    def record(self, move: Callable[[], None]) -> Callable[[], None]:
        """Records the move."""
        graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        with torch.cuda.graph(graph, stream=self.stream):
            move()
        return graph.replay


class Recording:
    """A recorded move of one player on batches of one shape."""

    def __init__(self) -> None:
        self.warmed = 0
        self.inputs: list[Tensor] = []
        self.notes: Totals = {}
        self.replay: Callable[[], None] | None = None


class Recorder:
    """Plays a game's moves, recorded where that is possible and eagerly elsewhere.

    Args:
        eager: plays a move: what is recorded.
        backend: how to record.
    """

    def __init__(self, eager: Play, backend: Backend) -> None:
        self.eager, self.backend = eager, backend
        self.recordings: dict[Any, Recording] = {}
        self.refused: set[str] = set()  # players whose moves cannot be recorded

    def play(self, player: Player, x: Any, y: Any) -> Totals:
        """Lets a player move on this batch; returns what it notes."""
        tensors, structure = tree_flatten((x, y))
        if player.name in self.refused or not all(part is None or isinstance(part, Tensor) for part in tensors):
            return self.eager(player, x, y)
        tensors = [part for part in tensors if part is not None]
        shapes = tuple((part.shape, part.dtype, part.stride()) for part in tensors)
        recording = self.recordings.setdefault((player.name, str(structure), shapes), Recording())
        if recording.warmed < WARM_UP:
            recording.warmed += 1
            self.backend.warm(lambda: self._eagerly(recording, player, x, y))
            return recording.notes
        if recording.replay is None and not self._record(recording, player, x, y):
            return self.eager(player, x, y)
        torch._foreach_copy_(recording.inputs, tensors)
        assert recording.replay is not None
        recording.replay()
        return recording.notes

    def forget(self) -> None:
        """Drops all recordings: what they read and write has been replaced."""
        self.recordings.clear()

    def _eagerly(self, recording: Recording, player: Player, x: Any, y: Any) -> None:
        recording.notes = self.eager(player, x, y)

    def _record(self, recording: Recording, player: Player, x: Any, y: Any) -> bool:
        """Records the move on static copies of the batch; what it notes becomes tensors that every replay fills."""
        static_x, static_y = tree_map(lambda part: part.clone() if isinstance(part, Tensor) else part, (x, y))
        recording.inputs = [part for part in tree_flatten((static_x, static_y))[0] if part is not None]
        try:
            recording.replay = self.backend.record(lambda: self._eagerly(recording, player, static_x, static_y))
        except RuntimeError as error:
            self.refused.add(player.name)
            log.warning("model.capture: the move of %s runs eagerly: %s", player.name, str(error).splitlines()[0])
        finally:
            torch.clear_autocast_cache()  # it may hold what was only recorded
        return recording.replay is not None


def recorder(play: Play, trainer: Any) -> Recorder | None:
    """Returns a recorder of a game's moves, or None, with a line in the log, where nothing can be recorded.

    Args:
        play: plays a move.
        trainer: Lightning's, with its optimizers.
    """
    device = trainer.strategy.root_device
    reason = None
    if device.type != "cuda":
        reason = f"it needs a CUDA device, and this run is on {device.type}"
    elif trainer.world_size > 1:
        reason = "with several processes gradients are exchanged in hooks, which a graph does not run"
    elif getattr(trainer.precision_plugin, "scaler", None) is not None:
        reason = "the loss scaling of 16-mixed decides on the host; bf16-mixed needs none"
    if reason is not None:
        log.warning("model.capture: moves run eagerly: %s.", reason)
        return None
    for optimizer in trainer.optimizers:
        make_capturable(optimizer, device)
    return Recorder(play, CudaGraphs())


def make_capturable(optimizer: torch.optim.Optimizer, device: torch.device) -> None:
    """Moves step counts and learning rates of an optimizer from the host into tensors."""
    for group in optimizer.param_groups:
        if "capturable" in group:
            group["capturable"] = True
        if not isinstance(group["lr"], Tensor):
            group["lr"] = torch.tensor(float(group["lr"]), device=device)
    for state in optimizer.state.values():
        if "step" in state:
            state["step"] = torch.as_tensor(state["step"], dtype=torch.float32, device=device)
