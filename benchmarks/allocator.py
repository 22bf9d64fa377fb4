"""Measures what keeping freed memory in the process saves in a training step (`ganzoo.common.allocator`).

    python benchmarks/allocator.py

Commands with and without it take turns, each in a process of one thread that ends after some steps. It counts processor
time, so that other work on the machine matters little, and writes results/allocator.json beside this file;
`python benchmarks/summary.py` puts it into docs/speed.md.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from ganzoo.common.hardware import hardware, versions

RESULTS = Path(__file__).parent / "results" / "allocator.json"
RECIPES = {  # batches that are timed
    "dcgan_mnist": 60,
    "biggan_cifar10_small": 12,
    "stylegan2_cifar10_small": 12,
    "transgan_cifar10_small": 6,
    "vqgan_cifar10_small": 12,
}
OFF = {"MALLOC_PERTURB_": "0"}  # glibc's own default; that it is set at all keeps ganzoo from setting anything


def step(recipe: str, batches: int, keeps: bool, runs: str) -> dict[str, float]:
    """Trains a recipe for some batches; returns processor seconds and page faults of a batch, and peak memory in MB."""
    words = ["fit", "--recipe", recipe, "--runs", runs, "--threads", 1, "--trainer.max_steps", 10**6]
    words += ["--trainer.callbacks+=clock.Processor", f"--trainer.callbacks.batches={batches}"]
    words += [
        "--trainer.accelerator",
        "cpu",
        "--trainer.precision",
        "32-true",
        "--trainer.enable_progress_bar",
        "false",
    ]
    words += ["--quality.samples", 100]
    here = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    environment |= {"PYTHONPATH": here} | ({} if keeps else OFF)
    command = [sys.executable, "-m", "ganzoo", *map(str, words)]
    output = subprocess.check_output(command, text=True, env=environment, stderr=subprocess.STDOUT)
    return json.loads(output.splitlines()[-1])


def measure(recipe: str, batches: int, rounds: int) -> dict[str, Any]:
    """Returns the medians of both over rounds in which they take turns, and the ratio of processor times."""
    kept, plain = [], []
    with tempfile.TemporaryDirectory() as runs:
        for turn in range(rounds):
            for keeps in (True, False) if turn % 2 else (False, True):
                (kept if keeps else plain).append(step(recipe, batches, keeps, runs))
    ratios = sorted(ours["seconds"] / theirs["seconds"] for ours, theirs in zip(kept, plain, strict=True))

    def medians(runs: list[dict[str, float]]) -> dict[str, float]:
        return {name: round(median(run[name] for run in runs), 4) for name in runs[0]}

    ratio = {"median": round(median(ratios), 3), "low": round(ratios[0], 3), "high": round(ratios[-1], 3)}
    return {"kept": medians(kept), "plain": medians(plain), "ratio": ratio, "batches": batches, "rounds": rounds}


def main() -> None:
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recipes", nargs="*", default=list(RECIPES), help=", ".join(RECIPES))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    results |= {"hardware": hardware(), "versions": versions()}
    for recipe in options.recipes:
        results[recipe] = measure(recipe, RECIPES[recipe], options.rounds)
        print(recipe, json.dumps(results[recipe]), flush=True)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
