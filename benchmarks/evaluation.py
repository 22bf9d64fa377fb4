"""Evaluation's speed: FID against torch-fidelity on the same extractor, and the share of a training that scores take.

    pip install torch-fidelity
    python benchmarks/evaluation.py                                 # about 3 minutes on 2 cores
    python benchmarks/evaluation.py --shares dcgan_mnist gan_toy    # only shares, of these recipes

Both sides score the same 10,000 generated images, which lie in memory, against MNIST's test images and must find the
same number. They take turns; ratios are taken within a round, and the median over rounds is kept. Where other work goes
on beside it, processors' time says more than the clock's.
"""

import argparse
import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ganzoo import load
from ganzoo.cli import main as ganzoo
from ganzoo.common.curves import read_metrics
from ganzoo.common.errors import GanzooError
from ganzoo.common.hardware import hardware, versions
from ganzoo.common.images import to_uint8
from ganzoo.common.registry import find_recipe
from ganzoo.common.seeding import mix
from ganzoo.data import MNIST
from ganzoo.metrics.evaluation import Evaluation
from ganzoo.networks.classifiers import load_classifier, shipped
from ganzoo.tools.compare.runs import Contender
from ganzoo.training.rehearsal import average_value

RESULTS = Path(__file__).with_name("results") / "evaluation.json"
SAMPLES, BATCH = 10_000, 500
CACHED = ", real features cached"
# Generator updates between two validations of a short run; perceptrons take more of them in the same time.
RECIPES = {
    "dcgan_mnist": 20,
    "wgan_gp_mnist": 20,
    "wgan_mnist": 20,
    "gan_mnist": 100,
    "gan_toy": 500,
    "wgan_gp_digits": 100,
}
PASSES = 3  # validations of a short run


class Drawn:
    """Stands in for a model: its samples are there already, as bytes."""

    device = torch.device("cpu")

    def __init__(self, images: Tensor) -> None:
        self.images = images
        self.part = {mix(0, k): images[k * BATCH : (k + 1) * BATCH] for k in range(SAMPLES // BATCH)}

    def sample(self, n: int, seed: int) -> Tensor:
        """Returns the part of the images that belongs to a seed, in [-1, 1]."""
        return self.part[seed][:n].float().div_(127.5).sub_(1)


class Bytes(Dataset):
    """Images as torch-fidelity takes them."""

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return self.images[index]


def ours(fake: Tensor, data: MNIST, cache: bool) -> float:
    """Returns ganzoo's FID."""
    evaluation = Evaluation(data, "mnist", ["fid"], SAMPLES, BATCH, cache=cache)
    (score,) = evaluation.scores(Drawn(fake), evaluation.collect()).values()
    return score


def theirs(fake: Tensor, data: MNIST, cache: str | None, **options: Any) -> float:
    """Returns torch-fidelity's FID."""
    import torch_fidelity

    real = Bytes(data.split("test")[0])
    found = torch_fidelity.calculate_metrics(
        input1=Bytes(fake),
        input2=real,
        input2_cache_name="mnist-test" if cache else None,
        fid=True,
        feature_extractor="ganzoo-mnist",
        cuda=False,
        cache=cache is not None,
        cache_root=cache,
        verbose=False,
        **options,
    )
    return found["frechet_inception_distance"]


def register() -> None:
    """Makes our classifier one of torch-fidelity's feature extractors."""
    from torch_fidelity.feature_extractor_base import FeatureExtractorBase
    from torch_fidelity.registry import register_feature_extractor

    class Extractor(FeatureExtractorBase):
        def __init__(self, name: str, features_list: list[str], **kwargs: Any) -> None:
            super().__init__(name, features_list)
            self.network = load_classifier(shipped("mnist"))

        @staticmethod
        def get_provided_features_list() -> tuple[str]:
            return ("hidden",)

        @staticmethod
        def get_default_feature_layer_for_metric(metric: str) -> str:
            return "hidden"

        @staticmethod
        def can_be_compiled() -> bool:
            return False

        def forward(self, x: Tensor) -> tuple[Tensor]:
            return (self.network(x.float().div(127.5).sub(1))[0],)

    register_feature_extractor("ganzoo-mnist", Extractor)


def fid(rounds: int) -> dict[str, Any]:
    """Lets both sides score the same images in turn, with and without features of real images from an earlier time."""
    register()
    data = MNIST(size=32)
    model = load("dcgan-mnist")
    drawn = torch.cat([model.sample(BATCH, seed=mix(1, k)) for k in range(SAMPLES // BATCH)])
    fake = torch.from_numpy(to_uint8(drawn)).permute(0, 3, 1, 2).contiguous()
    data.fingerprint("test")  # what a training knows already
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, XDG_CACHE_HOME=folder):
        # torch-fidelity has workers by default; without, and with other batches, it may be faster
        settings = [{}, {"save_cpu_ram": True}, {"save_cpu_ram": True, "batch_size": BATCH}]
        trials = [timed(lambda options=options: theirs(fake, data, None, **options))[0] for options in settings]
        best = settings[trials.index(min(trials))]
        sides: dict[str, Callable[[], float]] = {
            "ganzoo": lambda: ours(fake, data, cache=False),
            "torch-fidelity": lambda: theirs(fake, data, None, **best),
            f"ganzoo{CACHED}": lambda: ours(fake, data, cache=True),
            f"torch-fidelity{CACHED}": lambda: theirs(fake, data, folder, **best),
        }
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        busy: dict[str, list[float]] = {name: [] for name in sides}
        values: dict[str, float] = {}
        for turn in range(rounds + 1):  # the first one warms up and fills the caches
            for name in sides if turn % 2 else reversed(sides):
                spent, worked, values[name] = timed(sides[name])
                if turn:
                    seconds[name].append(spent)
                    busy[name].append(worked)
    reference = values["torch-fidelity"]
    apart = max(abs(value / reference - 1) for value in values.values())
    if apart > 1e-3:
        raise SystemExit(f"the two sides do not find the same number: {values}")
    return {
        "samples": SAMPLES,
        "versions": {**versions(), "torch-fidelity": version("torch-fidelity")},
        "torch_fidelity_settings": best,
        "torch_fidelity_settings_tried_seconds": [round(trial, 3) for trial in trials],
        "fid": values,
        "largest_relative_difference": apart,
        "seconds": {name: [round(s, 3) for s in spent] for name, spent in seconds.items()},
        "processor_seconds": {name: [round(s, 3) for s in spent] for name, spent in busy.items()},
        "ganzoo/torch-fidelity": {
            what: {
                "time": ratio(seconds[f"ganzoo{name}"], seconds[f"torch-fidelity{name}"]),
                "processor_time": ratio(busy[f"ganzoo{name}"], busy[f"torch-fidelity{name}"]),
            }
            for what, name in (("nothing_cached", ""), ("real_features_cached", CACHED))
        },
    }


def timed(call: Callable[[], float]) -> tuple[float, float, float]:
    """Returns a call's seconds, those of processors that it and its processes have used, and its result."""
    begun, before = time.perf_counter(), sum(os.times()[:4])
    result = call()
    return time.perf_counter() - begun, sum(os.times()[:4]) - before, result


def ratio(ours: list[float], theirs: list[float]) -> dict[str, float]:
    """Returns the median of the ratios within a round, the lowest and the highest."""
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    return {"median": round(median(ratios), 3), "low": round(ratios[0], 3), "high": round(ratios[-1], 3)}


def share(recipe: str) -> dict[str, Any]:
    """Trains a recipe for a few steps, and works out what share of a whole run its own settings give to scores."""
    entry = Contender(recipe, find_recipe(recipe), [], 2)
    trainer, between = entry.recipe.config.trainer, RECIPES.get(recipe, 20)
    (counted,) = (player for player in entry.recipe.model.players() if player.counted)
    every = average_value(counted.every)  # batches to a generator update
    with tempfile.TemporaryDirectory() as runs, Path(os.devnull).open("w") as nowhere:
        words = ["fit", "--recipe", recipe, "--runs", runs, "--trainer.max_steps", PASSES * between]
        words += ["--trainer.val_check_interval", round(between * every), "--trainer.log_every_n_steps", 10]
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            status = ganzoo([str(word) for word in [*words, "--trainer.enable_progress_bar", "false"]])
        if status:
            raise SystemExit(f"the training of {recipe} failed")
        log = read_metrics(next(Path(runs).glob("*/*/metrics.csv")))
    clock, (at, total) = log["time"], log["time_quality"]
    first, *later = np.diff(total, prepend=0.0)
    # between log steps without a validation, which would also write a checkpoint
    spans = np.diff(clock.values) / np.diff(clock.steps)
    quiet = [not ((at >= a) & (at < b)).any() for a, b in pairwise(clock.steps)]
    per_step = median(spans[quiet])
    evaluations = int(trainer.max_steps * every // trainer.val_check_interval)
    scores, steps = first + evaluations * median(later), trainer.max_steps * per_step
    return {
        "seconds_per_update": round(per_step, 4),
        "seconds_of_first_evaluation": round(first, 3),
        "seconds_per_evaluation": round(median(later), 3),
        "updates": trainer.max_steps,
        "evaluations": evaluations,
        "share": round(scores / (scores + steps), 4),
    }


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shares", nargs="+", metavar="RECIPE", help="measure these recipes' shares, and no FID")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    about = {"hardware": hardware(), "threads": torch.get_num_threads(), "load": round(os.getloadavg()[0], 1)}
    results = json.loads(args.out.read_text()) if args.out.is_file() else {}

    def keep(found: dict[str, Any]) -> None:
        print(json.dumps(found, indent=1), flush=True)
        args.out.parent.mkdir(exist_ok=True)
        args.out.write_text(json.dumps(results, indent=1) + "\n")

    if args.shares is None:
        try:
            results["fid"] = {**about, **fid(args.rounds)}
        except ImportError as error:
            raise SystemExit(f"{error}; pip install torch-fidelity") from error
        keep(results["fid"])
    for recipe in args.shares or RECIPES:
        try:
            found = {**about, "versions": versions(), **share(recipe)}
        except GanzooError as error:
            raise SystemExit(str(error)) from error
        results.setdefault("shares", {})[recipe] = found
        keep({recipe: found})


if __name__ == "__main__":
    main()
