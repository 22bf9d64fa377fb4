"""The `ganzoo evaluate` command: scores of a model's samples, or of samples in files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ganzoo.metrics.listing import score_names

if TYPE_CHECKING:
    from ganzoo.tools.evaluate.report import Report


def evaluate(
    name: str,
    *,
    data: str | None = None,
    metrics: Sequence[str] | None = None,
    features: str | None = None,
    samples: int | None = None,
    seed: int | None = None,
    k: int = 5,
    bootstrap: int = 200,
    level: float = 0.95,
    size: int | None = None,
    channels: Literal[1, 3] | None = None,
    weights: Literal["best", "last"] | None = None,
    root: str | None = None,
    revision: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    out: Path | None = None,
) -> "Report":
    """Score a model's samples, or those in files, and write down everything that the numbers depend on.

    Args:
        name: a bundled checkpoint, a checkpoint folder, a run, a .ckpt, a Hub repository, or a folder of samples:
            pictures (or a zip), meshes or arrays of voxels, MIDI files (or a zip), movies (or a zip).
        data: mnist, fashion_mnist, cifar10, digits; of voxels shapes, solids; of music chorales, nottingham; of video
            moving_digits; or a folder or zip to compare with (the recipe's).
        metrics: SCORES (what suits model, data and extractor).
        features: extractor: mnist, fashion, cifar10, inception, imagenet, or the path of one (the recipe's).
        samples: how many to draw (10000); of a folder, how many of its samples (all).
        seed: of samples and of all that is random in a score (the recipe's, or 0).
        k: neighbours in precision, recall, density and coverage.
        bootstrap: resamples for intervals; 0: none.
        level: of the intervals.
        size: resize pictures of unlike sizes to so many pixels; side of voxels and clips in folders (32).
        channels: read pictures as grey (1) or in colour (3).
        weights: which of a run's (best).
        root: folder of a named data set ($GANZOO_DATA, else ./data).
        revision: branch, tag or commit of a Hub repository.
        device: cpu, cuda, mps.
        threads: CPU threads; one, or all where that is faster, by default.
        out: the JSON file to write (NAME-scores.json).

    Returns:
        The scores by their keys in `.scores`; intervals and conditions in `.content`.

    Raises:
        GanzooError: if an argument does not fit, or something is missing.
    """
    from ganzoo.tools.evaluate.preparation import Options
    from ganzoo.tools.evaluate.report import write_evaluation

    return write_evaluation(
        name,
        Options(data, metrics, features, samples, seed, k, bootstrap, level, size, channels, weights, root, revision),
        device,
        threads,
        out,
    )


evaluate.__doc__ = (evaluate.__doc__ or "").replace("SCORES", " ".join(score_names()))


def shown(result: "Report") -> str:
    """Returns the scores as a table, and the file that holds them."""
    from ganzoo.tools.evaluate.table import report_text

    return f"{report_text(result.content)}\n{result.file}"
