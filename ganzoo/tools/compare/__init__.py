"""The `ganzoo compare` command: models trained, scored and tabulated side by side."""

from collections.abc import Sequence
from pathlib import Path

from ganzoo.common import threads as cpu


def compare(
    recipes: Sequence[str],
    *,
    seeds: Sequence[int] | None = None,
    steps: Sequence[int] = (),
    images: int | None = None,
    samples: int = 10_000,
    features: Sequence[str] = (),
    checkpoints: bool = False,
    runs: Path = Path("runs"),
    out: Path = Path("comparison"),
    beside: Path | None = None,
    readme: Path | None = None,
    table: str = "",
    threads: int | None = None,
    set: Sequence[str] = (),
    vary: Sequence[str] = (),
) -> Path:
    """Train what is missing, score it, and write the comparison table.

    Args:
        recipes: recipes, or with checkpoints set checkpoints.
        seeds: training seeds (0).
        steps: generator updates: of all, or one per recipe (each recipe's own).
        images: in place of steps: real images that every model sees.
        samples: samples that the scores are computed from.
        features: extractors beside each recipe's own, whose FID is shown, too, such as imagenet.
        checkpoints: score bundled checkpoints, train nothing.
        runs: folder of all runs; those that are there are used, and continued where they are behind.
        out: where comparison.md, .csv, .json, .png and curves.png go.
        beside: a CSV of numbers measured elsewhere, whose columns are shown, too.
        readme: also put the table between its markers in this file.
        table: name of the table, whose markers are <!-- comparison-NAME:start --> and :end.
        threads: CPU threads; one, or all where that is faster, by default.
        set: overrides for all, such as trainer.precision=32-true.
        vary: settings to compare of each recipe, such as g_lr=1e-4,2e-4; several make every combination.

    Returns:
        The path of comparison.md.

    Raises:
        GanzooError: if something does not fit, a training fails, or a run that is there has other settings.
    """
    from ganzoo.tools.compare.comparison import write_comparison

    more: list[str] = []
    if threads is not None:
        cpu.limit_threads(threads)
        more = [] if checkpoints else ["--threads", str(threads)]
    return write_comparison(
        [*recipes],
        [*(seeds or ([] if checkpoints else [0]))],
        steps=steps,
        images=images,
        runs=runs,
        out=out,
        samples=samples,
        features=features,
        readme=readme,
        table=table,
        overrides=[*(f"--{override}" for override in set), *more],
        varied=vary,
        checkpoints=checkpoints,
        beside=beside,
    )
