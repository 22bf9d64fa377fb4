"""Table of scores that `ganzoo evaluate` prints, with notes for readers."""

from typing import Any

from ganzoo.common.kinds import POINTS, kind_by_shape
from ganzoo.metrics.selection import SCORES


def report_text(report: dict[str, Any]) -> str:
    """Returns a report's scores as plain text, a line to each."""
    conditions, reference = report["conditions"], report["conditions"]["reference"]
    level = f"{conditions['intervals']['level']:.0%} INTERVAL" if report["intervals"] else ""
    rows = [("SCORE", "VALUE", level, "")]
    for key, value in report["scores"].items():
        name = key.partition("[")[0]
        own = conditions["settings"].get(name, {}).get("higher_is_better")
        higher = SCORES[name].higher if name in SCORES else own
        better = "" if higher is None else f"{'higher' if higher else 'lower'} is better"
        interval = report["intervals"].get(key)
        spread = f"{interval['low']:.4g} to {interval['high']:.4g}" if interval else ""
        rows.append((key, f"{value:.4g}", spread, better))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    makes = conditions["subject"]["makes"]
    head = (
        f"{report['name']}: {makes}, against the {reference['count']:,} {items_text(reference)} of {reference['data']}"
    )
    notes = [f"note: {note}" for note in _notes(report)]
    return "\n".join([f"{head} ({reference['split']}). {_origin(conditions)}", *lines, *notes])


def _origin(conditions: dict[str, Any]) -> str:
    """Returns a sentence on weights, extractor and seed."""
    weights, extractor = conditions["subject"].get("weights", {}), conditions["extractor"]
    parts = [f"{weights['chosen']} weights"] if weights.get("chosen") else []
    parts += [f"step {weights['step']:,}"] if weights.get("step") is not None else []
    parts += [f"extractor {extractor['name']} ({extractor['digest']})"] if extractor else []
    sentence = ", ".join([*parts, f"seed {conditions['seed']}"])
    return f"{sentence[0].upper()}{sentence[1:]}."


def _notes(report: dict[str, Any]) -> list[str]:
    """Returns what a reader of the table should know before comparing."""
    conditions = report["conditions"]
    values = {key.partition("[")[0]: value for key, value in report["scores"].items()}
    remarks = (SCORES[name].remark(value, conditions) for name, value in values.items() if name in SCORES)
    notes = [remark for remark in remarks if remark]
    if left_out := conditions.get("left_out"):
        together: dict[str, list[str]] = {}
        for name, reason in left_out.items():
            together.setdefault(reason, []).append(name)
        reasons = [
            f"{', '.join(names)} {reason if len(names) == 1 else reason.replace('needs', 'need', 1)}"
            for reason, names in together.items()
        ]
        notes.append(f"left out: {'; '.join(reasons)}.")
    return notes


def items_text(reference: dict[str, Any]) -> str:
    """Returns what a reference consists of, such as images or points."""
    kind = kind_by_shape(tuple(reference["shape"])) or POINTS  # of a report from before it said the kind
    return reference.get("kind") or kind.name
