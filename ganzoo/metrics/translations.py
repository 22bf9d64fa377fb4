"""Evaluation of models that translate or classify the reference's own images."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from ganzoo.common.batches import batch_labels, batch_target
from ganzoo.common.errors import GanzooError
from ganzoo.common.seeding import mix
from ganzoo.metrics.bootstrap import Scored, mean_of
from ganzoo.metrics.evaluation import Evaluation
from ganzoo.metrics.sampling import random_state
from ganzoo.metrics.scores import WINDOW, key

DECIBELS = 100.0  # of a perfect image, whose noise is nothing


class TranslationEvaluation(Evaluation):
    """Scores translations of the reference's images, against their truth where it is known.

    The first `samples` images of the reference are translated, all of them if there are no more; with several processes
    each takes the first of its own. Everything else is as in `Evaluation`, but that features of the truth, which the
    data makes anew each time, are kept for this run alone and not on the disk.

    Args:
        *args: see `Evaluation`.
        **kwargs: see `Evaluation`.
    """

    output = "translations"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.split_size = len(self.datamodule.split(self.datamodule.reference)[0])
        self.samples = min(self.samples, self.split_size)  # which are all that is compared, on either side
        self.own = max(1, self.samples // self.world_size + (self.rank < self.samples % self.world_size))
        self._complete = False  # whether the truth is collected
        self._forget()

    def key(self, name: str) -> str:
        """Returns the key under which the score with this short name is logged."""
        samples = None if self.known[name].each and self.samples == self.split_size else self.samples
        return key(name, self.features, samples, self.datamodule, self.known)

    def extractor_shape(self) -> tuple[int, ...]:
        """Returns the shape (C, H, W) of the extractor's input."""
        return tuple(self.datamodule.readable(torch.zeros(1, *self.datamodule.shape)).shape[1:])

    def begin(self) -> None:
        """Starts to collect translations, which each model makes anew."""
        self.wants_real = True
        self._forget()
        if not self._complete:
            self._metrics = self._fresh()

    def add(self, batch: tuple[Any, Any], model: Any = None) -> None:
        """Adds this process's next batch of the reference: (source, target) or (source, (target, labels))."""
        x, y = batch[0][: self.own - self._translated], batch[1]
        if not len(x):
            return
        truth, classes = batch_target(y)[: len(x)].to(self.device), batch_labels(y)
        with random_state(self.device, self.seed), torch.inference_mode():
            images = model.translate(x, seed=mix(self.seed, self.rank, self._translated)).to(self.device)
        if images.shape != truth.shape:
            raise GanzooError(
                f"model: its translations have the shape {tuple(images.shape)}, not {tuple(truth.shape)}."
            )
        self._translated += len(x)
        columns = image_scores(images, truth) if self._any("pairs") else {}
        if self.extractor is not None:
            features, logits = self._extract(images)
            self._extracted.append((features, logits))
            if not self._complete:
                self._truth.append(self._extract(truth))
            if "kept" in self.names:
                if classes is None:
                    raise GanzooError("metrics: kept given, but the data has no labels; leave it out.")
                columns["kept"] = (logits.argmax(1) == classes[: len(x)].to(self.device)).double()
        for metric in self._metrics:
            if not self._complete:
                metric.update(truth, real=True)
            metric.update(images, real=False)
        if columns:
            self._columns.append(tuple(columns[name] for name in self._each_names()))

    def finish(self, whole: bool) -> None:
        """Ends the collection."""
        self.wants_real = False
        if self.extractor is not None and not self._complete:
            self._keep(*self._whole(self._truth))
        self._complete = self._everywhere(whole)

    def bounds(self) -> dict[str, float]:
        """Returns nothing: what the truth itself gets is no bound of interest."""
        return {}

    def _score(self, model: Any) -> dict[str, Scored]:
        if not self._translated:
            self.collect(model)
        results = self._metric_scores()
        if self.extractor is not None:
            results |= self._feature_scores(*self._whole(self._extracted))
        if self._columns:
            columns = zip(self._each_names(), self._whole(self._columns), strict=True)
            results |= {name: mean_of(column, "images") for name, column in columns}
        self._forget()
        return results

    def _extract(self, x: Tensor) -> tuple[Tensor, Tensor]:
        assert self.extractor is not None
        return self.extractor(self.datamodule.readable(x))

    def _each_names(self) -> list[str]:
        return [name for name in self.names if self.known[name].each]

    def _forget(self) -> None:
        self._translated = 0
        self._truth: list[tuple[Tensor, Tensor]] = []
        self._extracted = []
        self._columns: list[tuple[Tensor, ...]] = []


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
        self._right: list[tuple[Tensor]] = []

    def key(self, name: str) -> str:
        """Returns the key under which the score with this short name is logged."""
        return key(name, None, None, self.datamodule, self.known)

    def begin(self) -> None:
        """Starts to collect answers."""
        self.wants_real, self._right = True, []

    def add(self, batch: tuple[Any, Any], model: Any = None) -> None:
        """Adds this process's next batch of the reference: (images, classes (N,))."""
        x, y = batch
        if y is None:
            raise GanzooError("metrics: accuracy given, but the data has no labels.")
        with random_state(self.device, self.seed), torch.inference_mode():
            logits = model.classify(x.to(self.device))
        self._right.append(((logits.argmax(1) == y.to(logits.device)).double(),))

    def finish(self, whole: bool) -> None:
        """Ends the collection."""
        self.wants_real = False

    def bounds(self) -> dict[str, float]:
        """Returns nothing: the labels are the truth."""
        return {}

    def _score(self, model: Any) -> dict[str, Scored]:
        if not self._right:
            self.collect(model)
        (right,) = self._whole(self._right)
        self._right = []
        return {"accuracy": mean_of(right, "images")}


def image_scores(images: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """Returns L1, PSNR and SSIM of images (N, C, H, W) in [-1, 1] against their truth, one by one.

    Returns:
        Each (N,): `l1`, the mean absolute difference on the scale of [-1, 1]; and on the scale of [0, 1] the `psnr` in
        decibels, at most 100, and, where images are large enough, the `ssim` (Wang et al. 2004: Gaussian windows of 11
        pixels with a standard deviation of 1.5). Over all channels and the whole image: publications on
        super-resolution often take the brightness alone and leave out a border.
    """
    images, truth = images.float(), truth.float()
    ours, theirs = (images + 1) / 2, (truth + 1) / 2
    psnr = peak_signal_noise_ratio(ours, theirs, data_range=1.0, dim=(1, 2, 3), reduction="none").clamp(max=DECIBELS)
    scores = {"psnr": psnr, "l1": (images - truth).abs().flatten(1).mean(1)}
    if min(truth.shape[2:]) >= WINDOW:
        ssim = structural_similarity_index_measure(ours, theirs, data_range=1.0, reduction="none")
        scores["ssim"] = ssim.flatten()  # type: ignore[union-attr]  # of one image it is no vector
    return scores


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
