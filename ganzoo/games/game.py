"""The training loop that all models share: a game of players, each with its modules, its optimizer and its loss.

`Game` plays any number of players in turn and keeps the averaged weights. No variant repeats the loop; those with a
generator and a discriminator start from `ganzoo.games.gan.GAN`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import reduce
from operator import add
from typing import Any, ClassVar

import torch
from lightning.pytorch.strategies import ParallelStrategy
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from ganzoo.common.batches import chunks
from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import kind_named
from ganzoo.common.seeding import mix, reseed, run_seed
from ganzoo.games.capture import Recorder, recorder
from ganzoo.games.data_bound import DataBound
from ganzoo.games.ema import Average, Averaging
from ganzoo.games.growth import Growth, Planned, Stage, as_at, grow_all, grow_fully
from ganzoo.games.lightning import clip, count_step, require_playable, take_limit
from ganzoo.games.move import Move
from ganzoo.games.notes import Notes, Totals
from ganzoo.games.players import Player, correct_for_lazy, without_capture_check
from ganzoo.games.schedules import Schedule, value


class Game(DataBound, ABC):
    """Base of all models: on each batch every player whose turn it is moves once, the others frozen.

    `trainer.global_step` and `max_steps` count the updates of the player marked `counted`.

    Args:
        accumulate: splits a batch into so many chunks whose gradients are added before a step.
        capture: record each player's move once as a CUDA graph and replay it (see `ganzoo.games.capture`).
        lr_factor: factor on the learning rates of the players that follow `decay`, over the run.
        compiled: names of the networks that `torch.compile` is to fuse, such as `generator`. Not for one under a
            penalty on gradients, whose second derivative it cannot take.

    Attributes:
        recipe: the resolved recipe that the model was made from, as YAML; empty for one made by hand.
        card: the model card of a loaded checkpoint.
        origin: where the weights of a loaded model come from, see `ganzoo.checkpoints.origin`; None of one made anew.
        starts: for parts of the model, the checkpoint from whose part of the same name a training starts, as
            `ganzoo.load` takes it; `ganzoo.training.start` sees to it.
        starts_as: names there of those parts that are called otherwise.
        started: whether it has.
        trained: whether its weights are those of a loaded checkpoint, not new ones.
        growth: how images, batches and networks grow over the run; None where they do not.
        remarks: lines for the model card on how it was trained, where a variant's arguments need words.
    """

    auxiliary: ClassVar[tuple[str, ...]] = ("averages",)
    recipe = ""
    card = ""
    origin: Any = None
    starts: Mapping[str, str] = {}
    starts_as: ClassVar[Mapping[str, str]] = {}
    started = False
    trained = False
    growth: Growth | None = None
    remarks: Sequence[str] = ()

    def __init__(
        self,
        accumulate: int = 1,
        capture: bool = False,
        lr_factor: Schedule | None = None,
        compiled: list[str] | None = None,
    ) -> None:
        super().__init__()
        if accumulate < 1:
            raise GanzooError(f"model.accumulate: must be at least 1, not {accumulate}.")
        self.automatic_optimization = False
        self.accumulate = accumulate
        self.capture = capture
        self.lr_factor = lr_factor
        self.compiled = tuple(compiled or ())
        self.recorder: Recorder | None = None
        self.averages = nn.ModuleDict()
        self.batches = 0  # seen so far in this run; seeds the next one
        self.images = 0  # real samples seen so far, over all processes
        self.images_before = 0  # those of them that the last counted update had seen
        self.stage: Stage | None = None  # of the last batch, where networks grow
        self.limit: float | None = None  # of gradients, while Lightning looks at a Trainer without one
        self.data_digest = ""  # of the training data, by which a resumed run notices other data
        self.changes: list[list[Any]] = []  # of the recipe in mid-run: [step, option, before, after] each
        self.waited: dict[str, int] = {}  # batches since each player's last move
        self.levels: dict[Schedule, Tensor] = {}  # the present values of the schedules that moves read
        self.notes = Notes()  # since the last log

    @abstractmethod
    def players(self) -> Sequence[Player]:
        """Returns the players in the order in which they move within a batch."""

    @property
    def decay(self) -> Callable[[Optimizer], LRScheduler] | None:
        """Factory of a player's learning-rate scheduler, which follows `lr_factor` and growth; None without either."""
        grows = self.growth is not None and self.growth.lr_factors is not None
        return self._follow if grows or self.lr_factor is not None else None

    def _follow(self, optimizer: Optimizer) -> LRScheduler:
        return LambdaLR(optimizer, lambda _: self.rate())

    def rate(self) -> float:
        """Returns the factor on learning rates for the next batch that `lr_factor` and growth say."""
        factor = 1.0 if self.lr_factor is None else value(self.lr_factor, self.progress)
        return factor if self.growth is None else factor * self.growth.lr_factor(self.images)

    @property
    def progress(self) -> float:
        """Share of the run that is done, in [0, 1]; 0 outside a run or in an endless one."""
        trainer = self._trainer
        if trainer is None:
            return 0.0
        done, total = trainer.global_step, float(trainer.max_steps or -1)
        if total < 1:  # counted in epochs, whose length may be unknown
            done, total = self.batches, (trainer.max_epochs or -1) * float(trainer.num_training_batches)
        return min(done / total, 1.0) if total > 0 else 0.0

    def setup(self, stage: str) -> None:
        """Lays out the weights, and compiles the networks named in `compiled`.

        Raises:
            GanzooError: if there is no such network, or one states another kind of sample than the data's.
        """
        self.lay_out()
        data = getattr(self.trainer, "datamodule", None)
        self.require_kind(data)
        if stage == "fit":
            self.learn_of(data)
            if isinstance(data, Planned):
                data.plan_batches(self.growth)
        for name in self.compiled:
            parts = self.parts()
            if name not in parts:
                raise GanzooError(f"model.compiled: there is no network '{name}', only {', '.join(parts)}.")
            parts[name].compile()  # in place, so that parameters keep their names in checkpoints

    def lay_out(self) -> None:
        """Lays out convolutions' weights channels last, which CPUs and tensor cores are faster with."""
        for parameter in self.parameters():
            if parameter.dim() == 4:
                # not `contiguous`, which leaves a single channel's strides as they are, and with them what it makes
                parameter.data = parameter.data.to(memory_format=torch.channels_last)

    def configure_optimizers(self) -> list[dict[str, Any]]:  # type: ignore[override]  # narrower than Lightning's
        """Gives each player an optimizer, in the players' order, unless it shares another's."""
        self.line_up = tuple(self.players())
        if sum(player.counted for player in self.line_up) != 1:
            raise ValueError(f"{type(self).__name__}: exactly one player must be counted")
        owners = [player for player in self.line_up if player.shares is None]
        seats = {player.name: seat for seat, player in enumerate(owners)}
        self.seats = {player.name: seats[player.shares or player.name] for player in self.line_up}
        configured: list[dict[str, Any]] = []
        for player in owners:
            optimizer = without_capture_check(
                player.optim([p for module in player.modules for p in module.parameters()])
            )
            for other in self.line_up:
                if other.lazy and other.shares == player.name:
                    correct_for_lazy(optimizer, value(other.every, 0.0))
            configured.append({"optimizer": optimizer})
            if player.scheduler is not None:
                configured[-1]["lr_scheduler"] = player.scheduler(optimizer)
        moved = [{p for group in entry["optimizer"].param_groups for p in group["params"]} for entry in configured]
        everyone = {p: None for own in moved for p in own if p.requires_grad}  # in order, and once
        self.frozen = [[p for p in everyone if p not in own] for own in moved]
        return configured

    def configure_callbacks(self) -> list[Any]:
        """Takes over gradient clipping, which Lightning refuses in manual optimisation; adds no callback."""
        require_playable(self.trainer)
        self.limit = take_limit(self.trainer)
        return []

    def on_fit_start(self) -> None:
        """Switches to training mode: a loaded model comes in evaluation mode, and Lightning keeps the mode it meets.

        Raises:
            GanzooError: if it is to start from weights that it has not been given.
        """
        if self.starts and not (self.started or self.trained or self.batches):
            raise GanzooError(
                f"model: it is to start from '{next(iter(self.starts.values()))}'; give the Trainer the callback "
                "ganzoo.training.start.Start()."
            )
        self.trainer.gradient_clip_val = self.limit
        self.train()
        if self.growth is None:
            grow_fully(self.modules())  # a checkpoint's networks may not have been
        elif self.stage is None:
            self.grow_to(self.growth.at(self.images))

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clips the gradients of the player that steps next, where the Trainer says so."""
        clip(optimizer, self.trainer)

    def on_train_start(self) -> None:
        """Prepares to record moves if `capture` is set and the device allows it."""
        self.recorder = recorder(self.play, self.trainer) if self.capture else None

    def on_fit_end(self) -> None:
        """Frees the recorded moves."""
        self.recorder = None

    def training_step(self, batch: tuple[Any, Any], batch_idx: int) -> None:
        """Plays one batch, seeded by its number: ranks differ, and a resumed run draws the same numbers."""
        x, y = batch
        if self.growth is not None:
            stage = self.growth.at(self.images)
            self.grow_to(stage)
            x = as_at(x, stage)
        self.batches += 1
        self.images += len(x) * self.trainer.world_size
        reseed(mix(run_seed(), self.global_rank, self.batches), self.device)
        for schedule, level in self.levels.items():
            level.fill_(schedule(self.progress))
        for player in self.line_up:
            self.waited[player.name] = self.waited.get(player.name, 0) + 1
            if self.waited[player.name] >= value(player.every, self.progress):
                self.waited[player.name] = 0
                with self.trainer.profiler.profile(f"move/{player.name}"):  # type: ignore[attr-defined]
                    self.move(player, x, y)

    def grow_to(self, stage: Stage) -> None:
        """Brings networks and their averages to a stage; where layers come in or are in, optimizers start afresh."""
        before, self.stage = self.stage, stage
        if stage == before:
            return
        grow_all(self.modules(), stage)
        if before is not None and (before.level, before.fading) != (stage.level, stage.fading):
            for optimizer in self.trainer.optimizers:
                optimizer.state.clear()
            if self.recorder is not None:
                self.recorder.forget()
            if self.growth is not None and self.growth.lr_factors is not None:
                self._step_schedulers()

    def move(self, player: Player, x: Any, y: Any) -> None:
        """Lets one player move, recorded or eagerly, and counts the move."""
        play = self.play if self.recorder is None or player.gate is not None else self.recorder.play
        self.notes.merge(play(player, x, y))
        if player.counted:
            count_step(self.trainer)
            self._counted_update()

    def open_move(self) -> Move:
        """Returns a new move, to be handed to a player's loss."""
        return Move()

    def play(self, player: Player, x: Any, y: Any) -> Totals:
        """Takes one step of one player while every other parameter is frozen. It can be recorded and replayed.

        A player whose gate is closed computes its loss and takes no step.

        Returns:
            What the move notes for the log.
        """
        move = self.open_move()
        steps = player.gate is None or player.gate.opens()
        optimizer = self.trainer.optimizers[self.seats[player.name]]
        torch.clear_autocast_cache()  # a module that two players share has moved since it was cast
        with self.alone(player):
            optimizer.zero_grad()
            parts = zip(chunks(x, self.accumulate), chunks(y, self.accumulate), strict=True)
            for number, (part_x, part_y) in enumerate(parts, 1):
                move.begin(len(part_x) / len(x))
                terms = player.loss(part_x, part_y, move)
                loss = reduce(add, [term.float() for term in terms.values()])
                if steps:
                    with self._exchange(number == self.accumulate):  # chunks of a batch may differ by one
                        self.manual_backward(loss if self.accumulate == 1 else loss * (len(part_x) / len(x)))
                for name, term in terms.items():
                    move.note(f"{player.name}/{name}", term)
            if steps:
                # not Lightning's `optimizer.step()`, which would count every player's move as a `global_step`
                self.trainer.strategy.optimizer_step(optimizer, lambda: None)
        if steps and player.after is not None:
            player.after(move)
        if player.gate is not None:
            player.gate.saw(move, steps)
        return move.notes.totals

    def rehearse(self, x: Any, y: Any) -> Iterator[tuple[Player, Callable[[], None]]]:
        """Yields each player with a function that computes the gradients of its move on a batch, without a step.

        Gradients, buffers and random state change: rehearse on a copy, whose optimizers are configured.

        Args:
            x: the batch's samples, or sources.
            y: its labels or targets; None without any.
        """
        for player in self.line_up:

            def gradients(player: Player = player) -> None:
                self.requires_grad_(False)
                for module in player.modules:
                    module.requires_grad_(True)
                reduce(add, player.loss(x, y, self.open_move()).values()).backward()

            yield player, gradients

    def _exchange(self, now: bool) -> AbstractContextManager[None]:
        """Returns the context in which processes exchange gradients only after a batch's last chunk."""
        strategy = self.trainer.strategy
        return nullcontext() if now or not isinstance(strategy, ParallelStrategy) else strategy.block_backward_sync()

    @contextmanager
    def alone(self, player: Player) -> Iterator[None]:
        """Context manager: every parameter frozen that this player's optimizer does not move."""
        frozen = self.frozen[self.seats[player.name]]
        for parameter in frozen:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in frozen:
                parameter.requires_grad_(True)

    def _step_schedulers(self) -> None:
        schedulers = self.lr_schedulers() or []
        for scheduler in schedulers if isinstance(schedulers, list) else [schedulers]:
            scheduler.step()  # type: ignore[call-arg]  # every scheduler but ReduceLROnPlateau steps without a metric

    def _counted_update(self) -> None:
        self._step_schedulers()
        before, self.images_before = self.images_before, self.images
        for name, average in self.averages.items():
            average.update(getattr(self, name), self.global_step, before, self.images - before, self.progress)  # type: ignore[operator]

    def average(self, name: str, by: float | Averaging | None) -> None:
        """Keeps an exponential moving average of the attribute `name`, by a decay or another rule; None keeps none."""
        if by is not None:
            self.averages[name] = Average(getattr(self, name), by)

    def averaged(self, name: str) -> nn.Module:
        """Returns the averaged copy of the attribute `name`, or the live module where none is kept."""
        return self.averages[name].module if name in self.averages else getattr(self, name)  # type: ignore[return-value]

    def exported(self) -> dict[str, nn.Module]:
        """Returns what a published checkpoint holds: the model's parts, averaged where an average is kept."""
        return {name: self.averaged(name) for name in self.parts()}

    def level(self, of: float | Schedule) -> float | Tensor:
        """Returns a constant as it is, and a schedule's present value as a tensor that every batch sets anew.

        A move must read schedules through this: a captured move runs no Python, but does read the tensor.
        """
        if not isinstance(of, Schedule):
            return of
        if of not in self.levels:
            self.levels[of] = torch.tensor(of(self.progress), device=self.device)
        return self.levels[of]

    def validation_step(self, batch: tuple[Any, Any], batch_idx: int) -> None:
        """Does nothing: scores are computed by the Quality callback."""

    test_step = validation_step

    def on_validation_start(self) -> None:
        """Gives all processes the first one's BatchNorm statistics, so that they score the model that is kept."""
        if self.trainer.world_size > 1:
            for buffer in self.buffers():
                torch.distributed.broadcast(buffer, 0)

    on_test_start = on_train_end = on_validation_start

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds the loop's own counters.

        Raises:
            GanzooError: if a weight is NaN or infinite; nothing is written then.
        """
        for name, tensor in checkpoint["state_dict"].items():
            if not tensor.isfinite().all():  # a finite term may have had a gradient that was not
                raise GanzooError(
                    f"{name} is not finite at step {self.global_step}: training stopped, the last good checkpoint is "
                    "kept. Lower the learning rate, or train with --trainer.precision 32-true."
                )
        checkpoint["game"] = {
            "batches": self.batches,
            "images": self.images,
            "images_before": self.images_before,
            "stage": None if self.stage is None else [*self.stage],
            "waited": dict(self.waited),
            "recipe": self.recipe,
            "class_names": [*self.class_names],
            "kind": None if self.kind is None else self.kind.name,
            "threads": torch.get_num_threads(),  # sums round differently with another number
            "data": self.data_digest,
            "changes": self.changes,
            "stash": {name: (total.cpu(), count) for name, (total, count) in self.notes.totals.items()},
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Takes the loop's own counters back."""
        game = checkpoint["game"]
        self.batches, self.images, self.waited = game["batches"], game["images"], dict(game["waited"])
        self.images_before = game.get("images_before", self.images)  # a run from before there was one averages by decay
        self.stage = None if game.get("stage") is None else Stage(*game["stage"])
        self.notes = Notes(game.get("stash"))
        self.class_names = tuple(game.get("class_names", ())) or self.class_names
        self.data_kind = kind_named(game.get("kind")) or self.data_kind
