"""Measures how many seconds of training it takes until samples are as good as some marks.

    python benchmarks/speedrun.py                 # every track, three seeds; leave the machine alone meanwhile
    python benchmarks/speedrun.py mnist_labels --entrants cgan_mnist_fast --seeds 0

An entrant is a recipe, trained by `ganzoo fit` in a process of its own, or the tutorial's loop (`loops.Tutorial`). Its
clock runs from the start of the process on: imports, reading of the data, scores of the untrained model, validations
and the last checkpoint count. At times fixed beforehand, each a fifth later than the one before, the averaged generator
is written down, off the clock, and scored once the run has ended: a FID of 10,000 samples. An entrant has reached a
mark at the first of its snapshots that is no worse. Whoever has not at the end of its run, or after its limit, has not
reached it. Results go to results/speedrun.json beside this file; tables are printed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from loops import Task, Tutorial
from throughput import made, pictures

from ganzoo import from_recipe
from ganzoo.common.hardware import hardware, precision, versions
from ganzoo.metrics.evaluation import Evaluation

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "speedrun.json"
FIRST, GROWTH = 10.0, 1.2  # seconds of the first snapshot, and how much later each following one is
SAMPLES = 10_000
TUTORIAL = "tutorial"
TUTORIAL_TASK = Task("dcgan_mnist", "gan", (2e-4, 2e-4), (0.5, 0.999))


@dataclass(frozen=True)
class Track:
    """Marks to reach, and who tries.

    Args:
        title: heading of its table.
        features: extractor of the FID.
        marks: FIDs to reach, falling.
        entrants: recipes, or `TUTORIAL`, and the seconds after which each is stopped.
    """

    title: str
    features: str
    marks: tuple[float, ...]
    entrants: dict[str, float]


TRACKS = {
    "mnist": Track(
        "MNIST, without labels",
        "mnist",
        (2.0, 1.0, 0.5),
        {"infogan_mnist": 1200, "dcgan_mnist": 3600, TUTORIAL: 3600},
    ),
    "mnist_labels": Track(
        "MNIST, with labels",
        "mnist",
        (2.0, 1.0, 0.5),
        {"cgan_mnist_fast": 400, "cgan_mnist": 2400, "projection_gan_mnist": 2400},
    ),
}


def times(limit: float) -> list[float]:
    """Returns the seconds of the snapshots until a limit, which is the last of them."""
    found = [FIRST]
    while found[-1] * GROWTH < limit:
        found.append(found[-1] * GROWTH)
    return [round(one, 2) for one in found if one < limit] + [limit]


def run_recipe(recipe: str, seed: int, limit: float, folder: Path, threads: int, words: Sequence[str] = ()) -> None:
    """Trains a recipe in a process of its own, and leaves its snapshots in a folder."""
    begun = time.time()
    callback = ["--trainer.callbacks+=clock.Snapshots", f"--trainer.callbacks.folder={folder}"]
    callback += [f"--trainer.callbacks.begun={begun}", f"--trainer.callbacks.at={times(limit)}"]
    command = [sys.executable, "-m", "ganzoo", "fit", "--recipe", recipe, "--seed_everything", str(seed), *callback]
    command += ["--runs", str(folder / "runs"), "--threads", str(threads), *words]
    here = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    with (folder / "fit.log").open("w") as log:
        status = subprocess.call(command, stdout=log, stderr=log, env=os.environ | {"PYTHONPATH": here})
    if status:
        raise SystemExit(f"{recipe}, seed {seed}: {(folder / 'fit.log').read_text()[-500:]}")


def run_tutorial(seed: int, limit: float, folder: Path, threads: int) -> None:
    """Runs the tutorial's loop in a process of its own, and leaves snapshots of its generator in a folder."""
    words = [sys.executable, __file__, "--tutorial", str(folder), "--seeds", str(seed), "--threads", str(threads)]
    subprocess.run([*words, "--begun", str(time.time()), "--limit", str(limit)], check=True)


def tutorial(seed: int, begun: float, limit: float, folder: Path) -> None:
    """Trains by the tutorial's loop until a limit."""
    torch.manual_seed(seed)
    model, datamodule = made(TUTORIAL_TASK)
    loop, at, spent = Tutorial(TUTORIAL_TASK, model, pictures(datamodule)), times(limit), 0.0
    for updates, _ in enumerate(loop.steps(), 1):
        now = time.time() - begun - spent
        if now < at[0]:
            continue
        state = {"seconds": round(now, 2), "updates": updates, "state": loop.generator.state_dict()}
        torch.save(state, folder / f"{now:08.2f}.pt")
        at = [later for later in at if later > now]
        if not at:
            return
        spent = time.time() - begun - now


def network_of(entrant: str) -> tuple[Any, Any]:
    """Returns a model whose averaged generator takes an entrant's snapshots, and its data."""
    if entrant != TUTORIAL:
        model, datamodule, _ = from_recipe(entrant, trainer__logger=False)
        return model, datamodule
    model, datamodule = made(TUTORIAL_TASK)
    model.averages["generator"].module = Tutorial(TUTORIAL_TASK, model, None).generator
    return model, datamodule


def curve(entrant: str, folder: Path, track: Track, samples: int = SAMPLES) -> Iterator[dict[str, float]]:
    """Yields seconds, updates and FID of a run's snapshots in the order of their times, until all marks are reached."""
    model, datamodule = network_of(entrant)
    datamodule.setup("test")
    evaluation = Evaluation(datamodule, track.features, ["fid"], samples)
    collected = evaluation.collect()
    for file in sorted(folder.glob("*.pt")):
        snapshot = torch.load(file, weights_only=True)
        model.averaged("generator").load_state_dict(snapshot.pop("state"))
        (fid,) = evaluation.scores(model, collected).values()
        yield {**snapshot, "fid": round(fid, 3)}
        if fid <= track.marks[-1]:
            return


def reached(points: Sequence[dict[str, float]], marks: Sequence[float]) -> dict[str, float | None]:
    """Returns the seconds of the first point that is no worse than each mark; None where there is none."""
    return {str(mark): next((point["seconds"] for point in points if point["fid"] <= mark), None) for mark in marks}


def seconds_text(found: Sequence[float | None]) -> str:
    """Returns seconds over seeds in words: their mean and standard deviation, or how many reached the mark at all."""
    there = [one for one in found if one is not None]
    if len(there) < len(found):
        return f"{len(there)} of {len(found)} seeds" if there else "not reached"
    return f"{mean(there):.0f}" + (f" ± {stdev(there):.0f}" if len(there) > 1 else "")


def table(name: str, report: dict[str, Any]) -> str:
    """Returns a track's table in Markdown."""
    track, runs = TRACKS[name], report["tracks"][name]
    heads = [f"FID {mark:g}, s" for mark in track.marks]
    lines = [f"**{track.title}**", "", f"| entrant | {' | '.join(heads)} | best FID, after | seeds |"]
    lines.append("| --- |" + " ---: |" * (len(heads) + 2))
    for entrant, seeds in runs.items():
        cells = [seconds_text([run["reached"][str(mark)] for run in seeds.values()]) for mark in track.marks]
        best = min((point for run in seeds.values() for point in run["points"]), key=lambda point: point["fid"])
        shown = "tutorial's DCGAN loop" if entrant == TUTORIAL else f"`{entrant}`"
        cells += [f"{best['fid']:.2f}, {best['seconds']:.0f} s", ", ".join(seeds)]
        lines.append(f"| {shown} | {' | '.join(cells)} |")
    return "\n".join(lines)


def tables(report: dict[str, Any]) -> str:
    """Returns the tables of all tracks that were run, and under which conditions."""
    conditions = f"{report['threads']} thread(s), torch {report['versions']['torch']}, {report['precision']}"
    about = (
        "Seconds from the start of the process, mean ± standard deviation (n − 1) over seeds, on "
        f"{report['hardware']}, {conditions}; FID is of {SAMPLES:,} samples against the test split."
    )
    return "\n\n".join([*(table(name, report) for name in TRACKS if name in report["tracks"]), about])


def main() -> None:
    """Measures, and writes results after every run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tracks", nargs="*", default=list(TRACKS), help=", ".join(TRACKS))
    parser.add_argument("--entrants", nargs="+", help="only these")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--tutorial", type=Path, help=argparse.SUPPRESS)  # the folder of the process that runs it
    parser.add_argument("--begun", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.tutorial:
        torch.set_num_threads(options.threads)
        tutorial(options.seeds[0], options.begun, options.limit, options.tutorial)
        return
    report = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {"tracks": {}}
    report |= {"hardware": hardware(), "versions": versions(), "precision": precision("cpu")}
    report["threads"] = options.threads
    for name in options.tracks:
        track = TRACKS[name]
        for entrant, limit in track.entrants.items():
            if options.entrants and entrant not in options.entrants:
                continue
            for seed in options.seeds:
                with tempfile.TemporaryDirectory() as where:
                    folder = Path(where)
                    if entrant == TUTORIAL:
                        run_tutorial(seed, limit, folder, options.threads)
                    else:
                        run_recipe(entrant, seed, limit, folder, options.threads)
                    points = list(curve(entrant, folder, track))
                run = {"reached": reached(points, track.marks), "points": points}
                report["tracks"].setdefault(name, {}).setdefault(entrant, {})[str(seed)] = run
                print(name, entrant, seed, run["reached"], points[-1], flush=True)
                RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    print(tables(report))


if __name__ == "__main__":
    main()
