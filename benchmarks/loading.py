"""How long ganzoo takes to start and to load, and how fast it draws, against the least that either could take.

    python benchmarks/loading.py            # about three minutes on a busy core

A start is a whole process. Processes, and the two ways of drawing, take turns; differences and ratios are taken within
a round, so that a machine that slows down slows both sides, and the median over rounds is kept.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).parent / "results" / "loading.json"
FRAMEWORK = "import torch, lightning.pytorch"
DRAW = "import ganzoo; ganzoo.load('dcgan-mnist').sample(16)"
TIMED = f"""{FRAMEWORK}, time
begun, before = time.perf_counter(), time.process_time()
{DRAW}
print(time.perf_counter() - begun, time.process_time() - before)"""
STARTS = {
    "python": ["-c", "pass"],
    "ganzoo --help": ["-m", "ganzoo", "--help"],
    "ganzoo list": ["-m", "ganzoo", "list"],
    FRAMEWORK: ["-c", FRAMEWORK],
    DRAW: ["-c", TIMED],
}
HEAVY = ("torchvision", "torchmetrics", "matplotlib", "sklearn", "scipy", "PIL", "pandas", "huggingface_hub", "rich")
DRAWN = {"dcgan-mnist": 2048, "wgan-gp-mnist": 2048, "gan-mnist": 16384}


def start(words: list[str]) -> list[float]:
    """Runs `python WORDS` to its end; returns its seconds by the clock and on the processor, and what it prints."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, *words], stdout=subprocess.PIPE, text=True, check=True)
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    printed = [float(number) for number in done.stdout.split()] if words == STARTS[DRAW] else []
    return [seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, *printed]


def take_turns(rounds: int, doers: Mapping[str, Callable[[], Any]]) -> dict[str, list[Any]]:
    """Lets everyone do one thing per round; returns what they answered."""
    answers: dict[str, list[Any]] = {name: [] for name in doers}
    for turn in range(rounds + 1):
        for name, do in doers.items():
            answer = do()
            if turn:  # the first round warms caches
                answers[name].append(answer)
    return answers


def imported(code: str) -> list[str]:
    """Returns which of the heavy packages a process holds that has run `code`."""
    words = ["-c", f"{code}\nimport sys; print(*(set(sys.modules) & set({HEAVY})))"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
    return sorted(done.stdout.split())


def starts(rounds: int) -> dict[str, Any]:
    """Measures processes from their start to their end.

    What a process needs beyond another is the small difference of two large times; `within` is its own clock's time
    after the import of both frameworks, which other work on the machine disturbs less.
    """
    times = take_turns(rounds, {name: partial(start, words) for name, words in STARTS.items()})
    beyond = [
        [mine - theirs for mine, theirs in zip(*pair, strict=False)]  # what only one of them measures is left out
        for pair in zip(times[DRAW], times[FRAMEWORK], strict=True)
    ]
    framework, draw = imported(FRAMEWORK), imported(DRAW)
    return {
        "seconds": {name: round(median(t[0] for t in taken), 3) for name, taken in times.items()},
        "processor_seconds": {name: round(median(t[1] for t in taken), 3) for name, taken in times.items()},
        "beyond": {
            "seconds": round(median(t[0] for t in beyond), 3),
            "processor_seconds": round(median(t[1] for t in beyond), 3),
            "seconds_within": round(median(t[2] for t in times[DRAW]), 3),
            "processor_seconds_within": round(median(t[3] for t in times[DRAW]), 3),
            "target": 1.0,
        },
        "imports": {FRAMEWORK: framework, "more for ganzoo": sorted(set(draw) - set(framework))},
    }


def drawing(name: str, n: int, rounds: int) -> dict[str, Any]:
    """Measures `model.sample(n)` against its generator alone: the same batches, in inference mode, into one tensor."""
    import torch

    import ganzoo
    from ganzoo.games.sampler import SAMPLE_BATCH

    torch.set_num_threads(1)
    model = ganzoo.load(name)
    generator = model.averaged("generator")

    @torch.inference_mode()
    def bare() -> None:
        torch.cat([generator(torch.randn(SAMPLE_BATCH, generator.latent_dim)) for _ in range(n // SAMPLE_BATCH)])

    def timed(do: Callable[[], Any]) -> tuple[float, float]:
        before, begun = time.process_time(), time.perf_counter()
        do()
        return time.perf_counter() - begun, time.process_time() - before

    times = take_turns(rounds, {"sample": partial(timed, lambda: model.sample(n)), "bare": partial(timed, bare)})
    mine, theirs = times["sample"], times["bare"]
    return {
        "n": n,
        "batch": SAMPLE_BATCH,
        "samples_per_second": round(n / median(t[0] for t in mine)),
        "ratio": round(median(a[0] / b[0] for a, b in zip(mine, theirs, strict=True)), 4),
        "processor_ratio": round(median(a[1] / b[1] for a, b in zip(mine, theirs, strict=True)), 4),
        "target": 1.03,
    }


def main() -> None:
    """Measures, prints, and writes the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often each process is started (7)")
    parser.add_argument("-o", "--out", type=Path, default=RESULTS, help="where the results go")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    from ganzoo.common.files import atomic_write
    from ganzoo.common.hardware import hardware, versions

    results: dict[str, Any] = {"machine": f"{hardware()}, 1 thread", "versions": versions(), "rounds": options.rounds}
    results["start"] = starts(options.rounds)
    results["sampling"] = {name: drawing(name, n, 3 * options.rounds) for name, n in DRAWN.items()}
    results["load_average"] = round(os.getloadavg()[0], 2)
    with atomic_write(options.out) as file:
        file.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
