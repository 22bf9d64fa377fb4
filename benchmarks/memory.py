"""Memory of a generator update: ganzoo against the careful hand-written loop on the same networks.

    python benchmarks/memory.py                                 # SNGAN's ResNet and DCGAN, a few minutes on one core
    python benchmarks/memory.py sngan --guard 1.10 --width 16

It counts the bytes of live tensors: the most that an update holds above what was there before it, activations,
gradients and copies together. The allocator's own peak says it on a GPU, PyTorch's profiler on a CPU; what a process
keeps from the operating system says something else, as scoring takes more than training. The first update, which
allocates gradients and the optimizers' state, does not count. Each system runs in a process of its own.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loops import Resident, Task
from throughput import TASKS, made, write_noise

RESULTS = Path(__file__).parent / "results" / "memory.json"
NAMES = ("sngan", "dcgan_mnist")
WARM_UP, BATCH = 1, 64  # updates that do not count; images in a batch


class Peak:
    """Peak of live tensors' bytes above those at the beginning, in `megabytes` when it has ended."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.megabytes = 0.0

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Context manager: counts what is allocated inside."""
        import torch
        from torch.profiler import ProfilerActivity, profile

        if self.device == "cuda":
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            yield
            torch.cuda.synchronize()
            self.megabytes = (torch.cuda.max_memory_allocated() - before) / 2**20
            return
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
            yield
        live = most = 0
        for event in recorded.profiler.kineto_results.events():
            if event.name() == "[memory]":
                live += event.nbytes()
                most = max(most, live)
        self.megabytes = most / 2**20


def widths(task: Task, width: int | None) -> Task:
    """Returns a task with networks of another width."""
    if width is None:
        return task
    words = [f"--model.init_args.{part}.init_args.width={width}" for part in ("generator", "discriminator")]
    return Task(task.recipe, task.game, task.lr, task.betas, task.n_critic, 1, [*task.overrides, *words])


def ganzoo(task: Task, device: str, precision: str) -> float:
    """Returns the peak of an update of ganzoo's, in MB."""
    import lightning.pytorch as pl

    from ganzoo.common.registry import find_recipe
    from ganzoo.training.recipe_cli import RecipeCLI

    peak = Peak(device)

    class Watch(pl.Callback):
        """Measures one update, all its batches, after those that do not count."""

        def on_train_batch_start(self, trainer: pl.Trainer, module: Any, batch: Any, number: int) -> None:
            if number == WARM_UP * task.n_critic:
                self.context = peak.measured()
                self.context.__enter__()

        def on_train_batch_end(self, trainer: pl.Trainer, module: Any, out: Any, batch: Any, number: int) -> None:
            if number == (WARM_UP + 1) * task.n_critic - 1:
                self.context.__exit__(None, None, None)

    with tempfile.TemporaryDirectory() as folder:
        words = ["--config", str(find_recipe(task.recipe)), *task.overrides, "--model.init_args.lr_factor=null"]
        words += [f"--runs={folder}", f"--trainer.max_steps={WARM_UP + 1}", "--trainer.logger=false"]
        words += ["--trainer.limit_val_batches=0", "--trainer.enable_progress_bar=false"]
        words += [f"--trainer.precision={precision}", f"--trainer.accelerator={device}"]
        cli = RecipeCLI(words, task.recipe, run=False)
        cli.trainer.callbacks.append(Watch())
        cli.trainer.fit(cli.model, cli.datamodule)
    return peak.megabytes


def loop(task: Task, device: str, precision: str) -> float:
    """Returns the peak of an update of the careful loop, in MB."""
    model, datamodule = made(task)
    datamodule.setup("fit")
    images = datamodule.split("train")[0].to(device)
    steps = Resident(task, model.to(device), images, precision).steps()
    for _ in range(WARM_UP):
        next(steps)
    peak = Peak(device)
    with peak.measured():
        next(steps)
    return peak.megabytes


def measure(task: Task, device: str, precision: str) -> dict[str, float]:
    """Runs both systems, each in a process of its own; returns their peaks in MB, and the ratio."""
    context = multiprocessing.get_context("spawn")
    megabytes = {}
    for system in (ganzoo, loop):
        with context.Pool(1) as pool:
            megabytes[system.__name__] = pool.apply(system, (task, device, precision))
    rounded = {name: round(value, 2) for name, value in megabytes.items()}
    return {**rounded, "ganzoo/loop": round(megabytes["ganzoo"] / megabytes["loop"], 3)}


def main() -> None:
    """Measures, prints, writes; with --guard fails where ganzoo needs more than so many times the loop's memory."""
    from ganzoo.common.hardware import hardware, versions

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tasks", nargs="*", default=NAMES, help=", ".join(TASKS))
    parser.add_argument("--device", default="cpu", help="cpu, cuda")
    parser.add_argument("--precision", default="32-true", help="32-true, bf16-mixed (slow where it is not native)")
    parser.add_argument("--width", type=int, help="of all hidden layers; the recipes' by default")
    parser.add_argument("--noise", action="store_true", help="noise instead of MNIST, which may not be here")
    parser.add_argument("--guard", type=float, help="the ratio above which it fails; nothing is written then")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.noise:
        os.environ["GANZOO_DATA"] = tempfile.mkdtemp()
        write_noise(Path(os.environ["GANZOO_DATA"]))
    results = json.loads(options.out.read_text()) if options.out.is_file() else {}
    failed = False
    for name in options.tasks:
        found = measure(widths(TASKS[name], options.width), options.device, options.precision)
        print(name, json.dumps(found), flush=True)
        failed |= options.guard is not None and found["ganzoo/loop"] > options.guard
        about = {"hardware": hardware(), "versions": versions(), "width": options.width, "batch": BATCH}
        key = f"{name}, {options.precision}, {options.device}"
        results[key] = {**about, "unit": "MB of live tensors at the peak of an update", **found}
        if options.guard is None:
            options.out.write_text(json.dumps(results, indent=1) + "\n")
    sys.exit(failed)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
