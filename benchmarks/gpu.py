"""Measurements on one GPU, in at most eight minutes; see `gpu.sh`."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OUT = Path(os.environ.get("OUT", HERE / "results"))
ACCELERATOR = os.environ.get("ACCELERATOR", "gpu")
SHORT = bool(os.environ.get("SHORT"))  # a rehearsal of this script
SECONDS = 2.0 if SHORT else 8.0  # that a rate is timed for
CHILD = """
import sys
import clock
from ganzoo.cli import main
clock.REPORT, clock.SECONDS = sys.stdout, float(sys.argv[1])
sys.stdout = sys.stderr
sys.exit(main(sys.argv[2:]))
"""
RATES = {"digits": ["wgan_gp_digits"], "dcgan": ["dcgan_mnist"], "wgan_gp": ["wgan_gp_mnist"]}


def run(words: list[str], limit: float) -> dict[str, Any]:
    """Runs a command for at most so many seconds; returns its status, its seconds, and the end of what it printed."""
    begun = time.perf_counter()
    path = os.pathsep.join([str(HERE.parent), str(HERE), os.environ.get("PYTHONPATH", "")])
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=limit, check=False, cwd=HERE.parent,
            env=dict(os.environ) | {"PYTHONPATH": path},
        )  # fmt: skip
        status, out, err = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as error:
        status, out, err = 124, _text(error.stdout), _text(error.stderr)
    seconds = round(time.perf_counter() - begun, 1)
    return {"status": status, "seconds": seconds, "out": out[-2000:], "err": err[-2000:]}


def _text(content: bytes | str | None) -> str:
    return content.decode(errors="replace") if isinstance(content, bytes) else content or ""


def rate(recipe: str, *more: str) -> dict[str, Any]:
    """Returns the generator updates per second of a recipe's run."""
    words = ["fit", "--recipe", recipe, "--trainer.accelerator", ACCELERATOR, "--trainer.callbacks+=clock.Rate"]
    words += ["--trainer.limit_val_batches=0", "--trainer.logger=false", "--trainer.enable_progress_bar=false"]
    done = run([sys.executable, "-c", CHILD, str(SECONDS), *words, "--runs", str(OUT / "runs"), *more], 90)
    try:
        return json.loads(done["out"].strip().splitlines()[-1])
    except (IndexError, ValueError):
        return {"failed": (done["err"] or done["out"]).strip()[-300:]}


def main() -> None:
    """Measures one thing after the other, and writes what there is after each."""
    import torch

    from ganzoo.common.hardware import versions

    OUT.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "versions": versions(),
    }

    def keep(name: str, value: Any) -> None:
        results[name] = value
        (OUT / "gpu.json").write_text(json.dumps(results, indent=1) + "\n")
        print(name, json.dumps(value)[:300], flush=True)

    keep("tests", run([sys.executable, "-m", "pytest", "-m", "gpu", "-q", "tests/games", "tests/networks"], 150))
    for name, recipe in RATES.items():
        keep(f"{name}, eager", rate(*recipe))
        keep(f"{name}, captured", rate(*recipe, "--model.capture=true"))
    if not SHORT:
        file = OUT / "throughput.json"
        words = [sys.executable, "benchmarks/throughput.py", "dcgan_mnist", "--rounds", "3", "--out", str(file)]
        keep("throughput", run(words, 100))
    training = ["fit", "--recipe", "sngan_cifar10", "--trainer.accelerator", ACCELERATOR]
    training += ["--trainer.max_time", "00:00:00:10" if SHORT else "00:00:01:20", "--quality.samples", "500"]
    training += ["--trainer.enable_progress_bar", "false", "--runs", str(OUT / "runs")]
    keep("training at full width", run([sys.executable, "-m", "ganzoo", *training], 150))


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    main()
