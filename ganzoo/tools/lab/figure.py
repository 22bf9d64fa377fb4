"""Figure of the laboratory: objective by data set, samples over data."""

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from ganzoo.common.files import atomic_write
from ganzoo.data import Toy2D
from ganzoo.drawing.plot import INK, QUIET
from ganzoo.tools.lab.results import STD, LabResult, points_tensor

REAL, FAKE = "#c9d3dc", "#d1495b"
COLUMNS = 2  # blocks of methods side by side, so that the sheet fits a slide
CELL = 1.25  # inches


def draw_figure(results: Sequence[LabResult], names: Sequence[str], kinds: Sequence[str], out: Path) -> None:
    """Draws each method's samples (red) over real points (grey), with modes covered and the share of good samples."""
    rows = -(-len(names) // COLUMNS)
    block = 1 + len(kinds)
    figure = Figure(figsize=(COLUMNS * (len(kinds) * CELL + 1.9), rows * (CELL + 0.16) + 0.35), dpi=110)
    grid = figure.add_gridspec(
        rows, COLUMNS * block, width_ratios=[1.35, *[1.0] * len(kinds)] * COLUMNS, wspace=0.04, hspace=0.2,
        left=0.01, right=0.995, top=1 - 0.3 / figure.get_figheight(), bottom=0.15 / figure.get_figheight(),
    )  # fmt: skip
    real = {kind: Toy2D(kind, std=STD).preview for kind in kinds}  # type: ignore[arg-type]
    for number, name in enumerate(names):
        column, row = divmod(number, rows)
        label = figure.add_subplot(grid[row, column * block])
        label.set_axis_off()
        label.text(
            0.97, 0.5, wrap_name(name), ha="right", va="center", fontsize=10, color=INK, transform=label.transAxes
        )
        for place, kind in enumerate(kinds, 1):
            ax = figure.add_subplot(grid[row, column * block + place])
            ax.scatter(real[kind][:, 0], real[kind][:, 1], s=0.6, color=REAL, linewidths=0, rasterized=True)
            shown = next((r for r in results if r.method == name and r.kind == kind), None)
            if shown is not None:
                points = points_tensor(shown)
                ax.scatter(points[:, 0], points[:, 1], s=1.6, color=FAKE, linewidths=0, alpha=0.7, rasterized=True)
                ax.set_xlabel(cell_caption(shown), fontsize=6.5, color=QUIET, labelpad=1.5)
            ax.set(xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), xticks=[], yticks=[], aspect="equal")
            for spine in ax.spines.values():
                spine.set_visible(False)
            if row == 0:
                ax.set_title(kind.replace("_", " "), fontsize=9, color=INK, pad=3)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    with atomic_write(out) as file:
        Image.open(picture).convert("RGB").quantize(48, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)


def cell_caption(result: LabResult) -> str:
    """Returns a cell's caption."""
    scores = result.scores
    modes = {"ring": 8, "grid": 25}.get(result.kind)
    good = f"{scores['good']:.0%} good"  # without modes to count, all samples may be good in one place
    return f"{scores['modes']:.0f}/{modes} modes, {good}" if modes else f"{good}, W₁ {scores['wasserstein']:.2f}"


def wrap_name(name: str) -> str:
    """Returns a name in lines, a long one broken at its plus sign."""
    first, plus, rest = name.partition(" + ")
    return f"{first}\n+ {textwrap.fill(rest, 14)}" if plus and len(name) > 14 else name
