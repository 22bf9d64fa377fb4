"""Rehearsal of a training step on a copy: the time that it takes, and the number of threads to train with."""

import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch.utils._pytree import tree_map

from ganzoo.common import threads
from ganzoo.common.text import duration
from ganzoo.common.threads import threads_text
from ganzoo.games.capabilities import Classifies, DrawsSamples, Reconstructs, Translates
from ganzoo.games.game import Game
from ganzoo.games.growth import grow_fully
from ganzoo.games.schedules import Schedule, value


class Rehearsal:
    """The moves of a game's players on one batch. Weights, buffers, random state and the data's order stay as they are.

    A game that grows is rehearsed as it is in the end, where a step takes longest.

    Args:
        model: the game, which is copied.
        datamodule: its data, set up for `fit`.
        trainer: whose device and precision are rehearsed on.
    """

    def __init__(self, model: Game, datamodule: Any, trainer: pl.Trainer) -> None:
        self.device = trainer.strategy.root_device
        self.context = trainer.precision_plugin.train_step_context
        with self._same_random_state():
            self.model = deepcopy(model).to(self.device)
            self.model.lay_out()
            grow_fully(self.model.modules())  # a run that goes on may not have been
            batch = next(iter(datamodule.train_dataloader()))
            if model.growth is not None and model.growth.batch_sizes:
                batch = of_size(batch, model.growth.batch_sizes[-1])
            self.x, self.y = trainer.strategy.batch_to_device(batch, self.device)
            self.model.configure_optimizers()

    def seconds(self) -> float:
        """Returns the time of one update of the counted player, with the other players' moves in proportion."""
        counted = next(player for player in self.model.line_up if player.counted)
        total = 0.0
        with self._same_random_state():
            for player, gradients in self.model.rehearse(self.x, self.y):
                begun = time.perf_counter()
                with self.context():
                    gradients()
                if self.device.type == "cuda":
                    torch.cuda.synchronize(self.device)
                total += (time.perf_counter() - begun) * average_value(counted.every) / average_value(player.every)
        return total

    def _same_random_state(self) -> Any:
        return torch.random.fork_rng([self.device] if self.device.type == "cuda" else [])


def rehearse(model: Game, datamodule: Any, trainer: pl.Trainer, choose: bool = False) -> float:
    """Returns the estimated seconds of a generator update; chooses the number of CPU threads before, if that is wanted.

    Returns 0 where neither is of use: for a run whose length is not counted in updates.
    """
    if not choose and trainer.max_steps < 1:
        return 0.0
    rehearsal = Rehearsal(model, datamodule, trainer)
    return threads.choose_threads(rehearsal.seconds) if choose else min(rehearsal.seconds() for _ in range(3))


def of_size(batch: Any, n: int) -> Any:
    """Returns a batch of n items made of those of another, which take turns."""
    return tree_map(lambda x: x[torch.arange(n, device=x.device) % len(x)] if isinstance(x, torch.Tensor) else x, batch)


def scoring_rehearsal(model: Any, datamodule: Any, extractor: Any = None) -> Callable[[int], None]:
    """Returns a function that has a model make n images or other items, and extracts features of as many.

    Args:
        model: what is to be scored: a model, or else data.
        datamodule: what it is scored on, inspected.
        extractor: see `ganzoo.metrics.extractors`; None extracts nothing.
    """

    @torch.inference_mode()
    def part(n: int) -> None:
        images = torch.zeros(n, *datamodule.shape)
        if isinstance(model, DrawsSamples):
            model.sample(n, seed=0)
        elif isinstance(model, Translates):
            model.translate(torch.zeros(n, *datamodule.source_shape), seed=0)
        elif isinstance(model, Classifies):
            model.classify(images)
        elif isinstance(model, Reconstructs):
            model.reconstruct(images)
        if extractor is not None:
            extractor(images)

    return part


def average_value(of: float | Schedule) -> float:
    """Returns a constant as it is, and a schedule's mean over a run."""
    return sum(value(of, i / 100) for i in range(100)) / 100


def announce(model: Game, trainer: pl.Trainer, folder: Path, seconds: float, done: int = 0) -> str:
    """Returns one line: device, parameters, steps, estimated duration, folder.

    Args:
        model: the game.
        trainer: which is going to train it.
        folder: the run's.
        seconds: of a generator update.
        done: steps that an earlier part of the run has taken.
    """
    sizes = [f"{name} {_count(module)}" for name, module in model.parts().items() if [*module.parameters()]]
    device = trainer.strategy.root_device
    where = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else f"CPU | {threads_text(torch.get_num_threads())}"
    )
    if trainer.world_size > 1:
        where = f"{trainer.world_size} x {where}"
    steps = trainer.max_steps
    if steps < 1:
        return f"{where} | {', '.join(sizes)} parameters | {folder}"
    left = duration(max(steps - done, 0) * seconds)
    if model.growth is not None:
        left = f"{left} at the pace of its last {model.growth.sides[-1]} pixels"
    going_on = f"{done:,} of {steps:,}" if done else f"{steps:,}"
    return f"{where} | {', '.join(sizes)} parameters | {going_on} generator steps, about {left} | {folder}"


def _count(module: torch.nn.Module) -> str:
    count = sum(parameter.numel() for parameter in module.parameters())
    return f"{count / 1e6:.2f}M" if count >= 1e5 else f"{count:,}"
