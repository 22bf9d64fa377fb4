"""Tables of a sweep's trials: a few lines for the terminal, all of them as CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.common.program import command
from ganzoo.common.text import duration
from ganzoo.tools.sweep.results import Outcome, Trial

SHOWN = 10  # trials in the terminal


def report(outcome: Outcome) -> list[str]:
    """Returns the best trials as a table, and commands that go on with the best."""
    keys = [*outcome.best.setting]
    rows = [["trial", outcome.monitor, "step", *keys, "took", ""]]
    rows += [_row(trial, keys) for trial in ranked(outcome)[:SHOWN]]
    counts = {state: sum(one.state == state for one in outcome.trials) for state in ("complete", "pruned", "failed")}
    states = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return [
        *_aligned(rows),
        f"{len(outcome.trials)} trials: {states}; {'higher' if outcome.higher else 'lower'} is better",
        f"{'best settings':16} {outcome.file}",
        f"{'train with them':16} {command('fit', '--config', outcome.file)}",
        f"{'keep this run':16} {command('export', outcome.run, '-o', outcome.file.stem.replace('_', '-'))}",
    ]


def ranked(outcome: Outcome) -> list[Trial]:
    """Returns the trials from the best to the worst, complete ones first, then those that were stopped early."""
    sign = -1 if outcome.higher else 1
    order = ("complete", "pruned", "running", "failed")
    return sorted(
        outcome.trials,
        key=lambda one: (order.index(one.state), sign * one.score if one.score is not None else 0, one.number),
    )


def setting_text(setting: Mapping[str, Any]) -> str:
    """Returns a setting in a line: `g_lr=0.0002, n_critic=5`."""
    return ", ".join(f"{key}={_value(value)}" for key, value in setting.items())


def spreadsheet(outcome: Outcome) -> str:
    """Returns all trials as CSV, by their number."""
    keys = [*outcome.best.setting]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", outcome.monitor, "step", "seconds", *keys, "reason"])
    for one in outcome.trials:
        values = [one.setting.get(key, "") for key in keys]
        seconds = "" if one.seconds is None else f"{one.seconds:.0f}"
        writer.writerow([one.number, one.state, one.score, one.step, seconds, *values, one.reason])
    return text.getvalue()


def _row(trial: Trial, keys: Sequence[str]) -> list[str]:
    score = "" if trial.score is None else f"{trial.score:.4g}"
    step = "" if trial.step is None else f"{trial.step:,}"
    took = "" if trial.seconds is None else duration(trial.seconds)
    values = [_value(trial.setting.get(key, "")) for key in keys]
    note = {"complete": "", "pruned": "stopped early"}.get(trial.state, trial.state)
    return [str(trial.number), score, step, *values, took, note]


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
