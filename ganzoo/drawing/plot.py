"""Training curves: one figure per run, from its logged numbers."""

import math
import re
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from ganzoo.common.curves import BOOKKEEPING, Curve, is_score, smooth

INK, QUIET, AXIS, HAIRLINE = "#222222", "#777777", "#bbbbbb", "#e8e8e8"
PLAYERS = ("#2563a8", "#d1602b", "#6a9a2d", "#9a4f96", "#b8860b")
REAL, FAKE = "#1f8a70", "#a23b72"
ROUND = [1, 2, 2.5, 5, 10]  # steps between ticks that a person counts in


def plot_curves(curves: dict[str, Curve], title: str = "") -> Figure:
    """Draws small multiples over one common axis of generator steps.

    The adversarial terms of all players share a panel, and so do D's accuracies; every other term and every score has
    its own, titled with its full key. Learning rates are left out.

    Args:
        curves: Curves by column of `metrics.csv`.
        title: The heading; the run's length stands below it.
    """
    panels = _panels(curves)
    rows = math.ceil(len(panels) / 4)
    columns = math.ceil(len(panels) / rows)
    head = 0.62  # inches
    height = 2.3 * rows + head
    layout = ConstrainedLayoutEngine(w_pad=0.13, h_pad=0.12, wspace=0.03, rect=(0, 0, 1, 1 - head / height))
    figure = Figure(figsize=(max(3.6 * columns, 5), height), layout=layout, facecolor="white")
    figure.text(0.13 / figure.get_figwidth(), 1 - 0.16 / height, title, fontsize=13, color=INK, va="top")
    figure.text(0.13 / figure.get_figwidth(), 1 - 0.43 / height, _length(curves), fontsize=9, color=QUIET, va="top")

    last = max(curve.steps[-1] for curve in curves.values())
    for index, (name, colours) in enumerate(panels.items()):
        ax = figure.add_subplot(rows, columns, index + 1)
        dress(ax, name, last)
        if index == (rows - 1) * columns:
            ax.set_xlabel("generator steps", fontsize=8.5, color=QUIET, loc="left")
        if name in curves and is_score(name):
            _draw_score(ax, curves[name])
        else:
            _draw_terms(ax, {key: curves[key] for key in colours}, colours)
    return figure


def _panels(curves: dict[str, Curve]) -> dict[str, dict[str, str]]:
    """Returns the columns of each panel and their colours, by the panel's title and in reading order."""
    terms = [key for key in curves if not is_score(key) and not key.startswith("lr/")]
    colour = dict(zip(sorted({key.split("/")[0] for key in terms}), cycle(PLAYERS), strict=False))
    adversarial = {key: colour[key.split("/")[0]] for key in terms if key.endswith("/adv")}
    accuracy = {key: REAL if key.endswith("real") else FAKE for key in terms if re.search(r"/acc_(real|fake)$", key)}
    panels = {"adversarial losses": adversarial, "share judged rightly by D": accuracy}
    for key in sorted(terms, key=lambda key: not key.endswith("/wasserstein")):
        if key not in adversarial and key not in accuracy:
            title = f"Wasserstein estimate ({key})" if key.endswith("/wasserstein") else key
            panels[title] = {key: colour[key.split("/")[0]]}
    panels |= {key: {key: INK} for key in curves if is_score(key) and key not in BOOKKEEPING}
    return {title: members for title, members in panels.items() if members}


def _length(curves: dict[str, Curve]) -> str:
    """Returns a run's length in steps, images and time in words, as far as it logged them."""
    words = [f"{max(curve.steps[-1] for curve in curves.values()):,} generator steps"]
    if "images" in curves:
        words.append(f"{curves['images'].values[-1]:,.0f} real images seen")
    if "time" in curves:
        minutes, seconds = divmod(round(curves["time"].values[-1]), 60)
        hours, minutes = divmod(minutes, 60)
        words.append(
            f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
        )
    return "  ·  ".join(words)


def _draw_terms(ax: Axes, curves: dict[str, Curve], colours: dict[str, str]) -> None:
    """Draws losses, logged all the time: the raw values faintly, their running mean on top."""
    extent: list[float] = []
    labels = []
    for key, (steps, values) in curves.items():
        mean = smooth(values)
        ax.plot(steps, values, color=colours[key], linewidth=0.6, alpha=0.25)
        dot = "o" if len(steps) < 10 else ""
        ax.plot(steps, mean, color=colours[key], linewidth=1.3, marker=dot, markersize=3, solid_capstyle="round")
        # a handful of spikes must not flatten everything else
        extent += [*np.percentile(values, (1, 99)), mean.min(), mean.max()]
        labels.append((mean[-1], key.removeprefix("d/acc_") if len(curves) > 1 else concise(mean[-1]), colours[key]))
    if all("/acc_" in key for key in curves):
        ax.set_ylim(-0.03, 1.03)
        ax.set_yticks([0, 0.5, 1], ["0", "50", "100%"])
    else:
        low, high = min(extent), max(extent)
        margin = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
        ax.set_ylim(low - margin, high + margin)
        if low < 0 < high:
            ax.axhline(0, color=AXIS, linewidth=0.8, zorder=0.5)
    label_ends(ax, labels)


def _draw_score(ax: Axes, curve: Curve) -> None:
    """Draws scores, measured now and then: a dot per measurement, the last one labelled."""
    steps, values = curve
    ax.plot(steps, values, color=INK, linewidth=1.1, marker="o", markersize=3.2, markeredgewidth=0, clip_on=False)
    ax.margins(y=0.12)
    if values.min() > 0 and values.max() / values.min() > 15:
        # scores fall by orders of magnitude at first; the end of the run is what one wants to read
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: concise(value)))
    label_ends(ax, [(values[-1], concise(values[-1]), INK)])


def concise(value: float) -> str:
    """Returns a number as text in at most three significant digits, without an exponent where it stays readable."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"


def dress(ax: Axes, title: str, last: int) -> None:
    """Styles a panel: no box, hairlines to read the height by, a common x-axis."""
    ax.set_title(title, loc="left", fontsize=9.5, color=INK, pad=7)
    ax.set_xlim(0, max(last, 1))
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=ROUND))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step / 1000:g}k" if step >= 1000 else f"{step:g}"))
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=ROUND, min_n_ticks=3))
    ax.grid(axis="y", color=HAIRLINE, linewidth=0.7)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(AXIS)
    ax.tick_params(labelsize=8, labelcolor=QUIET, color=AXIS, length=3)
    ax.tick_params(axis="y", length=0)


def label_ends(ax: Axes, labels: list[tuple[float, str, str]], gap: float = 0.11) -> None:
    """Writes (value, text, colour) labels beside the ends of their curves, moved just enough not to overlap.

    `gap` is a line's height as a share of the panel's.
    """
    ax.autoscale_view()
    to_axes = ax.transScale + ax.transLimits
    floor = 0.0
    for rank, (value, text, colour) in enumerate(sorted(labels)):
        room = 1 - gap * (len(labels) - 1 - rank)
        height = max(floor, min(to_axes.transform((1, value))[1], room))
        ax.text(1.025, height, text, transform=ax.transAxes, fontsize=8.5, color=colour, va="center")
        floor = height + gap
