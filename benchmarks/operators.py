"""Measures where the time of a training step goes, by PyTorch's operators, and what its products reach of the machine.

    python benchmarks/operators.py

Recipes are trained for some batches on one thread, by their own loop. `FlopCounterMode` counts the multiplications and
additions of convolutions and matrix products in two batches, derivatives included; PyTorch's profiler says how long
each operator took in others. The machine's rate is that of a product of large square matrices. Results go to
results/operators.json beside this file; `python benchmarks/summary.py` puts them into docs/speed.md.
"""

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from contextlib import chdir
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from ganzoo import from_recipe
from ganzoo.common.allocator import keep_freed_memory
from ganzoo.common.hardware import hardware, precision, versions

RESULTS = Path(__file__).parent / "results" / "operators.json"
RECIPES = {"dcgan_mnist": 16, "biggan_cifar10_small": 4, "stylegan2_faces_small": 4}  # batches that are timed
WARM_UP, COUNTED = 4, 2  # batches
SIDE = 2048  # of the machine's matrices
GROUPS = {  # what an operator's name has in it, in this order
    "convolutions": ("conv", "mkldnn"),
    "matrix products": ("mm", "linear", "bmm", "addmv"),
    "normalisation": ("norm",),
    "activations": ("relu", "tanh", "sigmoid", "softplus", "gelu", "silu", "softmax"),
    "resampling and padding": ("upsample", "pool", "pad", "grid_sampler", "fft"),
    "copies and layouts": ("copy", "clone", "contiguous", "cat", "stack", "index", "fill", "zero"),
    "optimizer and averages": ("adam", "foreach", "lerp"),
}


def group(operator: str) -> str:
    """Returns the group of an operator: `aten::convolution_backward` is one of the convolutions."""
    name = operator.removeprefix("aten::").lower()
    return next((title for title, parts in GROUPS.items() if any(part in name for part in parts)), "the rest")


class Watch(pl.Callback):
    """Counts operations in some batches, profiles later ones, and ends the run.

    Args:
        batches: that are profiled.

    Attributes:
        operations: floating-point operations of a batch by operator.
        seconds: of a batch by operator, and of all of it.
    """

    def __init__(self, batches: int) -> None:
        self.batches, self.done = batches, 0
        self.operations: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self.whole = 0.0

    def on_train_batch_start(self, *_: Any) -> None:
        """Begins to count, or to profile."""
        if self.done == WARM_UP:
            self.counter = FlopCounterMode(display=False)
            self.counter.__enter__()
        elif self.done == WARM_UP + COUNTED:
            self.profiler = profile(activities=[ProfilerActivity.CPU])
            self.profiler.__enter__()
            self.begun = time.perf_counter()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Ends what was begun, after its last batch."""
        self.done += 1
        if self.done == WARM_UP + COUNTED:
            self.counter.__exit__(None, None, None)
            for operator, count in self.counter.get_flop_counts()["Global"].items():
                self.operations[str(operator)] += count / COUNTED
        elif self.done == WARM_UP + COUNTED + self.batches:
            self.whole = (time.perf_counter() - self.begun) / self.batches
            self.profiler.__exit__(None, None, None)
            for event in self.profiler.key_averages():
                self.seconds[event.key] += event.self_cpu_time_total / 1e6 / self.batches
            trainer.should_stop = True


def machine_rate(seconds: float = 3.0) -> float:
    """Returns the floating-point operations per second of a product of large square matrices in float32."""
    a = torch.randn(SIDE, SIDE)
    a @ a
    begun, count = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        a @ a
        count += 1
    return 2 * SIDE**3 * count / (time.perf_counter() - begun)


def measure(recipe: str, batches: int) -> dict[str, Any]:
    """Returns the shares of a batch's time by groups of operators, and the rate of its products."""
    watch = Watch(batches)
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        settings = {"max_steps": 10**6, "limit_val_batches": 0, "logger": False, "enable_progress_bar": False}
        model, data, trainer = from_recipe(recipe, **{f"trainer__{name}": value for name, value in settings.items()})
        trainer.callbacks.append(watch)
        trainer.fit(model, data)
    spent: Counter[str] = Counter()
    for operator, seconds in watch.seconds.items():
        spent[group(operator)] += seconds
    inside = sum(spent.values())
    products = spent["convolutions"] + spent["matrix products"]
    operations = sum(watch.operations.values())
    return {
        "ms_per_batch": round(1000 * watch.whole, 1),
        "shares": {title: round(spent[title] / inside, 4) for title in [*GROUPS, "the rest"]},
        "slowest": {name: round(seconds / inside, 4) for name, seconds in watch.seconds.most_common(6)},
        "gflop_per_batch": round(operations / 1e9, 3),
        "gflop_per_second": round(operations / products / 1e9, 2),
        "batches": batches,
    }


def main() -> None:
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recipes", nargs="*", default=list(RECIPES), help=", ".join(RECIPES))
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    report = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    report |= {"hardware": hardware(), "versions": versions(), "precision": precision("cpu")}
    report["machine_gflop_per_second"] = round(machine_rate() / 1e9, 1)
    for recipe in options.recipes:
        report[recipe] = measure(recipe, RECIPES.get(recipe, 4))
        print(recipe, json.dumps(report[recipe]), flush=True)
        RESULTS.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
