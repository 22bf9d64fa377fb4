"""Tables of a comparison: Markdown that states its conditions, and CSV."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

from ganzoo.common.text import duration
from ganzoo.metrics.selection import SCORES
from ganzoo.tools.compare.beside import Beside
from ganzoo.tools.compare.results import Real, Result

ORDER = (
    *("is", "fid", "kid", "accuracy", "precision", "recall", "density", "coverage"),
    *("swd", "ms_ssim", "memorisation", "modes", "good", "wasserstein"),
)
NOTHING = Beside()
ASIDE = {"scores", "conditions", "versions", "setting"}  # mappings, whose items are columns of the spreadsheet


@dataclass
class Column:
    """A column of a table, top to bottom."""

    header: str
    cells: list[str] = field(default_factory=list)


def by_model(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Groups results by name, in the order in which they come."""
    models: dict[str, list[Result]] = {}
    for result in results:
        models.setdefault(result.name, []).append(result)
    return models


def score_keys(results: Iterable[Result]) -> list[str]:
    """Returns the full keys of all scores, each once, in the order of the table; what goes with one is left out."""
    results = list(results)
    order = [*higher_is_better(results)]
    keys = {key: None for result in results for key in result.scores if name_of_score(key) in order}
    return sorted(keys, key=lambda key: order.index(name_of_score(key)))


def higher_is_better(results: Iterable[Result]) -> dict[str, bool]:
    """Returns which way is better by a score's short name, in the order of the table; one's own scores come last."""
    own = [result.conditions.get("own", {}) for result in results]
    better = {name: about["higher_is_better"] for scores in own for name, about in scores.items()}
    names = dict.fromkeys([*ORDER, *(name for name, score in SCORES.items() if "samples" in score.outputs)])
    return {name: SCORES[name].higher for name in names} | better


def name_of_score(key: str) -> str:
    """Returns a score's short name: `fid` of `fid[mnist,10k/test]`."""
    return key.partition("[")[0]


def written_name(key: str) -> str:
    """Returns a score's name as a text writes it: `FID`, but `modes`."""
    name = name_of_score(key)
    return (
        name.upper()
        if name in SCORES and len(name) <= 3
        else {"accuracy": "class accuracy", "ms_ssim": "MS-SSIM"}.get(name, name)
    )


def statistics(results: Sequence[Result]) -> dict[str, dict[str, float | int | None]]:
    """Returns mean, standard deviation (n - 1; None of one run) and number of a model's runs for every score."""
    table: dict[str, dict[str, float | int | None]] = {}
    for key in score_keys(results):
        values = [result.scores[key] for result in results if key in result.scores]
        sd = stdev(values) if len(values) > 1 else None
        table[key] = {"mean": fmean(values), "sd": sd, "runs": len(values)}
    return table


def markdown(results: Sequence[Result], real: Sequence[Real] = (), beside: Beside = NOTHING) -> str:
    """Returns the table in Markdown, with what every number in it means below.

    Args:
        results: of all runs; those of one name make one row.
        real: a last row each.
        beside: further columns, measured elsewhere.
    """
    models = list(by_model(results).values())
    columns = [
        Column("model", [f"{runs[0].title} (`{runs[0].name}`)" for runs in models]),
        *([Column("data", [runs[0].conditions["data"] for runs in models])] if _several(results, "data") else []),
        Column("seeds", [str(len(runs)) if runs[0].seed is not None else "" for runs in models]),
        Column("steps", [_mean((run.steps for run in runs), "{:,.0f}".format) for runs in models]),
        Column("real images seen", [_mean((run.images for run in runs), _millions) for runs in models]),
        Column("wall time", [_mean((run.seconds for run in runs), duration) for runs in models]),
    ]
    columns = [column for column in columns if any(column.cells)]
    for row in real:
        for column in columns:
            column.cells.append({"model": f"real {row.split} images", "data": row.data}.get(column.header, ""))
    columns += _score_columns(models, real)
    elsewhere = zip(*[beside.of(runs[0].name) for runs in models], strict=True)
    columns += [
        Column(header, [*cells, *[""] * len(real)]) for header, cells in zip(beside.headers, elsewhere, strict=True)
    ]
    lines = [
        [column.header for column in columns],
        ["---", *["---:"] * (len(columns) - 1)],
        *zip(*[column.cells for column in columns], strict=True),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n\n" + conditions_text(results, real, beside.note)


def conditions_text(results: Sequence[Result], real: Sequence[Real] = (), note: str = "") -> str:
    """Returns the conditions of a table's numbers: seeds, weights, scores, counts, split, hardware and versions."""
    seeds = sorted({result.seed for result in results if result.seed is not None})
    parts = []
    if len(seeds) > 1:
        parts.append(
            f"Mean ± standard deviation (n − 1) over {len(seeds)} training seeds ({', '.join(map(str, seeds))})."
        )
    elif seeds:
        parts.append(f"One training seed ({seeds[0]}): nothing is known about the spread.")
    if seeds:
        parts.append(
            "Every run is scored at its last step, never at its best: the number of steps was fixed beforehand."
        )
    else:
        parts.append("The published weights, stored in half precision.")
        for chosen, step in {"best": "best step by its recipe's monitor", "last": "last step"}.items():
            if which := [f"`{result.name}`" for result in results if result.conditions["chosen"] == chosen]:
                parts.append(f"Those of {', '.join(which)}: of the {step}.")
    parts.append(_drawn_from(results))
    for conditions in _distinct(results, ("data", "split", "items", "extractor", "digest", "samples", "further")):
        alike = [one for one in results if all(one.conditions.get(name) == conditions[name] for name in conditions)]
        extractors = {conditions["extractor"]: conditions["digest"], **(conditions["further"] or {})}
        for extractor, digest in extractors.items():
            known = {key: _extracted_by(key, extractors) or conditions["extractor"] for key in score_keys(alike)}
            keys = [key for key, by in known.items() if by == extractor]
            names = ", ".join(f"{written_name(key)} is `{key}`" for key in keys)
            network = f"extractor {extractor} ({digest}), " if extractor else ""
            parts.append(
                f"{names}: {network}{conditions['samples']:,} samples against the {conditions['items']:,} items of the "
                f"{conditions['split']} split of {conditions['data']}."
            )
    if any(name_of_score(key) == "accuracy" for key in score_keys(results)):
        parts.append(
            "Class accuracy is the share of samples that the extractor takes for the class they were asked for; the "
            "classes take turns."
        )
    for row in real:
        own, are = (
            " and ".join(map(written_name, row.scores)),
            "are the bounds" if len(row.scores) > 1 else "is the bound",
        )
        parts.append(f"The {row.items:,} real {row.split} images' own {own} {are}.")
    if any(result.seconds is not None for result in results):
        machines = sorted({result.hardware or "hardware that was not recorded" for result in results})
        parts.append(f"Wall time is that of the training, validations included, on {'; '.join(machines)}.")
    for conditions in _distinct(results, ("machine", "versions")):
        versions = ", ".join(f"{name} {version}" for name, version in conditions["versions"].items())
        parts.append(f"Scored on {conditions['machine']} with {versions}.")
    return " ".join(parts) + "\n" + (f"\n{note}\n" if note else "")


def spreadsheet(results: Sequence[Result]) -> str:
    """Returns a CSV with a row per run: all scores and all conditions."""
    rows: list[dict[str, Any]] = []
    for result in results:
        row = {
            **vars(result),
            "file": result.place,
            **result.setting,
            **result.scores,
            **result.conditions,
            **result.conditions["versions"],
        }
        rows.append({name: value for name, value in row.items() if name not in ASIDE})
    file = io.StringIO()
    header = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(file, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _score_columns(models: Sequence[Sequence[Result]], real: Sequence[Real]) -> list[Column]:
    tables = [statistics(runs) for runs in models]
    everyone = [run for runs in models for run in runs]
    keys, higher = score_keys(everyone), higher_is_better(everyone)
    columns = []
    for key in keys:
        # two extractors or sample counts may meet in one table: then the full keys tell the columns apart
        unique = sum(name_of_score(key) == name_of_score(other) for other in keys) == 1
        arrow = "↑" if higher[name_of_score(key)] else "↓"
        bounds = [row.scores.get(key) for row in real]
        numbers = [table[key]["mean"] for table in tables if key in table]
        places = _places([number for number in [*numbers, *bounds] if number is not None])
        cells = [_cell(table.get(key, {}), places) for table in tables]
        cells += ["" if bound is None else f"{bound:.{places}f}" for bound in bounds]
        columns.append(Column(f"{written_name(key) if unique else f'`{key}`'} {arrow}", cells))
    return columns


def _cell(entry: dict[str, float | int | None], places: int) -> str:
    if not entry:
        return "—"
    spread = f" ± {entry['sd']:.{places}f}" if entry["sd"] is not None else ""
    return f"{entry['mean']:.{places}f}{spread}"


def _places(numbers: Sequence[float]) -> int:
    """Returns the decimal places that show three significant digits of the smallest of these numbers."""
    sizes = [abs(number) for number in numbers if number and math.isfinite(number)]
    return min(max(2 - math.floor(math.log10(min(sizes))), 0), 6) if sizes else 2


def _mean(values: Iterable[float | None], form: Any) -> str:
    known = [value for value in values if value is not None]
    return form(fmean(known)) if known else ""


def _millions(images: float) -> str:
    return f"{images / 1e6:.2f} M" if images >= 1e5 else f"{images:,.0f}"


def _extracted_by(key: str, extractors: Iterable[str | None]) -> str | None:
    """Returns which of the extractors a score's full key names, as `fid[imagenet,10k/test]` does; None if none."""
    first = key.partition("[")[2].partition(",")[0].rstrip("]")
    return first if first in extractors else None


def _drawn_from(results: Sequence[Result]) -> str:
    live = sorted({result.name for result in results if not result.conditions["averaged"]})
    if not live:
        return "Samples come from the averaged generator."
    if all(result.name in live for result in results):
        return "Samples come from the live generator."
    return f"Samples come from the averaged generator; {', '.join(live)} keeps no average."


def _several(results: Iterable[Result], condition: str) -> bool:
    return len({result.conditions[condition] for result in results}) > 1


def _distinct(results: Iterable[Result], names: Sequence[str]) -> list[dict[str, Any]]:
    """Returns the different combinations of some conditions, in the order in which they come."""
    distinct: list[dict[str, Any]] = []
    for result in results:
        conditions = {name: result.conditions.get(name) for name in names}
        if conditions not in distinct:
            distinct.append(conditions)
    return distinct
