"""What each lever of the careful loop gives on this machine: its step time with one of them left out at a time.

    python benchmarks/levers.py

Variants take turns in one process, a few updates each; ratios are taken within a round, and their median is kept.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import torch
from loops import LEVERS, Resident
from throughput import TASKS, made

from ganzoo.common.hardware import hardware, precision, versions

RESULTS = Path(__file__).parent / "results" / "levers.json"


def measure(name: str, rounds: int = 7, updates: int = 4) -> dict[str, float]:
    """Returns the step time without each lever over the step time with all of them."""
    task = TASKS[name]
    model, datamodule = made(task)
    datamodule.setup("fit")
    images = datamodule.split("train")[0]
    levers = [lever for lever in LEVERS if lever != "bfloat16 penalty" or task.game == "wgan_gp"]
    loops: dict[str, Iterator[None]] = {
        lever: Resident(task, model, images, precision("cpu"), without=lever).steps() for lever in ("", *levers)
    }
    seconds: dict[str, list[float]] = {lever: [] for lever in loops}
    for turn in range(rounds + 1):
        for lever, steps in loops.items():
            begun = time.perf_counter()
            for _ in range(updates if turn else 1):
                next(steps)
            if turn:
                seconds[lever].append((time.perf_counter() - begun) / updates)
    ratios = {
        lever: round(median(s / base for s, base in zip(seconds[lever], seconds[""], strict=True)), 3)
        for lever in levers
    }
    return {"ms_per_update": round(1000 * median(seconds[""]), 2), **{f"without {k}": v for k, v in ratios.items()}}


def main() -> None:
    """Measures the three networks that a CPU trains, and writes the figures."""
    results = {"hardware": hardware(), "threads": torch.get_num_threads(), "versions": versions()}
    for name in ("dcgan_mnist", "wgan_gp_mnist", "wide_dcgan"):
        results[name] = measure(name, updates=1 if name == "wide_dcgan" else 4)
        print(name, json.dumps(results[name], indent=1), flush=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
