"""The scores by their short names: what each needs, which way is better, how it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ganzoo.errors import GanzooError, nearest
from ganzoo.metrics.extractors import count_classes


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
    "accuracy": Score("features", higher=True, reference=False),
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


def taught_classes(model: Any) -> int:
    """Returns how many classes a model has learnt from labels and can be asked for; 0 for any other model."""
    return model.n_classes if getattr(model, "supervised", False) else 0


def choose(metrics: Sequence[str] | None, features: str | None, datamodule: Any, classes: int = 0) -> list[str]:
    """Returns the short names to compute, by default those that suit the data and the model.

    Args:
        metrics: Names among `SCORES`. Default: fid, is and kid with an extractor, and accuracy where it knows the
            model's classes, else swd; for points modes (where the data has centres), good and wasserstein.
        features: Name of the extractor, or None.
        datamodule: Has `shape`, and for points `centres`.
        classes: What `taught_classes` says of the model.

    Raises:
        GanzooError: A name is unknown, or does not suit the data or the model.
    """
    points, centres = len(datamodule.shape) == 1, getattr(datamodule, "centres", None)
    if points and features is not None:
        raise GanzooError(
            f"features: {features} given, but the data are points, which need no extractor; leave it out."
        )
    if metrics is None:
        if points:
            return ["good", "wasserstein"] if centres is None else ["modes", "good", "wasserstein"]
        if features is None:
            return ["swd"]
        return ["fid", "is", "kid", *(["accuracy"] if classes and count_classes(features) == classes else [])]
    check(metrics, features)
    for name in metrics:
        if (SCORES[name].of == "points") != points:
            data = "points" if points else "images"
            allowed = [other for other, score in SCORES.items() if (score.of == "points") == points]
            raise GanzooError(f"metrics: {name} given, but the data are {data}; choose among {', '.join(allowed)}.")
        if name == "modes" and centres is None:
            raise GanzooError("metrics: modes given, but this distribution has no centres; choose good or wasserstein.")
        if name == "accuracy" and count_classes(str(features)) != classes:
            told = f"{features} tells {count_classes(str(features))} classes apart, and the model has learnt {classes}"
            raise GanzooError(f"metrics: accuracy given, but {told}; leave it out.")
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
