"""Evaluation of models that draw samples: real data is collected once, and samples are compared with it."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors

from ganzoo.common.errors import require_at_least
from ganzoo.games.capabilities import Output
from ganzoo.metrics import bootstrap, own
from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.cache import features_path, read_features, write_features
from ganzoo.metrics.distances import Reference, inception_score
from ganzoo.metrics.extractors import Extractor, get_extractor
from ganzoo.metrics.pixels import Pixels, as_bytes
from ganzoo.metrics.points import PointScores
from ganzoo.metrics.prdc import K, prdc
from ganzoo.metrics.sampling import draw_samples, random_state
from ganzoo.metrics.scores import SCORE_GROUPS, base, choose_scores, key, reference_items
from ganzoo.metrics.swd import SlicedWasserstein

Collector = SlicedWasserstein | PointScores | own.OwnMetric

SUBSET = 1000  # images in each of KID's
# What each of these is a mean over; the other set's balls stay where they are in a resample.
OVER = {"precision": "samples", "recall": "reference", "density": "samples", "coverage": "reference"}


def as_many(datamodule: Any) -> int:
    """Returns the default number of samples: that of the reference split, from 2 to 10,000."""
    return max(2, min(reference_items(datamodule) or 10_000, 10_000))


class Evaluation:
    """Scores models that draw samples against real data, which is collected once.

    Each image goes through the extractor once, whatever the number of scores. Real features are read from the disk
    cache where it has them. The global random state is left as it was, and equal inputs give equal scores. What models
    make of real images, instead of out of nothing, is scored in `ganzoo.metrics.translations`.

    Args:
        datamodule: Has `shape`, `reference`, `fingerprint(split)`, and for points `centres` and `std`.
        features: Name of the extractor or path of its weights, for fid, is and kid.
        metrics: Short names and metrics of one's own (see `ganzoo.metrics.own`); by default those names that suit data
            and model (see `ganzoo.metrics.scores.choose_scores`).
        samples: Number of generated samples, over all processes; None: as many as the reference holds, at most 10,000.
        batch_size: Samples generated and scored at a time.
        seed: Of the samples and of all that is random in a score.
        cache: Whether real features are read from and written to the disk.
        device: Where scores are computed.
        rank: Index of this process.
        world_size: Number of processes; each must make the same calls, and each gets the scores of all data.
        classes: What `ganzoo.games.capabilities.taught_classes` says of the models to be scored.
        k: Which neighbour's distance is the radius in precision, recall, density and coverage.

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
        self.names = choose_scores(requested, features, datamodule, classes, self.output, self.known)
        self.samples = samples
        self.batch_size = batch_size
        self.seed = seed
        self.cache = cache
        self.device = torch.device(device)
        self.rank = rank
        self.world_size = world_size
        self.k = k

        self.extractor: Extractor | None = None
        if features is not None and self._any("features"):
            self.extractor = get_extractor(features).to(self.device)
            self.extractor.check(self.extractor_shape())
        self._metrics = self._fresh()
        self._extracted: list[tuple[Tensor, Tensor]] = []
        self._reference: Reference | None = None
        self._logits = torch.empty(0)  # of the reference
        self._pixels = Pixels(self.names, datamodule, seed)
        self.wants_real = any(self.known[name].needs_reference(datamodule) for name in self.names)

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

    def begin(self) -> None:
        """Starts to collect real data; sets `wants_real` to False if none is needed, or all is here or cached."""
        if not self.wants_real:
            return
        # An interrupted collection may have left something.
        self._extracted, self._metrics = [], self._fresh()
        if self.extractor is None or self._reference is not None:
            return
        cached = read_features(features_path(self.extractor, self.datamodule)) if self.cache else None
        if self._everywhere(cached is not None) and cached is not None:
            self._keep(*cached)
            self.wants_real = bool(self._metrics)

    def add(self, batch: tuple[Any, Any], model: Any = None) -> None:
        """Adds this process's next batch of the reference.

        Args:
            batch: images (N, C, H, W) in [-1, 1] or points (N, 2), and what belongs to them.
            model: the model that is going to be scored.
        """
        x = batch[0].to(self.device)
        if self.extractor is not None and self._reference is None:
            self._extracted.append(self.extractor(x))
        for metric in self._metrics:
            metric.update(x, real=True)

    def finish(self, whole: bool) -> None:
        """Ends the collection of the reference.

        Args:
            whole: Whether this was the whole split; only then it is cached.
        """
        self.wants_real = False
        whole = self._everywhere(whole)
        if self.extractor is None or self._reference is not None:
            return
        features, logits = self._whole(self._extracted)
        self._extracted = []
        self._keep(features, logits)
        if self.cache and whole and self.rank == 0:
            write_features(features_path(self.extractor, self.datamodule), features, logits)

    def collect(self, model: Any = None) -> None:
        """Collects the reference from the data module's own loader, for use without a trainer."""
        self.begin()
        if self.wants_real:
            self.datamodule.setup("validate")
            # PyTorch's loader draws a seed for its workers from the global state.
            with random_state(self.device, self.seed):
                for batch in self.datamodule.val_dataloader():
                    self.add(batch, model)
            self.finish(whole=True)

    def scores(self, model: Any) -> dict[str, float]:
        """Draws samples and returns the scores by their full keys.

        Args:
            model: Has `sample(n, seed=...)`; one with classes has `labels(n, None)`, those that it samples.
        """
        return self.measure(model)[0]

    def measure(
        self, model: Any, resampling: bootstrap.Bootstrap | None = None
    ) -> tuple[dict[str, float], dict[str, bootstrap.Interval]]:
        """Draws samples and returns the scores and, from one process, their intervals if asked for, by full keys."""
        with random_state(self.device, self.seed):
            results = {self.key(name): s for name, s in self._score(model).items() if base(name) in self.names}
            values = {key: float(scored.value) + 0.0 for key, scored in results.items()}  # no -0
            intervals: dict[str, bootstrap.Interval] = {}
            if resampling is not None:
                again = {key: scored.replicates for key, scored in results.items() if scored.replicates is not None}
                intervals = {key: resampling.interval(values[key], replicates) for key, replicates in again.items()}
        return values, intervals

    def bounds(self) -> dict[str, float]:
        """Returns the reference's own Inception Score and accuracy, those that are computed, by their full keys."""
        if self._reference is None and {"is", "accuracy"}.intersection(self.names):
            self.wants_real = True
            self.collect()
        bounds = {}
        if "is" in self.names:
            with random_state(self.device, self.seed):
                bounds["is"] = inception_score(self._wide(self._logits))[0]
        if "accuracy" in self.names:
            _, labels = self.datamodule.split(self.datamodule.reference)
            bounds["accuracy"] = (self._logits.argmax(dim=1) == labels.to(self.device)).double().mean()
        return {self.key(name): float(value) for name, value in bounds.items()}

    def _fresh(self) -> list[Collector]:
        options: dict[str, Any] = {"sync_on_compute": self.world_size > 1, "reset_real": False}
        metrics: list[Collector] = []
        if "swd" in self.names:
            metrics.append(SlicedWasserstein(**options))
        if self._any("points"):
            centres = getattr(self.datamodule, "centres", None)
            metrics.append(PointScores(centres, self.datamodule.std, **options))
        where = (self.device, self.seed, self.world_size > 1)
        return [*metrics, *(own.OwnMetric(name, metric, *where) for name, metric in self.own_metrics.items())]

    def _score(self, model: Any) -> dict[str, Scored]:
        """Draws samples and returns their scores by short names."""
        images, extracted = [], []
        for x in self._drawn(model):
            x = x.to(self.device)
            if self._pixels.names:
                images.append(as_bytes(x))
            if self.extractor is not None:
                features, logits = self.extractor(x)
                labels = [model.labels(len(x), None).to(self.device)] if "accuracy" in self.names else []
                extracted.append((features, logits, *labels))
            for metric in self._metrics:
                metric.update(x, real=False)
        results = self._metric_scores()
        if self.extractor is not None:
            results |= self._feature_scores(*self._whole(extracted))
        return results | self._pixels.scores(images, self._gathered)

    def _drawn(self, model: Any) -> Iterable[Tensor]:
        return draw_samples(model, self.samples, self.batch_size, self.seed, self.rank, self.world_size)

    def _metric_scores(self) -> dict[str, Scored]:
        """Returns the metrics' scores of the images or points that they were shown, and resets them."""
        results: dict[str, Scored] = {}
        for metric in self._metrics:
            if isinstance(metric, PointScores):
                results |= {name: Scored(x, bootstrap.of_points(metric, name)) for name, x in metric.compute().items()}
            elif isinstance(metric, SlicedWasserstein):
                results["swd"] = Scored(metric.compute(), bootstrap.of_swd(metric))
            else:
                results |= {name: Scored(x) for name, x in metric.compute().items()}
            metric.reset()
        return results

    def _feature_scores(self, features: Tensor, logits: Tensor, labels: Tensor | None = None) -> dict[str, Scored]:
        """Returns the scores of samples' features (N, D) and logits (N, K), and of their labels (N,), if any."""
        features = self._wide(features)
        torch.manual_seed(self.seed)  # the same subsets each time and everywhere, whatever the model has drawn
        results: dict[str, Scored] = {}
        if self._reference is not None:
            real = self._reference.features
            if "fid" in self.names:
                results["fid"] = Scored(self._reference.frechet_distance(features), bootstrap.of_fid(real, features))
            if "kid" in self.names:
                distance = self._reference.kernel_distance(features, min(SUBSET, len(features), len(real)))
                results["kid"] = Scored(distance, bootstrap.of_kid(real, features))
            if names := [name for name in SCORE_GROUPS["prdc"] if name in self.names]:
                overlap = prdc(real, features, self.k)
                results |= {name: bootstrap.mean_of(getattr(overlap, name), OVER[name]) for name in names}
        if "is" in self.names:
            score, deviation = inception_score(self._wide(logits))
            results["is"] = Scored(score, bootstrap.of_inception_score(self._wide(logits)))
            results["is_std"] = Scored(deviation)
        if labels is not None:
            results["accuracy"] = bootstrap.mean_of(logits.argmax(dim=1) == labels, "samples")
        return results

    def _keep(self, features: Tensor, logits: Tensor) -> None:
        """Keeps the whole reference's features and logits."""
        self._reference = Reference(self._wide(features))
        self._logits = logits.to(self.device)

    def _wide(self, x: Tensor) -> Tensor:
        """Returns a tensor in float64, as distances are differences of large sums; on the CPU for Apple's GPUs."""
        return x.cpu().double() if self.device.type == "mps" else x.to(self.device).double()

    def _whole(self, parts: Sequence[tuple[Tensor, ...]]) -> list[Tensor]:
        """Joins batches of several tensors each, over all processes."""
        return [torch.cat(self._gathered(torch.cat(column))) for column in zip(*parts, strict=True)]

    def _any(self, of: str) -> bool:
        return any(self.known[name].of == of for name in self.names)

    def _everywhere(self, flag: bool) -> bool:
        """Returns whether a flag holds on all processes, which must not part before a collective operation."""
        return all(part.item() for part in self._gathered(torch.tensor([flag], device=self.device)))

    def _gathered(self, x: Tensor) -> list[Tensor]:
        return gather_all_tensors(x) if self.world_size > 1 else [x]


def class_shares(
    model: Any, extractor: Extractor, samples: int = 10_000, seed: int = 0, batch_size: int = 500
) -> list[float]:
    """Returns the share of a model's samples that the extractor assigns to each of its classes.

    These are the very samples that `score` draws with the same seed and batch size.
    """
    extractor = extractor.to(model.device)
    with random_state(model.device, seed):
        logits = torch.cat([extractor(x)[1] for x in draw_samples(model, samples, batch_size, seed)])
    counts = logits.argmax(dim=1).bincount(minlength=logits.shape[1])
    return (counts.cpu().double() / samples).tolist()
