"""The scores by their short names: what each needs, which way is better, how it is written, how it is computed."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import KernelInceptionDistance

from ganzoo.errors import GanzooError, nearest


@dataclass(frozen=True)
class Score:
    """What is true of a score wherever it is computed.

    Args:
        of: What it looks at: an extractor's features of images, images, or points in the plane.
        higher: Whether a higher value is better.
        reference: Whether real data is compared with ("no centres": only where the data has none).
    """

    of: Literal["features", "images", "points"]
    higher: bool
    reference: bool | Literal["no centres"]


SCORES = {
    "fid": Score("features", higher=False, reference=True),
    "is": Score("features", higher=True, reference=False),
    "kid": Score("features", higher=False, reference=True),
    "swd": Score("images", higher=False, reference=True),
    "modes": Score("points", higher=True, reference=False),
    "good": Score("points", higher=True, reference="no centres"),
    "wasserstein": Score("points", higher=False, reference=True),
}


def check(metrics: Sequence[str], features: str | None) -> None:
    """Raises a GanzooError when a name is unknown or an extractor is missing: what can be said without any data."""
    for name in metrics:
        if name not in SCORES:
            raise GanzooError(
                f"metrics: '{name}' given, but it must be one of {', '.join(SCORES)}." + nearest(name, SCORES)
            )
        if SCORES[name].of == "features" and features is None:
            raise GanzooError(f"metrics: {name} needs an extractor; set features to mnist, inception or a path.")


def choose(metrics: Sequence[str] | None, features: str | None, datamodule: Any) -> list[str]:
    """Returns the short names to compute, by default those that suit the data.

    Args:
        metrics: Names among `SCORES`. Default: fid, is and kid with an extractor, else swd; for points modes (where the
            data has centres), good and wasserstein.
        features: Name of the extractor, or None.
        datamodule: Has `shape`, and for points `centres`.

    Raises:
        GanzooError: A name is unknown, or does not suit the data.
    """
    points, centres = len(datamodule.shape) == 1, getattr(datamodule, "centres", None)
    if points and features is not None:
        raise GanzooError(
            f"features: {features} given, but the data are points, which need no extractor; leave it out."
        )
    if metrics is None:
        if points:
            return ["good", "wasserstein"] if centres is None else ["modes", "good", "wasserstein"]
        return ["swd"] if features is None else ["fid", "is", "kid"]
    check(metrics, features)
    for name in metrics:
        if (SCORES[name].of == "points") != points:
            data = "points" if points else "images"
            allowed = [other for other, score in SCORES.items() if (score.of == "points") == points]
            raise GanzooError(f"metrics: {name} given, but the data are {data}; choose among {', '.join(allowed)}.")
        if name == "modes" and centres is None:
            raise GanzooError("metrics: modes given, but this distribution has no centres; choose good or wasserstein.")
    return list(dict.fromkeys(metrics))


def needs_reference(name: str, datamodule: Any) -> bool:
    """Whether a score compares with real data."""
    needed = SCORES[name].reference
    return getattr(datamodule, "centres", None) is None if needed == "no centres" else needed


def key(name: str, features: str | None, samples: int, datamodule: Any) -> str:
    """Returns how a score is logged: with extractor, number of samples and reference split, as `fid[mnist,10k/test]`.

    Args:
        name: A short name, such as "fid"; its standard deviation is called "is_std", for example.
        features: Name or path of the extractor.
        samples: Number of generated samples.
        datamodule: Has `reference`, the name of the split.
    """
    about = f"{samples // 1000}k" if samples % 1000 == 0 else str(samples)
    base = name.removesuffix("_std")
    if needs_reference(base, datamodule):
        about = f"{about}/{datamodule.reference}"
    if SCORES[base].of == "features":
        about = f"{Path(str(features)).stem},{about}"
    return f"{name}[{about}]"


def frechet_distance(real: Tensor, fake: Tensor, **options: Any) -> Tensor:
    """FID of features (N, D) and (M, D); Heusel et al. 2017, https://arxiv.org/abs/1706.08500.

    With several processes each gives its part, and all get the same result; likewise below.
    """
    metric = FrechetInceptionDistance(feature=_given(real.shape[1]), **options)
    return _fed(metric, real, fake)


def kernel_distance(real: Tensor, fake: Tensor, subset: int, **options: Any) -> Tensor:
    """KID of features (N, D) and (M, D): the mean over 100 random subsets; https://arxiv.org/abs/1801.01401.

    Args:
        real: Features of real images.
        fake: Features of generated ones.
        subset: Size of a subset, at most the number of real and of generated images over all processes.
        options: For torchmetrics' `Metric`.
    """
    metric = _quiet(KernelInceptionDistance, feature=_given(real.shape[1]), subset_size=subset, **options)
    return _fed(metric, real, fake)[0]


def inception_score(logits: Tensor, splits: int = 10, **options: Any) -> tuple[Tensor, Tensor]:
    """Inception Score of logits (N, K): mean and standard deviation over splits; https://arxiv.org/abs/1606.03498."""
    metric = _quiet(InceptionScore, feature=_given(logits.shape[1]), splits=splits, **options).to(logits.device)
    metric.update(logits)
    return metric.compute()


def _given(size: int) -> nn.Module:
    """Stands in for the network of a metric that is fed with features."""
    module = nn.Identity()
    module.num_features = size  # type: ignore[assignment]
    return module


def _quiet(metric: type[Metric], **options: Any) -> Metric:
    """Builds a metric without its warning that features are kept."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return metric(**options)


def _fed(metric: Metric, real: Tensor, fake: Tensor) -> Any:
    metric = metric.to(real.device)
    metric.update(real, real=True)
    metric.update(fake, real=False)
    return metric.compute()
