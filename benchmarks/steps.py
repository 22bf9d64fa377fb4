"""Cost of a step in time and memory: ganzoo through its command's parts against hand-written steps, in turns.

    python benchmarks/steps.py                  # everything, about 20 minutes on one core
    python benchmarks/steps.py sagan --rounds 3

Both take turns in one process, a segment of batches each, on the same networks at the sizes of the small recipes. Times
are those of the processor, not of the clock, so that what else the machine does counts less. First both take the same
steps on the same batches, and their weights are compared.
"""

import argparse
import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import careful
import lightning.pytorch as pl
import torch
from memory import Peak

RESULTS = Path(__file__).parent / "results" / "steps.json"


@dataclass(frozen=True)
class Task:
    """One comparison: a recipe with overrides, and what does the same by hand.

    Args:
        recipe: its name.
        hand: the hand-written game.
        period: batches after which all kinds of move have been made.
        segment: batches in a segment.
        overrides: words for the command line.
    """

    recipe: str
    hand: Callable[..., careful.Careful]
    period: int
    segment: int
    overrides: tuple[str, ...] = ()


TASKS = {
    "sagan": Task("sagan_cifar10_small", careful.Hinge, period=2, segment=4),
    "biggan": Task("biggan_cifar10_small", careful.Hinge, period=2, segment=4),
    # at its last side throughout
    "progan": Task("progan_faces_small", careful.Penalised, 1, 4, ("--model.growth=null",)),
    "stylegan": Task("stylegan_faces_small", careful.Styled, 1, 4, ("--model.growth=null",)),
    # with path lengths, which the small recipe leaves out, and without augmentation, which is the same function in both
    "stylegan2": Task(
        "stylegan2_faces_small", careful.LazilyStyled, 16, 16, ("--model.path_weight=2", "--model.stabilisers=null")
    ),
    "projected_gan": Task("projected_gan_faces_small", careful.Hinge, 1, 2),
    # at the schedules' first values, and without augmentation
    "r3gan": Task("r3gan_cifar10_small", careful.Paired, 1, 2, ("--model.lr_factor=null", "--model.stabilisers=null")),
}


class Turns(pl.Callback):
    """Times segments of a run, and in between as many batches of the hand-written game.

    Args:
        task: what to compare.
        rounds: segments of either.

    Attributes:
        result: what was measured, when the run has ended.
    """

    def __init__(self, task: Task, rounds: int) -> None:
        self.task, self.rounds = task, rounds
        self.done = 0  # batches, over all epochs
        self.taped: list[Any] = []
        self.seconds: dict[str, list[float]] = {"ganzoo": [], "loop": []}
        self.peaks = {"ganzoo": Peak("cpu"), "loop": Peak("cpu")}
        self.result: dict[str, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, module: Any) -> None:
        """Copies the networks in their initial state."""
        data = trainer.datamodule  # type: ignore[attr-defined]
        images, labels = data.split("train")
        labels = labels if module.condition is not None else None
        module.rates = rates(module)
        self.hand = self.task.hand(module, images, labels, data.batch_size, data.flip)
        self.stream = self.hand.batches()

    def on_train_batch_start(self, trainer: pl.Trainer, module: Any, batch: Any, number: int) -> None:
        """Keeps the first batches, and begins to watch the memory of the last ones."""
        if self.done < self.task.period * 2:
            self.taped.append(batch)
        if self.done == self.last - self.task.period:
            self.context = self.peaks["ganzoo"].measured()
            self.context.__enter__()

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, out: Any, batch: Any, number: int) -> None:
        """Ends a segment, lets the hand-written game play as long, and begins the next one."""
        self.done += 1
        timed = self.done - self.task.period * 2
        if timed == 0:
            self.compare(module)
        elif self.done == self.last:
            self.context.__exit__(None, None, None)
            with self.peaks["loop"].measured():
                self.play(self.task.period)
            self.finish(trainer)
        elif timed > 0 and timed % self.task.segment == 0:
            self.seconds["ganzoo"].append(time.process_time() - self.begun)
            begun = time.process_time()
            self.play(self.task.segment)
            self.seconds["loop"].append(time.process_time() - begun)
        if timed >= 0 and timed % self.task.segment == 0:
            self.begun = time.process_time()

    @property
    def last(self) -> int:
        """Batches in all: the compared ones, the timed ones, and a period whose memory is watched."""
        return self.task.period * 3 + self.task.segment * self.rounds

    def play(self, batches: int) -> None:
        """Has the hand-written game play so many batches of its own."""
        for _ in range(batches):
            self.hand.step(*next(self.stream))

    def compare(self, module: Any) -> None:
        """Has the hand-written game take the same steps, and keeps how far the games are apart then."""
        from ganzoo.common.seeding import mix, reseed, run_seed

        for number, (x, y) in enumerate(self.taped, 1):
            reseed(mix(run_seed(), 0, number), x.device)
            self.hand.step(x.clone(), () if module.condition is None else (y,))
        self.taped = []
        self.result["apart"] = self.apart(module)

    @torch.no_grad()
    def apart(self, module: Any) -> float:
        """Returns the largest difference of both games' images and logits, relative to the spread of either.

        Outputs are compared, not weights, and in training mode: a bias before a BatchNorm changes nothing, but Adam
        moves it by the signs of rounding errors, and running means follow.
        """
        n, condition = 8, module.condition
        y = () if condition is None else (torch.arange(n) % self.hand.d.n_classes,)
        torch.manual_seed(0)
        z, x = torch.randn(n, self.hand.latent_dim), torch.rand(n, *module.discriminator.shape) * 2 - 1
        ours = [(module.generator, z), (module.averaged("generator"), z), (module.discriminator, x)]
        theirs = [(self.hand.g, z), (self.hand.average, z), (self.hand.d, x)]
        differences = []
        for one, other in zip(ours, theirs, strict=True):
            a, b = (output(*pair, y) for pair in (one, other))
            differences.append(((a - b).abs().max() / b.std()).item())
        return max(differences)

    def finish(self, trainer: pl.Trainer) -> None:
        """Puts what was measured together, and ends the run."""
        trainer.should_stop = True
        ratios = sorted(a / b for a, b in zip(self.seconds["ganzoo"], self.seconds["loop"], strict=True))
        self.result |= {
            "batch": self.hand.batch,
            "batches": self.task.segment,
            "rounds": self.rounds,
            "ms_per_batch": {
                name: round(1000 * median(spent) / self.task.segment, 1) for name, spent in self.seconds.items()
            },
            "ganzoo/loop": {
                "median": round(median(ratios), 3),
                "low": round(ratios[0], 3),
                "high": round(ratios[-1], 3),
            },
            "memory_mb": {name: round(peak.megabytes, 1) for name, peak in self.peaks.items()},
            "memory ganzoo/loop": round(self.peaks["ganzoo"].megabytes / self.peaks["loop"].megabytes, 3),
        }


def output(network: Any, x: torch.Tensor, y: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Returns what a copy of a network makes of a batch in training mode, with the same noise each time."""
    torch.manual_seed(1)
    return deepcopy(network).train()(x, *y)


def rates(module: Any) -> tuple[float, float, tuple[float, float]]:
    """Returns the learning rates of generator and discriminator and Adam's betas, as the model was given them."""
    g, d = (module.optim[name].keywords for name in "gd")
    return g["lr"], d["lr"], g["betas"]


def measure(task: Task, rounds: int, *more: str) -> dict[str, Any]:
    """Runs one comparison, with more words for the command line."""
    from ganzoo.common.registry import find_recipe
    from ganzoo.training.recipe_cli import RecipeCLI

    turns = Turns(task, rounds)
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere:
        words = ["--config", str(find_recipe(task.recipe)), *task.overrides, f"--runs={folder}"]
        words += ["--trainer.max_steps=1000000", "--trainer.limit_val_batches=0", "--trainer.precision=32-true", *more]
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            cli = RecipeCLI(words, task.recipe, run=False)
            cli.trainer.callbacks.append(turns)
            cli.trainer.fit(cli.model, cli.datamodule)
    return turns.result


def main() -> None:
    """Measures, prints and writes."""
    from ganzoo.common.hardware import hardware, versions

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tasks", nargs="*", default=list(TASKS), help=", ".join(TASKS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="threads of both (1)")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    results = json.loads(options.out.read_text()) if options.out.is_file() else {}
    for name in options.tasks:
        result = measure(TASKS[name], options.rounds)
        print(name, json.dumps(result), flush=True)
        if result["apart"] > 1e-3:
            raise SystemExit(f"{name}: ganzoo and the loop do not take the same steps")
        about = {"hardware": hardware(), "threads": options.threads, "versions": versions(), "precision": "32-true"}
        results[name] = {**about, "recipe": TASKS[name].recipe, **result}
        options.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
