"""What an update costs against resolution, batch size and width, with the exponent of each.

    python benchmarks/scaling.py            # under four minutes on a busy core

One quantity varies, the others stay at 64 pixels, 16 images, width 16 (DCGAN's doubling scheme, RGB). A DCGAN update is
a move of D and one of G; a WGAN-GP critic move differentiates twice. Both run in Lightning's Trainer, as `ganzoo fit`
does. The configurations take turns, so that a machine that slows down slows all of them.
"""

import argparse
import json
import logging
import math
import os
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from ganzoo.common.files import atomic_write
from ganzoo.common.hardware import hardware, versions
from ganzoo.data import DataModule
from ganzoo.games.gan import GAN
from ganzoo.models.dcgan import DCGAN
from ganzoo.models.wgan_gp import WGANGP
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "scaling.json"
PAGE = HERE.parent / "docs" / "scaling.md"
START, END = "<!-- scaling:start -->", "<!-- scaling:end -->"
TIMED = 2  # batches per visit, after one that warms up


@dataclass(frozen=True)
class Size:
    """How large everything is."""

    resolution: int = 64
    batch: int = 16
    width: int = 16


SWEEPS = {"resolution": (32, 64, 128, 256), "batch": (4, 8, 16, 32, 64), "width": (8, 16, 32, 64)}
GAMES = {"dcgan": "DCGAN update (D and G)", "wgan_gp": "WGAN-GP critic move"}


class Noise(DataModule):
    """As many random images as are timed; what they show does not change what they cost."""

    title = "noise"

    def __init__(self, size: Size) -> None:
        super().__init__(size.batch)
        self.shape = (3, size.resolution, size.resolution)

    def load(self, split: str) -> tuple[Tensor, None]:
        """Draws them."""
        return torch.randint(0, 256, ((1 + TIMED) * self.batch_size, *self.shape), dtype=torch.uint8), None


class Stopwatch(pl.Callback):
    """Times each batch, from its start to its end on the device."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        """Starts."""
        self.begun = now(trainer)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Stops."""
        self.seconds.append(now(trainer) - self.begun)


def now(trainer: pl.Trainer) -> float:
    """Returns the time at which the device has done what it was given: its own time where it is this processor.

    Other work on the machine does not count then, and one thread's time is what a whole core would need.
    """
    if trainer.strategy.root_device.type == "cpu":
        return time.process_time()
    torch.accelerator.synchronize()
    return time.perf_counter()


def game(kind: str, size: Size) -> GAN:
    """Makes the networks; a critic must have no BatchNorm, and plays on without its opponent ever moving."""
    generator = DCGANGenerator(size.resolution, 3, size.width)
    norm, variant, options = ("batch", DCGAN, {}) if kind == "dcgan" else ("none", WGANGP, {"n_critic": 1000})
    return variant(generator, DCGANDiscriminator(size.resolution, 3, size.width, norm=norm), **options)


def visit(kind: str, size: Size, **options: Any) -> float:
    """Returns the milliseconds of the cheapest of a few moves."""
    torch.manual_seed(0)
    watch = Stopwatch()
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "limit_val_batches": 0}
    quiet |= {"enable_model_summary": False, "num_sanity_val_steps": 0, "max_epochs": 1, "devices": 1}
    trainer = pl.Trainer(**quiet, **options, callbacks=[watch])
    trainer.fit(game(kind, size), Noise(size))
    return 1000 * min(watch.seconds[1:])


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Returns a of cost = c size^a, by least squares on the logarithms."""
    x, y = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return slope / sum((a - mean_x) ** 2 for a in x)


def measure(rounds: int, base: Size, sweeps: dict[str, Sequence[int]], **options: Any) -> list[dict[str, Any]]:
    """Visits every configuration once per round; returns a row per configuration, medians over the rounds."""
    sizes = list(dict.fromkeys(replace(base, **{name: value}) for name, values in sweeps.items() for value in values))
    visits: dict[tuple[str, Size], list[float]] = {(kind, size): [] for size in sizes for kind in GAMES}
    for _ in range(rounds):
        for (kind, size), taken in visits.items():
            taken.append(visit(kind, size, **options))
    return [{**asdict(size), **{kind: round(median(visits[kind, size]), 2) for kind in GAMES}} for size in sizes]


def fitted(rows: Sequence[dict[str, Any]], base: Size, sweeps: dict[str, Sequence[int]]) -> dict[str, Any]:
    """Returns the exponent of each game's cost in each quantity: over all values, and between the last two."""
    found: dict[str, Any] = {}
    for name, values in sweeps.items():
        along = [sweep_row(rows, replace(base, **{name: value})) for value in values]
        found[name] = {
            span: {kind: round(exponent(values[-n:], [row[kind] for row in along[-n:]]), 2) for kind in GAMES}
            for span, n in (("exponent", len(values)), ("exponent of the last step", 2))
        }
    return found


def sweep_row(rows: Sequence[dict[str, Any]], size: Size) -> dict[str, Any]:
    """Returns the row of a configuration."""
    return next(row for row in rows if asdict(size).items() <= row.items())


def table(results: dict[str, Any]) -> str:
    """Returns the results in Markdown."""
    base = Size(**results["base"])
    lines = []
    for name, values in results["sweeps"].items():
        lines += [f"| {name} | {' | '.join(f'{text}, ms' for text in GAMES.values())} |", "|---:|---:|---:|"]
        for value in values:
            row = sweep_row(results["rows"], replace(base, **{name: value}))
            lines.append(f"| {value} | {' | '.join(f'{row[kind]:.1f}' for kind in GAMES)} |")
        for span, exponents in results["exponents"][name].items():
            lines.append(f"| {span} | {' | '.join(f'{exponents[kind]:.2f}' for kind in GAMES)} |")
        lines.append("")
    about = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    fixed = ", ".join(f"{name} {value}" for name, value in results["base"].items())
    lines.append(
        f"What does not vary stays at {fixed}. {results['machine']}, precision {results['precision']}; {about}. "
        f"Median of {results['rounds']} rounds. Written by `python benchmarks/scaling.py`."
    )
    return "\n".join(lines)


def put(page: Path, text: str) -> None:
    """Puts a text between a page's markers.

    Raises:
        ValueError: if it does not hold both of them, once each.
    """
    before, start, rest = page.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"'{page}' must hold a line {START} and below it a line {END}.")
    with atomic_write(page) as file:
        file.write_text(f"{before}{START}\n{text.strip()}\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Measures, prints, and writes the results and the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each configuration is visited (3)")
    parser.add_argument("--accelerator", default="cpu", help="Lightning's name of it (cpu)")
    parser.add_argument("--precision", default="32-true", help="Lightning's name of it (32-true)")
    parser.add_argument("-o", "--out", type=Path, default=RESULTS, help="where the results go")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page that shows them")
    options = parser.parse_args()
    cpu, base = options.accelerator == "cpu", Size()
    torch.set_num_threads(1)
    for chatty in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"lightning\.")
    begun = time.perf_counter()
    rows = measure(options.rounds, base, SWEEPS, accelerator=options.accelerator, precision=options.precision)
    results = {
        "machine": f"{hardware()}, 1 thread, its own time" if cpu else hardware(),
        "versions": versions(),
        "precision": options.precision,
        "rounds": options.rounds,
        "base": asdict(base),
        "sweeps": SWEEPS,
        "rows": rows,
        "exponents": fitted(rows, base, SWEEPS),
        "seconds": round(time.perf_counter() - begun),
        "load_average": round(os.getloadavg()[0], 2),
    }
    with atomic_write(options.out) as file:
        file.write_text(json.dumps(results, indent=1) + "\n")
    put(options.page, table(results))
    print(table(results))


if __name__ == "__main__":
    main()
