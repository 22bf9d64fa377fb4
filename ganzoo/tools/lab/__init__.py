"""The `ganzoo lab` command: every objective on points in the plane."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ganzoo.common import threads as cpu

if TYPE_CHECKING:
    from ganzoo.tools.lab.results import LabResult


def lab(
    *,
    methods: Sequence[str] | None = None,
    data: Sequence[Literal["ring", "grid", "swiss_roll", "sine"]] | None = None,
    seeds: Sequence[int] = (0,),
    steps: int = 4000,
    out: Path = Path("lab"),
    readme: Path | None = None,
    threads: int | None = None,
) -> "list[LabResult]":
    """Train every objective on points in the plane, and draw them all in one figure.

    Args:
        methods: some of the methods; cures for those in question (all objectives).
        data: kinds of points (all).
        seeds: training seeds.
        steps: generator updates of each run.
        out: where runs, table and figure go.
        readme: a file with the markers of this table, to write it into.
        threads: CPU threads (1).

    Returns:
        The scores of every run.

    Raises:
        GanzooError: if there is no such method, nothing to train, or the file does not hold the markers.
    """
    from ganzoo.tools.lab import laboratory

    if threads is not None:
        cpu.limit_threads(threads)
    elif not os.environ.get("OMP_NUM_THREADS"):
        cpu.limit_threads(1)  # a second one costs such small networks more than it gives
    names = laboratory.CURES if methods is not None and [*methods] == ["cures"] else methods or laboratory.SHEET
    return laboratory.run_laboratory(out, names, data or laboratory.KINDS, seeds, steps, readme)


def shown(result: "list[LabResult]") -> None:
    """Says nothing more: every run has been printed, and the figure's name."""
