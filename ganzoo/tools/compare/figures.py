"""Figures of a comparison: all runs' curves over generator steps."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from scipy.stats import pearsonr, spearmanr

from ganzoo.common.curves import Curve, smooth
from ganzoo.drawing.plot import AXIS, INK, PLAYERS, QUIET, concise, dress, label_ends
from ganzoo.tools.compare.tables import ORDER, name_of_score, written_name

POINTS = 2000  # of a scatter
LINE = 0.16  # inches from one label to the next
WASSERSTEIN = "d/wasserstein"
ACCURACY = {"d/acc_real": "real samples judged rightly by D", "d/acc_fake": "fake samples judged rightly by D"}
Runs = Sequence[Mapping[str, Curve]]


def tracking(run: Mapping[str, Curve]) -> dict[str, float | int | str] | None:
    """Returns how well the Wasserstein estimate of a run ranks its samples: correlations with a score.

    The estimate is the running mean that the figure draws, read at the steps at which the distance was scored.

    Returns:
        The score (FID where there is one, else another distance), the number of points, Spearman's rank correlation
        and Pearson's correlation; None without an estimate, or with fewer than three points or a constant.
    """
    distances = [key for name in ("fid", "swd", "wasserstein") for key in run if name_of_score(key) == name]
    if WASSERSTEIN not in run or not distances:
        return None
    estimate, distance = run[WASSERSTEIN], run[distances[0]]
    inside = (distance.steps >= estimate.steps[0]) & (distance.steps <= estimate.steps[-1])
    x = np.interp(distance.steps[inside], estimate.steps, smooth(estimate.values))
    y = distance.values[inside]
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return {
        "score": distances[0],
        "points": len(x),
        "spearman": float(spearmanr(x, y).statistic),
        "pearson": float(pearsonr(x, y).statistic),
    }


def draw_curves(models: Mapping[str, Runs], scores: Sequence[str] = ORDER) -> Figure | None:
    """Returns a figure of curves over generator steps: D's accuracies, each Wasserstein estimate, every score.

    A thin line is one training seed, the thick one their mean. Where there are more models than colours that are told
    apart at once, each curve is named at its end.

    Args:
        models: The logged curves of every run, by the model's title.
        scores: The short names of what is a score, in the order of their panels.

    Returns:
        The figure, or None if no run has logged any of these.
    """
    panels = _panels(models, scores)
    if not panels:
        return None
    few = len(models) <= len(PLAYERS)
    rainbow = 0.8 * colormaps["turbo"](np.linspace(0.05, 0.95, len(models)))[:, :3]  # dark enough for labels
    shades = PLAYERS if few else [to_hex(shade) for shade in rainbow]
    colours = dict(zip(models, shades, strict=False))
    columns = min(len(panels), 4 if len(panels) > 6 or len(panels) == 4 else 3)
    rows = math.ceil(len(panels) / columns)
    head = 0.72  # inches
    height = (2.4 if few else 0.9 + LINE * len(models)) * rows + head
    layout = ConstrainedLayoutEngine(w_pad=0.13, h_pad=0.12, wspace=0.03, rect=(0, 0, 1, 1 - head / height))
    figure = Figure(figsize=(max(3.6 * columns, 5), height), layout=layout, facecolor="white")
    last = int(max(curve.steps[-1] for runs in models.values() for run in runs for curve in run.values()))
    for index, (title, (key, names)) in enumerate(panels.items()):
        ax = figure.add_subplot(rows, columns, index + 1)
        dress(ax, title, last)
        drawn = {name: [run[key] for run in models[name] if key in run] for name in names}
        _draw(ax, key, drawn, colours, name_of_score(key) in scores, not few)
        notes = ["generator steps"] if index == (rows - 1) * columns else []
        notes += _note_tracking(models[names[0]]) if key == WASSERSTEIN else []
        ax.set_xlabel("  ·  ".join(notes), fontsize=8.5, color=QUIET, loc="left")
    _head(figure, colours if few else {f"{len(models)} models": INK}, max(len(runs) for runs in models.values()))
    return figure


def _panels(models: Mapping[str, Runs], order: Sequence[str]) -> dict[str, tuple[str, list[str]]]:
    """Returns column and models of each panel by its title, in reading order."""

    def having(key: str) -> list[str]:
        return [name for name, runs in models.items() if any(key in run for run in runs)]

    panels = {title: (key, having(key)) for key, title in ACCURACY.items()}
    # critics differ in scale, by clipping above all, so that each has an axis of its own
    panels |= {f"Wasserstein estimate, {name}": (WASSERSTEIN, [name]) for name in having(WASSERSTEIN)}
    scores = {key: None for runs in models.values() for run in runs for key in run if name_of_score(key) in order}
    panels |= {key: (key, having(key)) for key in sorted(scores, key=lambda key: order.index(name_of_score(key)))}
    return {title: members for title, members in panels.items() if members[1]}


def _draw(
    ax: Axes,
    key: str,
    models: Mapping[str, Sequence[Curve]],
    colours: Mapping[str, str],
    score: bool,
    named: bool = False,
) -> None:
    labels, extent = [], []
    for name, runs in models.items():
        mean = _mean([Curve(run.steps, run.values if score else smooth(run.values)) for run in runs])
        for run in runs if len(runs) > 1 or not score else ():
            faint = run.values if score else smooth(run.values) if len(runs) > 1 else run.values
            ax.plot(run.steps, faint, color=colours[name], linewidth=0.7, alpha=0.35)
            extent += [*np.percentile(faint, (1, 99))]
        dot = "o" if len(mean.steps) < 30 else ""
        ax.plot(*mean, color=colours[name], linewidth=1.5, marker=dot, markersize=3, markeredgewidth=0, clip_on=False)
        extent += [*mean.values]
        labels.append((mean.values[-1], concise(mean.values[-1]), colours[name]))
    low, high = min(extent), max(extent)
    if key in ACCURACY:
        ax.set_ylim(-0.03, 1.03)
        ax.set_yticks([0, 0.5, 1], ["0", "50", "100%"])
        labels = [(value, f"{100 * value:.0f}%", colour) for value, _, colour in labels]
    elif score and low > 0 and high / low > 15:
        # scores fall by orders of magnitude at first; the end of the runs is what one wants to compare
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: concise(value)))
    else:
        room = max(0.08 * (high - low), 0.01 * abs(high)) or 1.0
        ax.set_ylim(low - room, high + room)
        if low < 0 < high:
            ax.axhline(0, color=AXIS, linewidth=0.8, zorder=0.5)
    if named and len(models) > 1:
        labels = [
            (value, f"{text}  {name}", colour) for (value, text, colour), name in zip(labels, models, strict=True)
        ]
        label_ends(ax, labels, gap=1 / len(colours))
    else:
        label_ends(ax, labels)


def _mean(runs: Sequence[Curve]) -> Curve:
    """Returns the mean over runs at the steps that all of them have logged; of the longest run if there are none."""
    steps = runs[0].steps
    for run in runs[1:]:
        steps = np.intersect1d(steps, run.steps)
    if not len(steps):
        return max(runs, key=lambda run: len(run.steps))
    return Curve(steps, np.mean([run.values[np.isin(run.steps, steps)] for run in runs], axis=0))


def _note_tracking(runs: Runs) -> list[str]:
    """Says the rank correlation of the estimate with the distance, where it can be told."""
    fits = [fit for fit in map(tracking, runs) if fit is not None]
    if not fits:
        return []
    ranks = sorted({f"{fit['spearman']:.2f}" for fit in fits}, key=float)
    return [
        f"rank correlation with {written_name(str(fits[0]['score']))}: {' to '.join(ranks[:: len(ranks) - 1 or 1])}"
    ]


def _head(figure: Figure, colours: Mapping[str, str], seeds: int) -> None:
    """Names the models in their colours and says what the lines are."""
    width, height = figure.get_size_inches()
    x = 0.13 / width
    for name, colour in colours.items():
        text = figure.text(x, 1 - 0.16 / height, name, fontsize=13, color=colour, va="top")
        x = text.get_window_extent().x1 / figure.get_dpi() / width + 0.2 / width
    lines = f"thin: each of {seeds} training seeds; thick: their mean" if seeds > 1 else "one training seed"
    figure.text(0.13 / width, 1 - 0.45 / height, lines, fontsize=9, color=QUIET, va="top")
