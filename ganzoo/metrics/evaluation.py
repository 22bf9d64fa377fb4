"""Evaluation of models that draw samples: real data is collected once, and samples are compared with it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors

from ganzoo.common.errors import require_at_least
from ganzoo.games.capabilities import Output
from ganzoo.metrics import own
from ganzoo.metrics.bootstrap import Bootstrap, Measurement, Scored
from ganzoo.metrics.cache import features_path, read_features, write_features
from ganzoo.metrics.collection import Collected, Parts, Side, wide
from ganzoo.metrics.distances import inception_score
from ganzoo.metrics.extractors import Extractor, get_extractor
from ganzoo.metrics.prdc import K
from ganzoo.metrics.sampling import Drawn, conditions_for, draw, random_state
from ganzoo.metrics.score import Score, Setting
from ganzoo.metrics.selection import base, choose_scores, key, reference_items


def as_many(datamodule: Any) -> int:
    """Returns the default number of samples: that of the reference split, from 2 to 10,000."""
    return max(2, min(reference_items(datamodule) or 10_000, 10_000))


class Collector:
    """Collects the reference, batch by batch.

    Args:
        evaluation: Whose scores decide what is kept.
        previous: What was collected before; there is then nothing to do.
        wanted: Whether anything is to be collected; by default if a score compares with real data.

    Attributes:
        done: Whether no batch is wanted, because none is needed, or all is here or cached.
    """

    def __init__(self, evaluation: "Evaluation", previous: Collected | None = None, wanted: bool | None = None) -> None:
        self.evaluation, self.previous = evaluation, previous
        self.wanted = evaluation.compares if wanted is None else wanted
        self.observers = evaluation.observers()
        self.cached = evaluation.cached_features() if previous is None and self.wanted else None
        keeps = evaluation.keeps(reference=True)
        extract = evaluation.extract if self.cached is None else None
        reads = bool(keeps) or extract is not None or any(observer.compares for observer in self.observers.values())
        self.done = previous is not None or not self.wanted or not reads
        self._parts = Parts(keeps, evaluation.datamodule, extract)

    def add(self, batch: tuple[Any, Any], model: Any = None) -> None:
        """Adds this process's next batch of the reference.

        Args:
            batch: Samples (N, ...), and what belongs to them.
            model: That is going to be scored.
        """
        x = batch[0].to(self.evaluation.device)
        self._parts.add(x)
        for observer in self.observers.values():
            observer.update(x, real=True)

    def finish(self, whole: bool) -> Collected:
        """Ends the collection, and returns it.

        Args:
            whole: Whether this was the whole split; only then its features are cached.
        """
        evaluation = self.evaluation
        if self.previous is not None:
            return self.previous
        if not self.wanted:
            return Collected(observers=self.observers)
        whole = self.done or evaluation.everywhere(whole)
        reference = self._parts.whole(evaluation.gathered)
        if self.cached is not None:
            reference = replace(reference, features=self.cached)
        elif reference.features is not None and evaluation.cache and whole and evaluation.rank == 0:
            assert evaluation.extractor is not None
            write_features(features_path(evaluation.extractor, evaluation.datamodule), *reference.features)
        return Collected(reference, None, evaluation.prepared(reference), self.observers, whole)


class Evaluation:
    """Scores models that draw samples against real data, which is collected once.

    Each image goes through the extractor once, whatever the number of scores. Real features are read from the disk
    cache where it has them. The global random state is left as it was, and equal inputs give equal scores. What models
    make of real images, instead of out of nothing, is scored in `ganzoo.metrics.translations`.

    It holds nothing of what it has scored: `collect` returns what is known of the reference, and `scores` takes it.

    Args:
        datamodule: Has `shape`, `reference`, `fingerprint(split)`, and for points `centres` and `std`.
        features: Name of the extractor or path of its weights, for fid, is and kid.
        metrics: Short names and metrics of one's own (see `ganzoo.metrics.own`); by default those names that suit data
            and model (see `ganzoo.metrics.selection.choose_scores`).
        samples: Number of generated samples, over all processes; None: as many as the reference holds, at most 10,000.
        batch_size: Samples generated and scored at a time.
        seed: Of the samples and of all that is random in a score.
        cache: Whether real features are read from and written to the disk.
        device: Where scores are computed.
        rank: Index of this process.
        world_size: Number of processes; each must make the same calls, and each gets the scores of all data.
        classes: What `ganzoo.games.capabilities.taught_classes` says of the models to be scored.
        k: Which neighbour's distance is the radius in precision, recall, density and coverage.
        model: One of the models to be scored, if scores are to say at once whether they suit it.

    Raises:
        GanzooError: A name is unknown, something does not suit the data, or the extractor cannot be built.
    """

    output: Output = "samples"

    def __init__(
        self,
        datamodule: Any,
        features: str | None = None,
        metrics: Sequence[own.Request] | None = None,
        samples: int | None = 10_000,
        batch_size: int = 500,
        seed: int = 0,
        cache: bool = True,
        device: torch.device | str = "cpu",
        rank: int = 0,
        world_size: int = 1,
        classes: int = 0,
        k: int = K,
        model: Any = None,
    ):
        samples = as_many(datamodule) if samples is None else samples
        for name, value, least in (("samples", samples, 2), ("batch_size", batch_size, 1), ("k", k, 1)):
            require_at_least(name, value, least)
        self.datamodule = datamodule
        self.features = features
        resolved = None if metrics is None else own.resolve(metrics)
        self.own_metrics = own.by_name(resolved or [])
        self.known = own.known(self.own_metrics)
        requested = None if resolved is None else own.names(resolved)
        self.names = choose_scores(requested, features, datamodule, classes, self.output, self.known, model)
        self.chosen = _measured_in_order(self.known, self.names)
        self.samples = samples
        self.batch_size = batch_size
        self.seed = seed
        self.cache = cache
        self.device = torch.device(device)
        self.rank = rank
        self.world_size = world_size
        self.k = k

        self.extractor: Extractor | None = None
        if features is not None and any(score.extractor for score in self.chosen):
            self.extractor = get_extractor(features).to(self.device)
            self.extractor.check(self.extractor_shape())

    @property
    def compares(self) -> bool:
        """Whether a score compares with real data."""
        return any(score.compares(self.datamodule) for score in self.chosen)

    def key(self, name: str) -> str:
        """Returns the key under which the score with this short name is logged."""
        return key(name, self.features, self.samples, self.datamodule, self.known, self.items)

    @cached_property
    def items(self) -> int | None:
        """Number of items of the reference; None of data that keeps no splits."""
        return reference_items(self.datamodule)

    def extractor_shape(self) -> tuple[int, ...]:
        """Returns the shape (C, H, W) of the extractor's input."""
        return self.datamodule.shape

    @property
    def extract(self) -> Any:
        """Function from a batch to an extractor's features and logits; None without one."""
        return self.extractor

    def keeps(self, reference: bool) -> list[Any]:
        """Returns what scores keep of batches, each once: of the reference, or of samples."""
        scores = [s for s in self.chosen if not reference or (s.keeps_reference and s.compares(self.datamodule))]
        return list(dict.fromkeys(score.keep for score in scores if score.keep is not None))

    def observers(self) -> dict[str, Any]:
        """Returns other packages' metrics by their names, which have seen nothing yet."""
        made = {s.name: s.observer(self.device, self.seed, self.world_size > 1) for s in self.chosen}
        return {name: observer for name, observer in made.items() if observer is not None}

    def cached_features(self) -> tuple[Tensor, Tensor] | None:
        """Returns the reference's features and logits from the disk; None if a process lacks them."""
        if self.extractor is None:
            return None
        cached = read_features(features_path(self.extractor, self.datamodule)) if self.cache else None
        return cached if self.everywhere(cached is not None) else None

    def collector(self, previous: Collected | None = None) -> Collector:
        """Returns what collects the reference, batch by batch; `previous` is what was collected before, if anything."""
        return Collector(self, previous)

    def collect(self, model: Any = None, previous: Collected | None = None) -> Collected:
        """Collects the reference from the data module's own loader, for use without a trainer."""
        return self._read(self.collector(previous), model)

    def scores(self, model: Any, collected: Collected | None = None) -> dict[str, float]:
        """Draws samples and returns the scores by their full keys.

        Args:
            model: Has `sample(n, seed=...)`; one with conditions has `conditions(n)`, those that it samples.
            collected: What `collect` has returned; without it the reference is collected now.
        """
        return {name: measured.value for name, measured in self.measure(model, collected).items()}

    def measure(
        self, model: Any, collected: Collected | None = None, resampling: Bootstrap | None = None
    ) -> dict[str, Measurement]:
        """Draws samples and returns the scores by their full keys, if asked for with their intervals.

        Args:
            model: See `scores`.
            collected: See `scores`.
            resampling: For the intervals; of one process alone.
        """
        collected = self.collect(model) if collected is None else collected
        with random_state(self.device, self.seed):
            measured = {}
            for name, scored in self._measure(model, collected).items():
                value = float(scored.value) + 0.0  # no -0
                again = None if resampling is None else scored.replicates
                interval = resampling.interval(value, again) if resampling is not None and again is not None else None
                measured[name] = Measurement(value, interval)
        order = sorted(measured, key=lambda name: self.names.index(base(name)))
        return {self.key(name): measured[name] for name in order}

    def bounds(self, collected: Collected) -> dict[str, float]:
        """Returns the reference's own Inception Score and accuracy, those that are computed, by their full keys."""
        wanted = {"is", "accuracy"}.intersection(self.names)
        if wanted and collected.reference.features is None:
            collected = self._read(Collector(self, wanted=True))
        bounds = {}
        if wanted:
            assert collected.reference.features is not None
            logits = wide(collected.reference.features[1], self.device)
        if "is" in wanted:
            with random_state(self.device, self.seed):
                bounds["is"] = inception_score(logits)[0]
        if "accuracy" in wanted:
            _, labels = self.datamodule.split(self.datamodule.reference)
            bounds["accuracy"] = (logits.argmax(dim=1) == labels.to(logits.device)).double().mean()
        return {self.key(name): float(value) for name, value in bounds.items()}

    def prepared(self, reference: Side) -> dict[str, Any]:
        """Returns what the scores compute from the reference alone, by their names."""
        setting = self._setting(None)
        comparing = [score for score in self.chosen if score.compares(self.datamodule)]
        return {score.name: score.prepare(reference.seen_by(score, self.device), setting) for score in comparing}

    def everywhere(self, flag: bool) -> bool:
        """Returns whether a flag holds on all processes, which must not part before a collective operation."""
        return all(part.item() for part in self.gathered(torch.tensor([flag], device=self.device)))

    def gathered(self, x: Tensor) -> list[Tensor]:
        """Returns the parts of all processes."""
        return gather_all_tensors(x) if self.world_size > 1 else [x]

    def _read(self, collector: Collector, model: Any = None) -> Collected:
        """Collects all that is left from the data module's own loader."""
        if not collector.done:
            self.datamodule.setup("validate")
            # PyTorch's loader draws a seed for its workers from the global state.
            with random_state(self.device, self.seed):
                for batch in self.datamodule.val_dataloader():
                    collector.add(batch, model)
        return collector.finish(whole=True)

    def _setting(self, model: Any) -> Setting:
        return Setting(self.datamodule, model, self.extractor, self.seed, self.k, self.samples, self.device)

    def _measure(self, model: Any, collected: Collected) -> dict[str, Scored]:
        """Draws samples and returns their scores by short names."""
        observers = {name: observer.without_samples() for name, observer in collected.observers.items()}
        return self._score(model, collected, self._draw(model, observers), observers)

    def _draw(self, model: Any, observers: dict[str, Any]) -> Side:
        """Draws samples, shows them to other packages' metrics, and returns what the scores see of them."""
        if not any(score.drawn for score in self.chosen):
            return Side()
        parts = Parts(self.keeps(reference=False), self.datamodule, self.extract)
        conditions = any(score.conditions for score in self.chosen)
        for drawn in self.drawn(model):
            x = drawn.x.to(self.device)
            parts.add(x, drawn.conditions if conditions else None)
            for observer in observers.values():
                observer.update(x, real=False)
        return parts.whole(self.gathered)

    def drawn(self, model: Any) -> Iterable[Drawn]:
        """Draws this process's samples."""
        conditions = conditions_for(model, self.datamodule, self.samples)
        return draw(model, self.samples, self.batch_size, self.seed, self.rank, self.world_size, conditions)

    def _score(self, model: Any, collected: Collected, side: Side, observers: dict[str, Any]) -> dict[str, Scored]:
        """Returns the scores of what is seen of samples, by short names, and companions such as `is_std`."""
        results: dict[str, Scored] = {}
        setting = self._setting(model)
        for name, observer in observers.items():
            results[name] = Scored(observer.compute())
        torch.manual_seed(self.seed)  # the same subsets each time and everywhere, whatever the model has drawn
        for score in self.chosen:
            if score.name in observers:
                continue
            reference = collected.reference.seen_by(score, self.device, collected.prepared.get(score.name))
            scored = score.measure(side.seen_by(score, self.device), reference, setting)
            results |= scored if isinstance(scored, dict) else {score.name: scored}
        return {name: scored for name, scored in results.items() if base(name) in self.names}


def _measured_in_order(known: dict[str, Score], names: Sequence[str]) -> list[Score]:
    """Returns the scores that give these names, each once, and after those that it is to be measured after."""
    scores = list(dict.fromkeys(known[name] for name in names))
    ordered: list[Score] = []

    def place(score: Score) -> None:
        for other in scores:
            if other.name in score.after and other not in ordered:
                place(other)
        if score not in ordered:
            ordered.append(score)

    for score in scores:
        place(score)
    return ordered


def class_shares(
    model: Any, extractor: Extractor, samples: int = 10_000, seed: int = 0, batch_size: int = 500
) -> list[float]:
    """Returns the share of a model's samples that the extractor assigns to each of its classes.

    These are the very samples that `score` draws with the same seed and batch size.
    """
    extractor = extractor.to(model.device)
    with random_state(model.device, seed):
        logits = torch.cat([extractor(drawn.x)[1] for drawn in draw(model, samples, batch_size, seed)])
    counts = logits.argmax(dim=1).bincount(minlength=logits.shape[1])
    return (counts.cpu().double() / samples).tolist()
