"""Curves of a run, read from its `metrics.csv`, smoothed and thinned."""

import csv
import io
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ganzoo.common.errors import GanzooError

BOOKKEEPING = {"step", "epoch", "time", "time_quality", "images"}


class Curve(NamedTuple):
    """Values of one logged name over steps."""

    steps: np.ndarray  # int64, ascending, each once
    values: np.ndarray  # float64, finite


def read_metrics(path: Path) -> dict[str, Curve]:
    """Reads a sparse `metrics.csv` into one curve per column that holds anything.

    A run that was stopped and resumed logs some steps twice: the last value of a step counts. Cells that are empty,
    not finite or not a number (a row cut short by a crash) are left out.

    Raises:
        GanzooError: The file is not a CSV with a `step` column, or holds no value in any other.
    """
    columns: dict[str, dict[int, float]] = {}
    try:
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            rows = csv.DictReader(file)
            if "step" not in (rows.fieldnames or ()):
                raise GanzooError(f"run: '{path}' is not the metrics.csv of a run: it has no 'step' column")
            for row in rows:
                step = _number(row.pop("step"))
                for key, cell in row.items():
                    value = _number(cell)
                    if step is not None and value is not None:
                        columns.setdefault(key, {})[int(step)] = value
    except csv.Error as error:
        raise GanzooError(f"run: '{path}' is not the metrics.csv of a run: {error}") from error
    if all(key in BOOKKEEPING or key.startswith("lr/") for key in columns):
        raise GanzooError(f"run: '{path}' holds no values yet; wait for the first log step")
    return {
        key: Curve(np.array(sorted(points)), np.array([points[step] for step in sorted(points)]))
        for key, points in columns.items()
    }


def _number(cell: object) -> float | None:
    try:
        value = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def is_score(key: str) -> bool:
    """Returns whether a name is a score's, `fid[mnist,10k/test]`, and no player's term, `d/gp`."""
    return "/" not in re.split(r"[\[(]", key)[0]


def smooth(values: np.ndarray) -> np.ndarray:
    """Returns the running mean under a Hann window of a twelfth of the points; a few points stay as they are."""
    width = len(values) // 12
    if width < 3:
        return values
    # the median of five neighbours first, so that a lone spike does not become a hill
    values = np.median(sliding_window_view(np.pad(values, 2, mode="edge"), 5), axis=-1)
    window = np.hanning(width + 2)[1:-1]
    # dividing by the window's share inside the data keeps both ends unbiased
    return np.convolve(values, window, "same") / np.convolve(np.ones(len(values)), window, "same")


POINTS_KEPT = 100  # of a term that is logged all the time


def thinned_csv(curves: Mapping[str, Curve], last: int) -> str:
    """Returns curves as CSV: all scores, and of each term the means of up to a hundred parts of the run.

    Args:
        curves: as `read_metrics` gives them.
        last: the last step to keep.
    """
    rows: dict[int, dict[str, str]] = {}
    for name, (steps, values) in curves.items():
        if name in BOOKKEEPING or name.startswith("lr/"):
            continue
        steps, values = steps[steps <= last], values[steps <= last]
        parts = len(steps) if is_score(name) else min(len(steps), POINTS_KEPT)
        for step, value in zip(np.array_split(steps, parts or 1), np.array_split(values, parts or 1), strict=True):
            if len(step):
                rows.setdefault(int(step[-1]), {})[name] = f"{value.mean():.4g}"
    names = sorted({name for row in rows.values() for name in row})
    text = io.StringIO()
    writer = csv.DictWriter(text, ["step", *names], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({"step": step, **rows[step]} for step in sorted(rows))
    return text.getvalue()
