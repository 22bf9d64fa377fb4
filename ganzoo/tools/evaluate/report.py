"""Report of scores of a model or of samples in files, with everything that they depend on, as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ganzoo.checkpoints.hashes import sha256
from ganzoo.common import threads
from ganzoo.common.errors import GanzooError, require_at_least
from ganzoo.common.files import atomic_write
from ganzoo.common.hardware import find_device, hardware, versions
from ganzoo.common.kinds import kind_of
from ganzoo.games.game import Game
from ganzoo.metrics.bootstrap import Bootstrap
from ganzoo.metrics.evaluation import Evaluation
from ganzoo.metrics.selection import reference_items
from ganzoo.tools.evaluate.preparation import Options, prepare_evaluation
from ganzoo.tools.evaluate.subjects import (
    Album,
    Collection,
    find_subject,
    weights_record,
)
from ganzoo.training.rehearsal import scoring_rehearsal

REPORT_FORMAT = 1
METHOD = "bootstrap percentiles, moved so that their median is the score"


@dataclass(frozen=True)
class Report:
    """Scores and everything that they depend on.

    Attributes:
        content: as the JSON file holds it: `scores` by their keys, `intervals` and `conditions`.
        file: the JSON file.
    """

    content: dict[str, Any]
    file: Path

    @property
    def scores(self) -> dict[str, float]:
        """The scores by their keys, such as `fid[mnist,10k/test]`."""
        return self.content["scores"]


def write_evaluation(
    name: str, options: Options, device_name: str, cpu_threads: int | None, out: Path | None
) -> Report:
    """Scores a model or pictures, and writes the JSON; see `ganzoo.tools.evaluate.evaluate` for the arguments.

    Raises:
        GanzooError: An option does not fit, or something is missing.
    """
    out = out or Path(f"{Path(name).resolve().stem}-scores.json")
    if out.is_dir():
        raise GanzooError(f"-o: '{out}' is a folder; name the JSON file to write.")
    require_at_least("-k", options.k, 1)
    if options.seed is not None and not 0 <= options.seed < 2**63:
        raise GanzooError(f"--seed: {options.seed} given, but it must lie between 0 and 2^63 - 1.")
    device = find_device(device_name)
    resampling = None
    if options.bootstrap:
        resampling = Bootstrap(options.bootstrap, options.level, 0 if options.seed is None else options.seed)
    subject = find_subject(name, options.revision, options.weights, device)
    evaluation, target, fitting, left_out = prepare_evaluation(subject, options, device)
    if device.type == "cpu":
        part = scoring_rehearsal(target, evaluation.datamodule, evaluation.extractor)
        threads.adapt_threads(part, evaluation.samples, cpu_threads)
    measured = evaluation.measure(target, evaluation.collect(target), resampling)
    report = {
        "ganzoo_evaluation": REPORT_FORMAT,
        "name": name,
        "scores": {key: one.value for key, one in measured.items()},
        "intervals": {key: asdict(one.interval) for key, one in measured.items() if one.interval is not None},
        "conditions": {
            "subject": _described(subject, evaluation),
            "samples": _count(evaluation) if evaluation.output == "classes" else evaluation.samples,
            "seed": evaluation.seed,
            "batch_size": evaluation.batch_size,
            "reference": _reference(evaluation),
            "extractor": _extractor(evaluation),
            "resize": fitting,
            "settings": _settings(evaluation),
            "left_out": left_out,
            "precision": {metric: _precision(evaluation, metric) for metric in evaluation.names},
            "intervals": resampling and {"method": METHOD, **asdict(resampling)},
            "machine": {"scored_on": device.type, "hardware": hardware()},
            "versions": versions(),
        },
    }
    with atomic_write(out) as file:
        file.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return Report(report, out)


def _precision(evaluation: Evaluation, name: str) -> str:
    """Returns in which precision a score is computed from what was drawn or extracted in float32."""
    return "float64" if evaluation.known[name].extractor else "float32"


def _count(evaluation: Evaluation) -> int:
    return reference_items(evaluation.datamodule) or 0


def _described(subject: Game | Album | Collection, evaluation: Evaluation) -> dict[str, Any]:
    count = f"{evaluation.samples:,}"
    if not isinstance(subject, Game):
        return {"kind": subject.items, "makes": f"{count} {subject.items}", "sizes": subject.sizes()}
    makes = "all of it classified" if evaluation.output == "classes" else f"{count} {evaluation.output}"
    return {
        "kind": subject.origin.kind,
        "makes": makes,
        "class": f"{type(subject).__module__}.{type(subject).__qualname__}",
        "weights": weights_record(subject),
    }


def _reference(evaluation: Evaluation) -> dict[str, Any]:
    data = evaluation.datamodule
    return {
        "data": data.title,
        "split": data.reference,
        "count": _count(evaluation),
        "shape": list(data.shape),
        "kind": kind.name if (kind := kind_of(data)) else None,
        "sha256": data.fingerprint(data.reference),
    }


def _extractor(evaluation: Evaluation) -> dict[str, Any] | None:
    extractor = evaluation.extractor
    if extractor is None:
        return None
    return {
        "name": extractor.name,
        "features": extractor.num_features,
        "file": extractor.file and extractor.file.name,
        "sha256": extractor.file and sha256(extractor.file),
        "digest": extractor.digest,
    }


def _settings(evaluation: Evaluation) -> dict[str, Any]:
    """Returns the constants in the scores that were computed."""
    data, count = evaluation.datamodule, _count(evaluation)
    constants = {s.name: s.settings(evaluation.samples, count, data, evaluation.k) for s in evaluation.chosen}
    return {name: settings for name, settings in constants.items() if settings}
