"""Toy laboratory: every objective and every cure for mode collapse on points in the plane, in one figure.

Same tiny networks, same budget, same data for all, so that what differs is the method. `ganzoo lab` runs it.
"""

import csv
import json
import logging
import os
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import lightning.pytorch as pl
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.common.errors import GanzooError, nearest, require_at_least
from ganzoo.common.files import atomic_write
from ganzoo.common.hardware import hardware, versions
from ganzoo.common.readme import between_markers
from ganzoo.data import Toy2D
from ganzoo.games.gan import GAN
from ganzoo.games.schedules import Schedule
from ganzoo.metrics.scoring import score
from ganzoo.networks.autoencoder import Autoencoder, MLPEncoder
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator
from ganzoo.tools.lab.results import STD, LabResult

KINDS = ("ring", "grid", "swiss_roll")
LATENT, HIDDEN, BATCH, SAMPLES = 8, (128, 128, 128), 128, 2500


@dataclass(frozen=True)
class Method:
    """Method that the laboratory compares: a model and how it departs from the common settings.

    Args:
        model: the class, within `ganzoo.models`.
        options: its arguments, where they depart from `COMMON`.
        stabilisers: classes within `ganzoo.stabilisers`, and their arguments.
        critic: how its discriminator differs: `spectral`, `autoencoder`, `encoder`, or a `minibatch` layer's name.
    """

    model: str = "gan.VanillaGAN"
    options: dict[str, Any] = field(default_factory=dict)
    stabilisers: dict[str, dict[str, Any]] = field(default_factory=dict)
    critic: str = ""

    @property
    def rates(self) -> tuple[float, float]:
        """Learning rates of generator and discriminator, before they fall."""
        options = COMMON | self.options
        return options["g_lr"], options["d_lr"]


# A generator ten times as fast as its discriminator is what Metz et al. 2017 show mode collapse with (appendix A): the
# plain game and what is to cure it play at these very rates, other objectives at even ones, unless a name says so.
FALL = Schedule([1.0, 1.0, 0.0], [0.0, 0.5, 1.0], "linear")
COMMON: dict[str, Any] = {"g_lr": 2e-3, "d_lr": 2e-4, "lr_factor": FALL, "ema": None}
EVEN: dict[str, Any] = {"g_lr": 1e-3, "d_lr": 1e-3}
TENFOLD: dict[str, Any] = {"g_lr": COMMON["g_lr"], "d_lr": COMMON["d_lr"]}
LAYERS = ("discrimination", "stddev")  # of `MLPDiscriminator.minibatch`
CRITICS: dict[str, Any] = EVEN | {"n_critic": 5, "betas": (0.0, 0.9)}
METHODS = {
    "minimax": Method(options={"saturating": True}),
    "vanilla": Method(),
    "vanilla, even rates": Method(options=EVEN),
    "LSGAN": Method("lsgan.LSGAN", EVEN),
    "hinge + SN": Method("sngan.SNGAN", EVEN | {"n_critic": 2}, critic="spectral"),
    "WGAN": Method("wgan.WGAN", {"n_critic": 5, "clip": 0.1, "g_lr": 5e-4, "d_lr": 5e-4}),
    "WGAN-GP": Method("wgan_gp.WGANGP", CRITICS | {"gp_weight": 0.1}),
    "DRAGAN": Method("dragan.DRAGAN", EVEN | {"gp_weight": 1.0}),
    "logistic + R1": Method("r1gan.R1GAN", EVEN | {"gamma": 0.1, "optimizer": torch.optim.Adam}),
    "RSGAN": Method("ragan.RaGAN", EVEN | {"average": False}),
    "RaSGAN": Method("ragan.RaGAN", EVEN),
    "f-GAN, KL": Method("fgan.FGAN", EVEN | {"divergence": "kl"}),
    "f-GAN, reverse KL": Method("fgan.FGAN", EVEN | {"divergence": "reverse_kl"}),
    "f-GAN, Pearson": Method("fgan.FGAN", EVEN | {"divergence": "pearson"}),
    "f-GAN, Hellinger": Method("fgan.FGAN", EVEN | {"divergence": "squared_hellinger"}),
    "f-GAN, JS": Method("fgan.FGAN", EVEN | {"divergence": "js"}),
    "f-GAN, GAN": Method("fgan.FGAN", EVEN | {"divergence": "gan"}),
    "MMD GAN": Method("mmd_gan.MMDGAN", {"clip": 0.1, "g_lr": 5e-4, "d_lr": 5e-4}, critic="encoder"),
    "EBGAN": Method("ebgan.EBGAN", EVEN | {"margin": 0.3}, critic="autoencoder"),
    "BEGAN": Method("began.BEGAN", EVEN | {"gamma": 0.75}, critic="autoencoder"),
    "vanilla + unrolled": Method(stabilisers={"Unrolled": {"steps": 5, "lr": 0.02, "zero_sum": True}}),
    "vanilla + minibatch discrimination": Method(critic="discrimination"),
    "vanilla + minibatch std-dev": Method(critic="stddev"),
    "vanilla + mode-seeking": Method(stabilisers={"ModeSeeking": {"weight": 0.1}}),
    "vanilla + feature matching": Method(stabilisers={"FeatureMatching": {}}),
    "vanilla + instance noise": Method(stabilisers={"InstanceNoise": {"sigma": 0.1}}),
}
SHEET = tuple(METHODS)  # what the figure shows
RIVALS = ("WGAN-GP", "LSGAN", "DRAGAN", "logistic + R1", "RaSGAN")
METHODS |= {f"{name}, 10:1": replace(METHODS[name], options=METHODS[name].options | TENFOLD) for name in RIVALS}
CURES = (
    "vanilla",
    "vanilla + unrolled",
    "vanilla + minibatch discrimination",
    "vanilla + mode-seeking",
    "vanilla + feature matching",
    *(f"{name}, 10:1" for name in RIVALS),
    "vanilla, even rates",
    *RIVALS,
)


def settings_text(name: str) -> str:
    """Returns everything that a method's runs depend on, beside data set, seed and steps, as text."""
    return repr((METHODS[name], COMMON, LATENT, HIDDEN, BATCH, SAMPLES, STD))


def build_game(method: Method) -> GAN:
    """Returns a method's game, with the networks that all of them share."""
    generator = MLPGenerator([2], LATENT, HIDDEN, squash=False)
    module, _, name = method.model.rpartition(".")
    kind: type[GAN] = getattr(import_module(f"ganzoo.models.{module}"), name)
    stabilisers = import_module("ganzoo.stabilisers")
    switched_on = [getattr(stabilisers, name)(**arguments) for name, arguments in method.stabilisers.items()]
    return kind(generator, build_critic(method.critic), **COMMON | method.options, stabilisers=switched_on)


def build_critic(kind: str) -> nn.Module:
    """Returns a discriminator: the common one, with or without something, or an autoencoder."""
    if kind in {"autoencoder", "encoder"}:
        encoder = MLPEncoder([2], code_dim=LATENT, hidden=HIDDEN)
        return encoder if kind == "encoder" else Autoencoder(encoder, MLPGenerator([2], LATENT, HIDDEN, squash=False))
    layer: Any = kind if kind in LAYERS else "none"
    discriminator = MLPDiscriminator([2], HIDDEN, dropout=0.0, minibatch=layer)
    if kind == "spectral":
        for linear in discriminator.net:
            if isinstance(linear, nn.Linear):
                spectral_norm(linear)
    return discriminator


def train_method(name: str, kind: str, seed: int, steps: int) -> LabResult:
    """Trains one method on one data set and scores its last state."""
    pl.seed_everything(seed, verbose=False)
    model, data = build_game(METHODS[name]), Toy2D(kind, batch_size=BATCH, std=STD)  # type: ignore[arg-type]
    begun = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = pl.Trainer(
            accelerator="cpu",
            max_epochs=-1,
            max_steps=steps,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            limit_val_batches=0,
            num_sanity_val_steps=0,
        )
        trainer.fit(model, data)
    seconds = time.perf_counter() - begun
    by_key = score(model, data, samples=SAMPLES, seed=seed, cache=False)
    scores = {key.partition("[")[0]: number for key, number in by_key.items()}
    points = model.sample(1000, seed=seed).tolist()
    points = [[round(v, 3) for v in point] for point in points]
    return LabResult(name, kind, seed, steps, round(seconds, 1), scores, points, settings_text(name))


def read_result(file: Path, name: str) -> LabResult | None:
    """Returns an earlier run's result, if there is one and its method still has the same settings."""
    if not file.is_file():
        return None
    result = LabResult(**json.loads(file.read_text()))
    return result if result.settings == settings_text(name) else None


def run_laboratory(
    out: Path,
    names: Sequence[str] = SHEET,
    kinds: Sequence[str] = KINDS,
    seeds: Sequence[int] = (0,),
    steps: int = 4000,
    readme: Path | None = None,
) -> list[LabResult]:
    """Trains what is missing and writes `lab.png`, `lab.md`, `lab.csv` and the runs themselves under `out/runs`.

    Args:
        out: folder; runs that lie in it with the same budget and settings are not trained again.
        names: methods, among `METHODS`.
        kinds: data sets: ring, grid, swiss_roll, sine.
        seeds: training seeds, of which each counts once. The figure shows the first one, the table mean and standard
            deviation.
        steps: generator updates of each run.
        readme: a file that holds the markers of the table `lab`, to put this one between them.

    Raises:
        GanzooError: if there is no such method, nothing to train, or the file does not hold the markers.
    """
    require_at_least("--steps", steps, 1)
    names, kinds, seeds = (list(dict.fromkeys(values)) for values in (names, kinds, seeds))  # type: ignore[assignment]
    if readme is not None:
        between_markers(readme, None, "lab")
    for name in names:
        if name not in METHODS:
            raise GanzooError(f"--methods: there is no '{name}'.{nearest(name, METHODS)} One of {', '.join(METHODS)}.")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    results = []
    jobs = [(name, kind, seed) for name in names for kind in kinds for seed in seeds]
    for number, (name, kind, seed) in enumerate(jobs, 1):
        file = out / "runs" / f"{slug(name)}_{kind}_{steps}_{seed}.json"
        result = read_result(file, name)
        if result is None:
            result = train_method(name, kind, seed, steps)
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(file) as temporary:
                temporary.write_text(json.dumps(asdict(result)))
        results.append(result)
        line = ", ".join(f"{key} {value:.3g}" for key, value in result.scores.items())
        print(f"{number:3}/{len(jobs)}  {name:36} {kind:10} seed {seed}  {result.seconds:5.1f} s  {line}", flush=True)
    write_results(results, out, names, kinds)
    if readme is not None:
        between_markers(readme, results_table(results, names, kinds), "lab")
    return results


def write_results(results: Sequence[LabResult], out: Path, names: Sequence[str], kinds: Sequence[str]) -> None:
    """Writes the table as CSV and Markdown, and the figure."""
    from ganzoo.tools.lab.figure import draw_figure

    with atomic_write(out / "lab.csv") as file, file.open("w", newline="") as handle:
        keys = sorted({key for result in results for key in result.scores})
        rows = csv.writer(handle)
        rows.writerow(["method", "data", "seed", "steps", "seconds", *keys])
        for r in results:
            rows.writerow([r.method, r.kind, r.seed, r.steps, r.seconds, *(r.scores.get(key, "") for key in keys)])
    with atomic_write(out / "lab.md") as file:
        file.write_text(results_table(results, names, kinds))
    draw_figure(results, names, kinds, out / "lab.png")
    print(out / "lab.png")


def results_table(results: Sequence[LabResult], names: Sequence[str], kinds: Sequence[str]) -> str:
    """Returns the scores as Markdown: a row for each method; mean ± standard deviation over seeds, if several."""
    columns = [(kind, key) for kind in kinds for key in ("modes", "good", "wasserstein")]
    columns = [(kind, key) for kind, key in columns if key != "modes" or kind in {"ring", "grid"}]
    words = {"modes": "modes", "good": "good samples", "wasserstein": "W₁"}
    lines = [
        "| method | rates of G, D | D steps | "
        + " | ".join(f"{kind.replace('_', ' ')}: {words[key]}" for kind, key in columns)
        + " |",
        "| --- |" + " ---: |" * (len(columns) + 2),
    ]
    for name in names:
        cells = []
        for kind, key in columns:
            numbers = [r.scores[key] for r in results if r.method == name and r.kind == kind]
            cells.append(
                mean_and_deviation(numbers, {"modes": "{:.1f}", "good": "{:.0%}", "wasserstein": "{:.3f}"}[key])
            )
        rates = ", ".join(f"{rate:g}" for rate in METHODS[name].rates)
        steps = METHODS[name].options.get("n_critic", 1)
        lines.append(f"| {name} | {rates} | {steps} | " + " | ".join(cells) + " |")
    seeds = sorted({r.seed for r in results})
    first = results[0]
    lines += [
        "",
        f"{first.steps:,} generator updates each, batches of {BATCH}, seeds {', '.join(map(str, seeds))}; generator "
        f"{LATENT}-{'-'.join(map(str, HIDDEN))}-2, discriminator 2-{'-'.join(map(str, HIDDEN))}-1. Learning rates of G "
        "and D are constant for half of a run and then fall linearly to 0; D takes so many steps for each of G. The "
        f"last state, no averaging; {SAMPLES:,} samples. Modes: of 8 and 25, nearest to a good sample; good: within 3 "
        "standard deviations of a centre, or of a real point. "
        f"On {hardware()}, torch {versions()['torch']}, {os.environ.get('OMP_NUM_THREADS', torch.get_num_threads())} "
        "threads.",
        "",
    ]
    return "\n".join(lines)


def mean_and_deviation(numbers: Sequence[float], form: str) -> str:
    """Returns mean ± standard deviation as text, or the one number there is."""
    if len(numbers) == 1:
        return form.format(numbers[0])
    return f"{form.format(mean(numbers))} ± {form.format(stdev(numbers))}"


def slug(name: str) -> str:
    """Returns a method's name as a file's name."""
    return "_".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
