"""Evaluation of models that translate, reconstruct or classify the reference's own images."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ganzoo.common.batches import batch_labels, batch_target
from ganzoo.common.errors import GanzooError
from ganzoo.common.seeding import mix
from ganzoo.games.capabilities import Output
from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.collection import Collected, Parts
from ganzoo.metrics.evaluation import Collector, Evaluation
from ganzoo.metrics.sampling import random_state
from ganzoo.metrics.score import Judged
from ganzoo.metrics.selection import key


class TranslationCollector(Collector):
    """Collects translations of the reference's images, and their truth unless it is known already.

    Args:
        evaluation: Of translations.
        previous: What was collected before, of which the truth is taken over if it is whole.
    """

    evaluation: "TranslationEvaluation"

    def __init__(self, evaluation: "TranslationEvaluation", previous: Collected | None = None) -> None:
        self.evaluation, self.previous, self.done = evaluation, previous, False
        self.known = previous if previous is not None and previous.whole else None
        fresh = evaluation.observers()
        self.observers = (
            fresh if self.known is None else {n: o.without_samples() for n, o in self.known.observers.items()}
        )
        self._truth = Parts(evaluation.keeps(reference=True), evaluation.datamodule, evaluation.extract)
        self._made = Parts(evaluation.keeps(reference=False), evaluation.datamodule, evaluation.extract)

    def add(self, batch: tuple[Any, Any], model: Any = None) -> None:
        """Adds this process's next batch of the reference, see `TranslationEvaluation.parts`."""
        evaluation, made = self.evaluation, self._made.count
        x, truth, labels = evaluation.parts(batch)
        x = x[: evaluation.own - made]
        if not len(x):
            return
        truth = truth[: len(x)].to(evaluation.device)
        with random_state(evaluation.device, evaluation.seed), torch.inference_mode():
            images, codes = evaluation.make(model, x, mix(evaluation.seed, evaluation.rank, made))
        images = images.to(evaluation.device)
        if images.shape != truth.shape:
            raise GanzooError(
                f"model: its {evaluation.output} have the shape {tuple(images.shape)}, not {tuple(truth.shape)}."
            )
        logits = self._made.add(images, codes)
        judged = Judged(images, truth, None if labels is None else labels[: len(x)], logits, x)
        for score in evaluation.chosen:
            if score.each:
                self._made.judge(score.name, score.values(judged))
        if self.known is None:
            self._truth.add(truth)
        for observer in self.observers.values():
            if self.known is None:
                observer.update(truth, real=True)
            observer.update(images, real=False)

    def finish(self, whole: bool) -> Collected:
        """Ends the collection, and returns it."""
        evaluation = self.evaluation
        made = self._made.whole(evaluation.gathered)
        if self.known is not None:
            return replace(self.known, made=made, observers=self.observers)
        truth = self._truth.whole(evaluation.gathered)
        return Collected(truth, made, evaluation.prepared(truth), self.observers, evaluation.everywhere(whole))


class TranslationEvaluation(Evaluation):
    """Scores translations of the reference's images, against their truth where it is known.

    The first `samples` images of the reference are translated, all of them if there are no more; with several processes
    each takes the first of its own. Everything else is as in `Evaluation`, but that features of the truth, which the
    data makes anew each time, are kept for this run alone and not on the disk.

    Args:
        *args: see `Evaluation`.
        **kwargs: see `Evaluation`.
    """

    output: Output = "translations"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.split_size = len(self.datamodule.split(self.datamodule.reference)[0])
        self.samples = min(self.samples, self.split_size)  # which are all that is compared, on either side
        self.own = max(1, self.samples // self.world_size + (self.rank < self.samples % self.world_size))

    def key(self, name: str) -> str:
        """Returns the key under which the score with this short name is logged."""
        samples = None if self.known[name].each and self.samples == self.split_size else self.samples
        return key(name, self.features, samples, self.datamodule, self.known)

    def extractor_shape(self) -> tuple[int, ...]:
        """Returns the shape (C, H, W) of the extractor's input."""
        return tuple(self.datamodule.readable(torch.zeros(1, *self.datamodule.shape)).shape[1:])

    @property
    def extract(self) -> Any:
        """Function from a batch to an extractor's features and logits, of what the data makes readable."""
        extractor = self.extractor
        return None if extractor is None else lambda x: extractor(self.datamodule.readable(x))

    def parts(self, batch: tuple[Any, Any]) -> tuple[Tensor, Tensor, Tensor | None]:
        """Returns sources, targets and labels, or None, of a batch (source, target) or (source, (target, labels))."""
        x, y = batch
        return x, batch_target(y), batch_labels(y)

    def make(self, model: Any, x: Tensor, seed: int) -> tuple[Tensor, Tensor | None]:
        """Returns what a model makes of images, and with which codes, or None without any."""
        return model.translate(x, seed=seed), None

    def collector(self, previous: Collected | None = None) -> TranslationCollector:
        """Returns what collects translations, which each model makes anew."""
        return TranslationCollector(self, previous)

    def bounds(self, collected: Collected) -> dict[str, float]:
        """Returns nothing: what the truth itself gets is no bound of interest."""
        return {}

    def _measure(self, model: Any, collected: Collected) -> dict[str, Scored]:
        assert collected.made is not None, "translations are collected with the reference"
        return self._score(model, collected, collected.made, dict(collected.observers))


class ReconstructionEvaluation(TranslationEvaluation):
    """Scores reconstructions of the reference's samples against these, as `TranslationEvaluation` does translations.

    Args:
        *args: see `Evaluation`.
        **kwargs: see `Evaluation`.
    """

    output = "reconstructions"

    def parts(self, batch: tuple[Any, Any]) -> tuple[Tensor, Tensor, Tensor | None]:
        """Returns the samples of a batch (x, labels), themselves as their truth, and labels, or None."""
        x, y = batch
        return x, x, y if isinstance(y, Tensor) and y.dim() == 1 else None

    def make(self, model: Any, x: Tensor, seed: int) -> tuple[Tensor, Tensor | None]:
        """Returns a model's reconstructions, and their codes where a score looks at these."""
        wanted = any(score.conditions for score in self.chosen)
        return model.reconstruct(x), model.codes(x) if wanted else None


class ClassCollector(Collector):
    """Collects whether a classifier's answers are right."""

    evaluation: "ClassEvaluation"

    def __init__(self, evaluation: "ClassEvaluation") -> None:
        self.evaluation, self.done = evaluation, False
        self._made = Parts()

    def add(self, batch: tuple[Any, Any], model: Any = None) -> None:
        """Adds this process's next batch of the reference: (images, classes (N,))."""
        x, y = batch
        with random_state(self.evaluation.device, self.evaluation.seed), torch.inference_mode():
            judged = Judged(model.classify(x.to(self.evaluation.device)), labels=y)
        for score in self.evaluation.chosen:
            self._made.judge(score.name, score.values(judged))

    def finish(self, whole: bool) -> Collected:
        """Ends the collection, and returns it."""
        return Collected(made=self._made.whole(self.evaluation.gathered))


class ClassEvaluation(Evaluation):
    """Scores the classes that a model gives to the reference's images: the share of them that is right.

    Args:
        datamodule: see `Evaluation`.
        features: not used, as the model itself classifies.
        *args: see `Evaluation`; all images of the reference are classified, whatever `samples` says.
        **kwargs: see `Evaluation`.
    """

    output = "classes"

    def __init__(self, datamodule: Any, features: str | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(datamodule, None, *args, **kwargs)

    def key(self, name: str) -> str:
        """Returns the key under which the score with this short name is logged."""
        return key(name, None, None, self.datamodule, self.known)

    def collector(self, previous: Collected | None = None) -> ClassCollector:
        """Returns what collects answers, which each model gives anew."""
        return ClassCollector(self)

    def bounds(self, collected: Collected) -> dict[str, float]:
        """Returns nothing: the labels are the truth."""
        return {}

    def _measure(self, model: Any, collected: Collected) -> dict[str, Scored]:
        assert collected.made is not None, "answers are collected with the reference"
        return self._score(model, collected, collected.made, {})


class Baseline:
    """A function of images that is scored like a model, such as bicubic enlargement.

    Args:
        function: maps sources (N, C, H, W) in [-1, 1] to images (N, C', H', W').
    """

    device = torch.device("cpu")

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.function = function

    def translate(self, x: Tensor, seed: int | None = None) -> Tensor:
        """Returns the function's images, within [-1, 1]."""
        return self.function(x).clamp(-1, 1)
