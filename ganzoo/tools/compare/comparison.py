"""Comparison of models: trains what is missing, scores every run alike, writes table, numbers and pictures.

A run lives in `runs/RECIPE/seed_S`, where `ganzoo fit` would put it, and keeps its scores in `scores.json`, so that a
comparison can be stopped, continued and extended without doing anything twice.
"""

import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.checkpoints.loading import load
from ganzoo.checkpoints.locate import locate_checkpoint, no_model
from ganzoo.common import registry, vary
from ganzoo.common.curves import Curve, read_metrics
from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write
from ganzoo.common.kinds import kind_of
from ganzoo.common.readme import between_markers
from ganzoo.drawing import sheets
from ganzoo.drawing.looks import drawn_alone
from ganzoo.tools.compare import figures, tables
from ganzoo.tools.compare.beside import Beside, read_beside
from ganzoo.tools.compare.results import Real, Result
from ganzoo.tools.compare.runs import Contender, published, train, trained
from ganzoo.tools.compare.tables import NOTHING
from ganzoo.training.runs import recipe_name

PICTURE_SEED = 0


def write_comparison(
    recipes: list[str],
    seeds: list[int],
    *,
    steps: Sequence[int] = (),
    images: int | None = None,
    runs: Path = Path("runs"),
    out: Path = Path("comparison"),
    samples: int = 10_000,
    features: Sequence[str] = (),
    readme: Path | None = None,
    table: str = "",
    overrides: Sequence[str] = (),
    varied: Sequence[str] = (),
    checkpoints: bool = False,
    beside: Path | None = None,
) -> Path:
    """Trains what is missing, scores every run at its last step, and writes the comparison.

    Args:
        recipes: recipes, names or files; with `checkpoints` bundled checkpoints or checkpoint folders.
        seeds: training seeds; none with `checkpoints`.
        steps: generator updates of every run, or one number per recipe; each recipe's own by default.
        images: in place of steps, the number of real images that every discriminator, or encoder, sees.
        runs: folder of all runs; runs that are there are used, continued where they are behind.
        out: folder for comparison.md, .csv, .json and .png, and for curves.png.
        samples: generated samples that scores are computed from.
        features: extractors beside each recipe's own, by which the FID is computed, too.
        readme: a file that holds the table's two markers, to put it between them.
        table: the table's name, which tells its markers from those of others (see `ganzoo.common.readme.markers`).
        overrides: further arguments of `ganzoo fit` for every run.
        varied: settings to compare of every recipe, such as `g_lr=1e-4,2e-4`; several make every combination.
        checkpoints: score published weights instead of training.
        beside: a CSV of numbers measured elsewhere, whose columns are shown, too (see
            `ganzoo.tools.compare.beside.read_beside`).

    Returns:
        The path of comparison.md.

    Raises:
        GanzooError: if something does not fit, a training fails, or a run that is there has other settings.
    """
    elsewhere = NOTHING if beside is None else read_beside(beside)
    if readme is not None:
        between_markers(readme, None, table)
    if images is not None and (steps or checkpoints):
        raise GanzooError("--images: it says how long to train; give no --steps or --checkpoints beside it.")
    for option, values in (("--steps", steps), ("--seeds", seeds), ("--vary", varied)):
        if checkpoints and values:
            raise GanzooError(f"{option}: it is for training; --checkpoints trains nothing, so leave it out.")
    if len(steps) not in {0, 1, len(recipes)}:
        raise GanzooError(f"--steps: give one number for all, or one for each of the {len(recipes)} recipes.")
    budgets = [["--trainer.max_steps", str(n)] for n in steps] or [[]]
    budgets *= len(recipes) if len(budgets) == 1 else 1
    files = [_checkpoint(name) if checkpoints else registry.find_recipe(name) for name in recipes]
    names = [registry.title_of(file.parent) if checkpoints else recipe_name(file) for file in files]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise GanzooError(f"'{twice}' is named twice; runs and rows are told apart by the name.")
    if (steps or images) and any(text.startswith("trainer.max_steps=") for text in varied):
        raise GanzooError("--vary: trainer.max_steps says how long to train; give no --steps or --images beside it.")
    contenders: list[Contender] = []
    each = zip(names, files, budgets, strict=True)
    for (name, file, budget), setting in product(each, vary.setting_combinations(varied)):
        contenders.append(Contender(name, file, [*overrides, *budget], samples, setting, features))
        if any(contenders[-1].label == other.label for other in contenders[:-1]):
            raise GanzooError(f"--vary: '{contenders[-1].label}' is there twice; give each value once.")
        contenders[-1].share(contenders[:-1])
        if images is not None:
            contenders[-1].spend(images)

    if checkpoints:
        results = [published(contender) for contender in contenders]
    else:
        todo = [(contender, seed) for seed in dict.fromkeys(seeds) for contender in contenders]
        for contender, _ in todo:
            if contender.target < 1:
                raise GanzooError(
                    f"--steps: recipe '{contender.name}' sets no number of steps (trainer.max_steps); say how many."
                )
        for number, (contender, seed) in enumerate(todo, 1):
            train(contender, seed, runs, f"[{number}/{len(todo)}]")
        results = [trained(contender, seed, runs) for contender in contenders for seed in dict.fromkeys(seeds)]
    return write_files(contenders, results, out, readme, table, elsewhere)


def write_files(
    contenders: Sequence[Contender],
    results: Sequence[Result],
    out: Path,
    readme: Path | None = None,
    table: str = "",
    beside: Beside = NOTHING,
) -> Path:
    """Writes table, numbers and pictures; returns the path of the table."""
    models = tables.by_model(results)
    real = _bounds(contenders)
    text = tables.markdown(results, real, beside)
    titles = [contender.title for contender in contenders]
    labels = {one.label: one.title if titles.count(one.title) == 1 else one.label for one in contenders}
    logs = {name: [(run, _curves(run)) for run in runs] for name, runs in models.items()}
    fits = [
        {"name": run.name, "seed": run.seed, **fit}
        for runs in logs.values()
        for run, log in runs
        if (fit := figures.tracking(log)) is not None
    ]
    numbers = {
        "models": {name: {"title": runs[0].title, "scores": tables.statistics(runs)} for name, runs in models.items()},
        "real": [vars(row) for row in real],
        "tracking": fits,
        "beside": {name: dict(zip(beside.headers, beside.of(name), strict=True)) for name in models if beside.headers},
        "runs": [{**vars(run), "file": run.place} for run in results],
    }
    for name, content in {
        "comparison.md": text,
        "comparison.csv": tables.spreadsheet(results),
        "comparison.json": json.dumps(numbers, indent=1, ensure_ascii=False) + "\n",
    }.items():
        with atomic_write(out / name) as file:
            file.write_text(content, encoding="utf-8")
    sheets.save_figure(sheets.sheet(_rows(contenders, models)), out / "comparison.png")
    scores = [*tables.higher_is_better(results)]
    drawn = figures.draw_curves({labels[name]: [log for _, log in runs if log] for name, runs in logs.items()}, scores)
    if drawn is not None:
        sheets.save_figure(drawn, out / "curves.png")
    if readme is not None:
        between_markers(readme, text, table)
    return out / "comparison.md"


def _checkpoint(name: str) -> Path:
    """Returns the recipe of a bundled checkpoint, of a checkpoint folder or of a run's export."""
    folder = locate_checkpoint(name)
    if not (folder / "recipe.yaml").is_file():
        raise no_model(name)
    return folder.resolve() / "recipe.yaml"


def _curves(run: Result) -> dict[str, Curve]:
    """Reads what a run has logged; nothing for a checkpoint, and for a run too short to log."""
    try:
        return read_metrics(run.file.with_name("metrics.csv"))
    except (GanzooError, FileNotFoundError):
        return {}


def _bounds(contenders: Sequence[Contender]) -> list[Real]:
    """Returns the real data's own scores, of all data sets that have some; a data set of two sizes is one."""
    real: dict[tuple[Any, ...], Real] = {}
    for contender in contenders:
        for evaluation in contender.evaluations:
            if bounds := evaluation.bounds(contender.collected(evaluation)):
                real.setdefault(contender.reference, Real(*contender.reference, {})).scores.update(bounds)
    return list(real.values())


def _rows(contenders: Sequence[Contender], models: dict[str, list[Result]]) -> list[sheets.Row]:
    """Draws the same latent vectors with each model, and real samples of every data set at the end."""
    rows: list[sheets.Row] = []
    real: dict[tuple[Any, ...], sheets.Row] = {}
    for contender in contenders:
        run = models[contender.label][0]
        kind = kind_of(contender.datamodule)
        alone = drawn_alone(kind)
        reference = _real(contender.datamodule, sheets.SHOWN if alone else figures.POINTS)
        model = load(run.file if run.seed is not None else run.file.parent)
        samples = model.sample(len(reference), seed=PICTURE_SEED)  # type: ignore[operator]
        first = next(iter(tables.score_keys([run])))
        first = next((key for key in run.scores if tables.name_of_score(key) == "fid"), first)
        seed = [] if run.seed is None else [f"seed {run.seed}"]
        score = f"{tables.written_name(first)} {run.scores[first]:.3g}"
        notes = [
            contender.name,
            *([vary.setting_text(contender.setting)] if contender.setting else []),
            ", ".join([*seed, score]),
        ]
        rows.append(sheets.Row(contender.title, notes, sheets.strip(samples, reference, kind)))
        if alone:
            about = [f"{contender.datamodule.title}, {contender.datamodule.reference}"]
            real[contender.reference] = sheets.Row("real", about, sheets.strip(reference, kind=kind))
    return [*rows, *real.values()]


def _real(data: Any, n: int) -> Tensor:
    """Returns the first n real samples of the reference split, fewer if there are not as many."""
    data.setup("validate")
    batches: list[Tensor] = []
    for x, *_ in data.val_dataloader():
        batches.append(x)
        if sum(map(len, batches)) >= n:
            break
    return torch.cat(batches)[:n]
