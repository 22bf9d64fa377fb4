"""Metrics of other packages: torchmetrics' `Metric`s that a recipe names by their import paths.

`docs/own_package.md` shows one. What such a metric must provide:

- `higher_is_better`, torchmetrics' own attribute, is True or False;
- `update(samples)` takes samples as the model makes them, images (N, C, H, W) in [-1, 1] or points (N, 2);
  `update(samples, real)` is shown the reference as well, with `real=True`;
- `compute()` returns one number;
- `name`, by default the class's in lower case (`SharpnessGap` is `sharpness_gap`), stands in keys and tables.
"""

import hashlib
import inspect
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from jsonargparse import ArgumentError, ArgumentParser
from torch import Tensor
from torchmetrics import Metric

from ganzoo.common.errors import GanzooError, nearest
from ganzoo.common.parser_errors import explain
from ganzoo.common.seeding import mix
from ganzoo.metrics.sampling import random_state
from ganzoo.metrics.score import Score
from ganzoo.metrics.selection import SCORE_GROUPS, SCORES

# A score in a recipe, or in Python: a short name, an import path, an import path with arguments, a metric.
Request = str | dict[str, Any] | Metric

NAME = re.compile(r"[a-z][a-z0-9_]*")


class OwnMetric:
    """Adapter of another package's metric, which is shown real data once and samples again and again.

    Args:
        name: its short name.
        metric: is copied; nothing that it was shown before counts.
        device: where it computes.
        seed: of all that is random in it.
        synchronised: whether several processes show it their parts.
    """

    def __init__(self, name: str, metric: Metric, device: torch.device, seed: int, synchronised: bool) -> None:
        self.name, self.device, self.seed = name, device, seed
        self.compares = compares(metric)
        self._real = metric.clone().to(device)  # has seen real data alone
        self._real.reset()
        self._real.sync_on_compute = synchronised
        self._all: Metric | None = None  # a copy that has seen samples, too
        self._updates = {True: 0, False: 0}  # with real data, with samples

    @torch.inference_mode()
    def update(self, x: Tensor, real: bool) -> None:
        """Shows samples, or real data to a metric that compares with it."""
        if real and not self.compares:
            return
        if not real and self._all is None:
            self._all = self._real.clone()
        words = {"real": real} if self.compares else {}
        self._updates[real] += 1
        with random_state(self.device, mix(self.seed, real, self._updates[real])):
            for metric in (self._real, self._all) if real else (self._all,):
                if metric is not None:
                    metric.update(x.to(self.device), **words)

    @torch.inference_mode()
    def compute(self) -> Tensor:
        """Returns the score, a scalar.

        Raises:
            GanzooError: it is not one number.
        """
        value = torch.as_tensor((self._all or self._real).compute())
        if value.numel() != 1:
            raise GanzooError(f"metrics: {self.name}.compute() must return one number, not {tuple(value.shape)}.")
        return value.reshape(())

    def without_samples(self) -> "OwnMetric":
        """Returns one that has seen the same real data, and no samples."""
        other = OwnMetric(self.name, self._real, self.device, self.seed, self._real.sync_on_compute)
        other._real, other._updates = self._real, {True: self._updates[True], False: 0}
        return other


class OwnScore(Score):
    """Another package's metric as a score.

    Args:
        name: its short name.
        metric: as `resolve` returns it.
    """

    kinds = None
    outputs = ("samples", "translations", "reconstructions")

    def __init__(self, name: str, metric: Metric) -> None:
        super().__init__(name)
        self.metric = metric
        self.higher = bool(metric.higher_is_better)  # type: ignore[misc]  # this one's alone
        self.reference = compares(metric)  # type: ignore[misc]

    def observer(self, device: torch.device, seed: int, synchronised: bool) -> OwnMetric:
        """Returns what is shown all batches."""
        return OwnMetric(self.name, self.metric, device, seed, synchronised)

    def settings(self, samples: int, items: int, datamodule: Any, k: int) -> dict[str, Any]:
        """Returns its class and file."""
        return origin(self.metric)


def resolve(metrics: Sequence[Request]) -> list[str | Metric]:
    """Returns short names as they are, and import paths as the metrics that they lead to.

    Raises:
        GanzooError: an import path leads to no metric, or the metric lacks what it must provide.
    """
    resolved: list[str | Metric] = []
    for request in metrics:
        metric = _instantiate(request)
        if not isinstance(metric, str):
            _check(metric, [short_name(other) for other in resolved if not isinstance(other, str)])
        resolved.append(metric)
    return resolved


def is_own(request: Request) -> bool:
    """Returns whether a request is for another package's metric: an import path, or a metric."""
    return not isinstance(request, str) or "." in request


def names(metrics: Sequence[str | Metric]) -> list[str]:
    """Returns the short names of what `resolve` returns."""
    return [metric if isinstance(metric, str) else short_name(metric) for metric in metrics]


def by_name(metrics: Sequence[str | Metric]) -> dict[str, Metric]:
    """Returns other packages' metrics by their short names."""
    return {short_name(metric): metric for metric in metrics if not isinstance(metric, str)}


def known(own: Mapping[str, Metric]) -> dict[str, Score]:
    """Returns the properties of ganzoo's scores and of these metrics by their short names."""
    return SCORES | {name: OwnScore(name, metric) for name, metric in own.items()}


def short_name(metric: Metric) -> str:
    """Returns a metric's name in keys and tables: its `name`, or its class's, such as `sharpness_gap`."""
    return getattr(metric, "name", None) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(metric).__name__).lower()


def compares(metric: Metric) -> bool:
    """Returns whether a metric is shown real data, too: its `update` takes `real`."""
    return "real" in inspect.signature(type(metric).update).parameters


def metric_path(metric: Metric) -> str:
    """Returns the import path of a metric's class."""
    return f"{type(metric).__module__}.{type(metric).__qualname__}"


def origin(metric: Metric) -> dict[str, Any]:
    """Returns what tells a metric from another of its name: its class, its file's sha256, which way is better."""
    try:
        digest = hashlib.sha256(Path(inspect.getfile(type(metric))).read_bytes()).hexdigest()
    except (OSError, TypeError):  # typed into a notebook
        digest = None
    return {"class": metric_path(metric), "sha256": digest, "higher_is_better": bool(metric.higher_is_better)}


def descriptions(metrics: Sequence[Request]) -> dict[str, str]:
    """Returns descriptions of other packages' metrics by their short names."""
    better = {True: "higher is better", False: "lower is better"}
    own = by_name(resolve(metrics))
    return {
        name: f"`{metric_path(m)}`, no score of ganzoo's ({better[bool(m.higher_is_better)]})"
        for name, m in own.items()
    }


def origins(metrics: Sequence[str | Metric], requests: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Returns `origin` of other packages' metrics by their short names, with each one's request in the recipe."""
    pairs = zip(metrics, requests, strict=True)
    return {short_name(m): {**origin(m), "asked": words} for m, words in pairs if not isinstance(m, str)}


def _instantiate(request: Request) -> str | Metric:
    """Returns a short name as it is, and the metric of an import path."""
    if isinstance(request, Metric) or (isinstance(request, str) and not is_own(request)):
        return request
    path = request if isinstance(request, str) else request.get("class_path")
    if not isinstance(path, str) or "." not in path:
        raise GanzooError(f"metrics: {request!r} given, but it must be a name, an import path or hold a class_path.")
    _require_metric(path)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(Metric, "metrics", required=True)
    described = {"class_path": path} if isinstance(request, str) else request
    try:
        return parser.instantiate_classes(parser.parse_object({"metrics": described})).metrics
    except (ArgumentError, ValueError) as error:
        raise GanzooError(explain(error, [])) from error


def _require_metric(path: str) -> None:
    """Raises GanzooError unless an import path leads to a class of torchmetrics' kind."""
    module, _, name = path.rpartition(".")
    rule = "it must be the import path of a torchmetrics Metric"
    try:
        value = getattr(import_module(module), name, None)
    except ImportError as error:
        raise GanzooError(f"metrics: cannot import {path} ({error}); {rule}.") from error
    if value is None:
        raise GanzooError(f"metrics: cannot find {path}; {rule}.{nearest(name, vars(import_module(module)))}")
    if not (isinstance(value, type) and issubclass(value, Metric)):
        raise GanzooError(f"metrics: {path} given, but {rule}.")


def _check(metric: Metric, others: Sequence[str]) -> None:
    """Raises GanzooError if a metric lacks what it must provide."""
    name, path = short_name(metric), metric_path(metric)
    if not isinstance(name, str) or not NAME.fullmatch(name) or name.endswith(("_std", "_z")):
        rule = "small letters, digits and _, and not end in _std or _z"
        raise GanzooError(f"metrics: {path} has the name {name!r}, which must consist of {rule}.")
    if name in {*SCORES, *SCORE_GROUPS, *others}:
        raise GanzooError(f"metrics: {path} has the name {name}, which another score has; give it a `name`.")
    if not isinstance(metric.higher_is_better, bool):
        raise GanzooError(f"metrics: {path} does not say which way is better; set higher_is_better to True or False.")
    arguments = [*inspect.signature(type(metric).update).parameters][1:]
    if len(arguments) != 1 + compares(metric):
        raise GanzooError(
            f"metrics: {path}.update takes ({', '.join(arguments)}), but it must take (samples) or (samples, real)."
        )
