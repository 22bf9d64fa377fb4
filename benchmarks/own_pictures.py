"""Measures what a training step on one's own pictures takes, for docs/own_pictures.md.

`python benchmarks/own_pictures.py` cuts 60 pictures out of scikit-learn's two photographs and trains `dcgan_faces` on
them by the one command at several sides, for few steps and for more; the difference is the steps'. It counts a
thread's processor time, so that other work on the machine matters little, writes results/own_pictures.json beside this
file and puts the table into the page.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from sklearn.datasets import load_sample_images

from ganzoo.common.hardware import hardware, versions
from ganzoo.common.readme import between_markers

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "results" / "own_pictures.json", HERE.parent / "docs" / "own_pictures.md"
COUNT = 60


def crops(folder: Path) -> None:
    """Cuts 60 pictures of 140x140 pixels out of scikit-learn's photographs."""
    for number, pixels in enumerate(load_sample_images().images):
        photograph = Image.fromarray(pixels)
        for place in range(COUNT // 2):
            left, top = place % 6 * 100, place // 6 * 66
            photograph.crop((left, top, left + 140, top + 140)).save(folder / f"{number}_{place:02}.jpg")


def processor_seconds(pictures: Path, size: int, steps: int, runs: Path) -> float:
    """Trains so many steps in a process of one thread; returns its processor time in seconds."""
    words = ["fit", "--recipe", "dcgan_faces", "--data.root", pictures, "--data.size", size, "--runs", runs]
    words += ["--trainer.max_steps", steps, "--trainer.val_check_interval", 10**6, "--trainer.accelerator", "cpu"]
    words += ["--trainer.enable_progress_bar", "false", "--trainer.precision", "32-true", "--grid.every", 10**6]
    command = [sys.executable, "-m", "ganzoo", *map(str, words), "--threads", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    return usage.ru_utime + usage.ru_stime


def table(report: dict) -> str:
    """Returns the page's table."""
    lines = ["| side | a step | 1,000 steps | the recipe's 8,000 steps |", "| ---: | ---: | ---: | ---: |"]
    for size, seconds in report["seconds_per_step"].items():
        thousand, whole = (f"{count * seconds / 60:.0f} min" for count in (1000, 8000))
        lines.append(f"| {size} | {seconds:.2f} s | {thousand} | {whole} |")
    about = f"Processor time of one thread of {report['hardware']}, torch {report['versions']['torch']}, float32"
    lines += ["", f"{about}; batches of 32, {report['pictures']} pictures, {report['steps']} steps measured."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures, and writes report and table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 64, 96], help="sides in pixels")
    parser.add_argument("--steps", type=int, default=40, help="steps that are measured")
    options = parser.parse_args()
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder, "pictures")
        pictures.mkdir()
        crops(pictures)
        for size in options.sizes:
            few, more = (processor_seconds(pictures, size, n, Path(folder, "runs")) for n in (1, 1 + options.steps))
            seconds[size] = round((more - few) / options.steps, 3)
            print(size, seconds[size], flush=True)
    about = {"hardware": hardware(), "versions": versions(), "pictures": COUNT, "steps": options.steps}
    report = {**about, "seconds_per_step": seconds}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    between_markers(PAGE, table(report), "own-pictures")


if __name__ == "__main__":
    main()
