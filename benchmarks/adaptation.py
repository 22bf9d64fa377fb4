"""What domain adaptation gives: DANN on shifted MNIST with its reversal and without, several seeds each.

    python benchmarks/adaptation.py            # nine runs of about two minutes on one core

With and without, the same network trains on the very same batches from the same weights. The paper's network and its
gradient descent are a second baseline: the shift was fixed by its accuracy. Each run is scored once, at its last step,
so that the target's labels choose nothing. Runs that are there are used, and continued where they are behind.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
import yaml

from ganzoo.checkpoints.loading import load
from ganzoo.cli import main as ganzoo
from ganzoo.common.curves import read_metrics
from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write
from ganzoo.common.hardware import hardware, versions
from ganzoo.common.readme import between_markers
from ganzoo.data import MNIST, ShiftedMNIST
from ganzoo.metrics.scoring import score
from ganzoo.training.runs import read_progress

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "adaptation.json"
PAGE = HERE.parent / "docs" / "adaptation.md"
SOURCE_ONLY = ["--model.init_args.reversal", "0"]
PAPER = ["--model.init_args.features.init_args.norm", "none"]
PAPER += ["--model.init_args.optimizer", "torch.optim.SGD", "--model.init_args.lr", "0.01"]
VARIANTS = {"source only, as in the paper": SOURCE_ONLY + PAPER, "source only": SOURCE_ONLY, "DANN": []}
COLUMNS = {"target": "target accuracy", "source": "source accuracy", "domain": "domain classifier right"}


def train(variant: str, seed: int, runs: Path, words: Sequence[str] = ()) -> Path:
    """Trains a variant to its last step, from where it is; returns the run's folder.

    Raises:
        GanzooError: if the training fails.
    """
    folder = runs / "dann_mnist" / f"{variant.replace(',', '').replace(' ', '_')}_{seed}"
    last = folder / "last.ckpt"
    command = ["fit", "--recipe", "dann_mnist", *VARIANTS[variant], *words, "--seed_everything", str(seed)]
    command += ["--runs", str(runs), "--version", folder.name]
    if last.is_file():
        if read_progress(last)["steps"] == yaml.safe_load((folder / "recipe.yaml").read_text())["trainer"]["max_steps"]:
            return folder
        command += ["--ckpt_path", "last"]
    print(f"{variant}, seed {seed}", flush=True)
    if ganzoo(command):
        raise GanzooError(f"the training of '{folder}' failed.")
    return folder


def measure(folder: Path, root: str | None = None) -> dict[str, float]:
    """Returns the accuracy of a run's last weights on both domains' test splits, and its domain classifier's.

    Args:
        folder: the run's.
        root: folder of the data.
    """
    model = load(folder / "last.ckpt")
    (target,) = score(model, ShiftedMNIST(root), metrics=["accuracy"]).values()
    images, labels = MNIST(root, size=28).split("test")
    right = model.classify(images.float() / 127.5 - 1).argmax(1) == labels  # type: ignore[operator]
    domain = read_metrics(folder / "metrics.csv")["c/acc_domain"].values
    found = {
        "target": target,
        "source": right.double().mean().item(),
        "domain": domain[-max(len(domain) // 10, 1) :].mean(),
    }
    return {name: round(float(number), 4) for name, number in found.items()}


def table(results: dict[str, Any]) -> str:
    """Returns the results in Markdown."""
    runs, seeds = results["runs"], results["seeds"]
    lines = ["| training | " + " | ".join(COLUMNS.values()) + " |", "| --- |" + " ---: |" * len(COLUMNS)]
    for variant, found in runs.items():
        lines.append(f"| {variant} | " + " | ".join(percent([run[name] for run in found]) for name in COLUMNS) + " |")
    lifts = {}
    for variant, found in runs.items():
        each = [100 * (adapted["target"] - plain["target"]) for adapted, plain in zip(runs["DANN"], found, strict=True)]
        lifts[variant] = f"{mean(each):.1f} points over '{variant}' ({', '.join(f'{lift:+.1f}' for lift in each)}"
    told = "), and by ".join(text for variant, text in lifts.items() if variant != "DANN")
    lines += [
        "",
        f"Adaptation lifts the target's accuracy by {told} with training seeds "
        f"{', '.join(map(str, seeds))}). Means ± standard deviations (n - 1) over the seeds, on both domains' test "
        "splits, 10,000 images each, at the last step; the domain classifier's is that of the last tenth of the "
        f"training. {results['steps']:,} steps on 64 images of each domain, on {results['hardware']}, torch "
        f"{results['versions']['torch']}. `python benchmarks/adaptation.py` writes this.",
    ]
    return "\n".join(lines)


def percent(shares: Sequence[float]) -> str:
    """Writes the mean of shares in percent, and their standard deviation where there are several."""
    spread = f" ± {100 * stdev(shares):.1f}" if len(shares) > 1 else ""
    return f"{100 * mean(shares):.1f}{spread}%"


def main(argv: Sequence[str] | None = None) -> None:
    """Trains what is missing, measures, and writes numbers and table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--runs", type=Path, default=Path("runs/adaptation"))
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--readme", type=Path, default=PAGE, help="the page with the table's markers")
    parser.add_argument("--root", help="folder of the data")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="overrides for every training")
    args = parser.parse_args(argv)
    words = [f"--{word}" for word in args.set] + ([] if args.root is None else ["--data.init_args.root", args.root])
    try:
        between_markers(args.readme, None, "adaptation")
        folders = {name: [train(name, seed, args.runs, words) for seed in args.seeds] for name in VARIANTS}
        runs = {name: [measure(folder, args.root) for folder in found] for name, found in folders.items()}
        steps = read_progress(folders["DANN"][0] / "last.ckpt")["steps"]
        about = {"hardware": hardware(), "threads": torch.get_num_threads(), "versions": versions()}
        results = {**about, "seeds": args.seeds, "steps": steps, "runs": runs}
        with atomic_write(args.out) as file:
            file.write_text(json.dumps(results, indent=1) + "\n")
        between_markers(args.readme, table(results), "adaptation")
    except GanzooError as error:
        raise SystemExit(str(error)) from error
    print(table(results))


if __name__ == "__main__":
    main()
