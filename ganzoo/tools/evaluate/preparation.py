"""Preparation of an evaluation: what is scored, against which data, and by which scores."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ganzoo.common.conditions import map_values
from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import kind_of
from ganzoo.data.named import find_data, is_named
from ganzoo.games.capabilities import output_of, taught_classes
from ganzoo.games.game import Game
from ganzoo.metrics import own
from ganzoo.metrics.evaluation import Evaluation
from ganzoo.metrics.sampling import Drawn, at_full_side
from ganzoo.metrics.score import ScoreContext
from ganzoo.metrics.scoring import evaluation_of
from ganzoo.metrics.selection import DEFAULTS, expand, refuses, too_few
from ganzoo.tools.evaluate.subjects import (
    Album,
    Collection,
    folder_shape,
    read_folder,
    recipe_data,
    recipe_of,
    recipe_quality,
)


class FileEvaluation(Evaluation):
    """Evaluation of samples in files in place of a model: of all, or of a number of them chosen at random."""

    def drawn(self, model: Any) -> Iterator[Drawn]:
        """Returns the chosen samples, with their conditions."""
        loader = model.loader("train")
        order = torch.randperm(loader.size, generator=torch.Generator().manual_seed(self.seed))
        chosen = torch.zeros(loader.size, dtype=torch.bool).index_fill_(0, order[: self.samples], True)
        for (x, y), in_batch in zip(loader, chosen.split(loader.batch_size), strict=True):
            if in_batch.any():
                yield Drawn(x[in_batch], map_values(partial(_those, in_batch), y))


def _those(chosen: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    return values[chosen]


@dataclass(frozen=True)
class Options:
    """Options of an evaluation; see `ganzoo.tools.evaluate.evaluate`."""

    data: str | None = None
    metrics: Sequence[str] | None = None
    features: str | None = None
    samples: int | None = None
    seed: int | None = None
    k: int = 5
    bootstrap: int = 200
    level: float = 0.95
    size: int | None = None
    channels: int | None = None
    weights: str | None = None
    root: str | None = None
    revision: str | None = None


def prepare_evaluation(
    subject: Game | Album | Collection, options: Options, device: torch.device
) -> tuple[Evaluation, Any, dict[str, Any], dict[str, str]]:
    """Returns the evaluation of a subject against its data, with the scores to compute.

    Returns:
        The evaluation; what it is to score; how images come to their size; which of the usual scores are left out, and
        why.

    Raises:
        GanzooError: They do not fit, or there are too few images.
    """
    recipe = recipe_of(subject)
    quality = recipe_quality(subject.origin, recipe) if isinstance(subject, Game) else {}
    reals = None
    if options.data and _is_folder(options.data):
        reals = read_folder(options.data, "--data", subject.kind if isinstance(subject, Game) else None)
    if not isinstance(subject, Game):
        target, samples, shape = _in_files(subject, reals, options)
    else:
        target, samples, shape = subject, 10_000 if options.samples is None else options.samples, None
        if output_of(target) == "samples":
            one = subject.sample(1, seed=0)  # type: ignore[operator]  # it does draw
            shape = tuple(at_full_side(subject, one).shape[1:])
            if reals:
                folder_shape([reals], options.size, options.channels, drawn=shape)
        elif options.data is not None:
            makes = output_of(target)
            raise GanzooError(f"--data: '{subject.origin.name}' makes {makes}, which are scored on its recipe's data.")
        elif output_of(target) == "classes" and options.samples is not None:
            raise GanzooError(f"--samples: '{subject.origin.name}' classifies all images of its data; leave it out.")
        for field in ("size", "channels"):
            if getattr(options, field) is not None and reals is None:
                raise GanzooError(f"--{field}: it is for pictures; '{subject.origin.name}' is compared with none.")
    datamodule: Any
    if reals:
        datamodule = reals.open(shape)  # type: ignore[arg-type]  # of what is no image, --data was refused
    elif options.data is not None:
        datamodule = find_data(options.data, shape, options.root, subject.kind)  # type: ignore[arg-type]  # likewise
    else:
        datamodule = recipe_data(subject.origin, recipe, options.root)  # type: ignore[union-attr]  # pictures have --data
    if shape not in (None, datamodule.shape):
        name = subject.origin.name if isinstance(subject, Game) else subject.name
        shapes = f"'{name}' has {shape}, and {datamodule.title} {datamodule.shape}"
        raise GanzooError(f"--data: shapes (channels, height, width) differ: {shapes}; give other data.")
    made, real = subject.kind if isinstance(subject, Game) else None, kind_of(datamodule)
    if made and real and made is not real:
        raise GanzooError(f"--data: the model makes {made.name}, but {datamodule.title} are {real.name}.")
    features = options.features or quality.get("features")
    metrics: list[own.Request] | None = None if options.metrics is None else [*options.metrics]
    left_out: dict[str, str] = {}
    if metrics is None:
        usual = _defaults(subject, features, datamodule, quality.get("metrics"))
        metrics, left_out = _possible(usual, samples, datamodule, options.k)
    common = {
        "features": features,
        "metrics": metrics,
        "samples": samples,
        "seed": quality.get("seed", 0) if options.seed is None else options.seed,
        "batch_size": quality.get("batch_size", 500),
        "k": options.k,
        "device": device,
    }
    drawn = isinstance(subject, Game)
    evaluation = evaluation_of(target, datamodule, **common) if drawn else FileEvaluation(datamodule, **common)
    _require_enough(evaluation)
    resized = {
        "samples": None if isinstance(subject, Game) else subject.resize(target.shape),
        "reference": reals.resize(datamodule.shape) if reals else getattr(datamodule, "resized", None),
        "extractor": evaluation.extractor and evaluation.extractor.reads,
    }
    return evaluation, target, resized, left_out


def _in_files(
    subject: Album | Collection, reals: Album | Collection | None, options: Options
) -> tuple[Any, int, tuple[int, ...]]:
    """Returns the samples in files to be scored as data, how many of them, and their shape."""
    if options.data is None:
        what = f"the {subject.items} to compare '{subject.name}' with"
        raise GanzooError(f"--data: not given; name a data set, or {what}.")
    shape = folder_shape([subject, *([reals] if reals else [])], options.size, options.channels)
    opened = subject.open(shape)
    count = len(opened.split("train")[0])
    if options.samples is not None and options.samples > count:
        raise GanzooError(f"--samples: {options.samples} given, but '{subject.name}' holds {count} {subject.items}.")
    return opened, count if options.samples is None else options.samples, shape


def _is_folder(name: str) -> bool:
    return not is_named(name) and Path(name).expanduser().exists()


def _defaults(
    subject: Game | Album | Collection, features: str | None, datamodule: Any, recipe_metrics: Any
) -> list[own.Request] | None:
    """Returns the thorough scores of the kind of sample, and the recipe's own; None for what is usual."""
    context = ScoreContext(datamodule, features)
    if isinstance(subject, Game):
        context = ScoreContext(datamodule, features, taught_classes(subject), output_of(subject), subject)
    thorough = DEFAULTS[context.kind.name].thorough
    if thorough is None or context.output != "samples":
        return recipe_metrics
    return [*thorough(context), *(metric for metric in recipe_metrics or [] if own.is_own(metric))]


def _possible(
    metrics: list[own.Request] | None, samples: int, datamodule: Any, k: int
) -> tuple[list[own.Request] | None, dict[str, str]]:
    """Splits default scores into those that there are enough items for, and the reasons against the others.

    Raises:
        GanzooError: There are too few for any.
    """
    if metrics is None:
        return None, {}
    names = expand([metric for metric in metrics if isinstance(metric, str) and not own.is_own(metric)])
    reasons = {name: too_few(name, samples, datamodule, k) for name in names}
    left_out = {name: reason for name, reason in reasons.items() if reason}
    possible: list[own.Request] = [name for name in names if name not in left_out]
    possible += [metric for metric in metrics if own.is_own(metric)]
    if not possible:
        name, reason = next(iter(left_out.items()))
        raise GanzooError(f"metrics: there is too little for any score: even {name} {reason}.")
    return possible, left_out


def _require_enough(evaluation: Evaluation) -> None:
    """Raises a GanzooError where there are too few items for a score, before anything is computed."""

    def reason(name: str) -> str:
        return too_few(name, evaluation.samples, evaluation.datamodule, evaluation.k, evaluation.known)

    for name in evaluation.names:
        if why := reason(name):
            named = [other for other in evaluation.names if other not in evaluation.own_metrics]
            usual = [*named, *(["fid", "kid"] if evaluation.extractor else []), "swd"]
            context = ScoreContext(evaluation.datamodule, evaluation.features, output=evaluation.output)
            fitting = [other for other in dict.fromkeys(usual) if not refuses(other, context, evaluation.known)]
            others = [other for other in fitting if not reason(other)]
            hint = f"; with so few give --metrics {' '.join(others)}" if others else ""
            raise GanzooError(f"metrics: {name} {why}{hint}.")
