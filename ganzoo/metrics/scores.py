"""Table of the scores by their short names: what each needs, which way is better, how its key is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ganzoo.common.errors import GanzooError, nearest
from ganzoo.games.capabilities import Output
from ganzoo.metrics.diversity import LEAST
from ganzoo.metrics.extractors import EXTRACTORS, count_classes

WINDOW = 11  # pixels of a side that ssim looks at
SPLITS = 10  # of the samples, over which the Inception Score is averaged


@dataclass(frozen=True)
class Score:
    """Properties of a score.

    Args:
        of: What it looks at: an extractor's features of images, images, points in the plane, an image and its truth, or
            what a metric of one's own (`ganzoo.metrics.own`) does not say.
        higher: Whether a higher value is better.
        reference: Whether real data is compared with ("no centres": only where the data has none).
        outputs: What it can judge: samples, translations of the reference's images, the classes a model gives to those.
        each: Whether it is a mean over the reference's images, one by one.
    """

    of: Literal["features", "images", "points", "pairs", "anything"]
    higher: bool
    reference: bool | Literal["no centres"]
    outputs: tuple[Output, ...] = ("samples",)
    each: bool = False


SCORES = {
    "fid": Score("features", higher=False, reference=True, outputs=("samples", "translations")),
    "is": Score("features", higher=True, reference=False),
    "kid": Score("features", higher=False, reference=True, outputs=("samples", "translations")),
    "accuracy": Score("features", higher=True, reference=False, outputs=("samples", "classes")),
    "precision": Score("features", higher=True, reference=True),
    "recall": Score("features", higher=True, reference=True),
    "density": Score("features", higher=True, reference=True),
    "coverage": Score("features", higher=True, reference=True),
    "swd": Score("images", higher=False, reference=True, outputs=("samples", "translations")),
    "ms_ssim": Score("images", higher=False, reference=False),
    "memorisation": Score("images", higher=False, reference=True),
    "modes": Score("points", higher=True, reference=False),
    "good": Score("points", higher=True, reference="no centres"),
    "wasserstein": Score("points", higher=False, reference=True),
    "kept": Score("features", higher=True, reference=True, outputs=("translations",), each=True),
    "psnr": Score("pairs", higher=True, reference=True, outputs=("translations",), each=True),
    "ssim": Score("pairs", higher=True, reference=True, outputs=("translations",), each=True),
    "l1": Score("pairs", higher=False, reference=True, outputs=("translations",), each=True),
}


GROUPS = {"prdc": ("precision", "recall", "density", "coverage")}  # scores that are asked for by one name


def expand(metrics: Sequence[str]) -> list[str]:
    """Returns short names, each once, with the members of a group in its place."""
    return list(dict.fromkeys(name for metric in metrics for name in GROUPS.get(metric, (metric,))))


def base(name: str) -> str:
    """Returns the short name of the score that a number belongs to: `is` of `is_std`, its standard deviation."""
    return name.removesuffix("_std").removesuffix("_z")


def require_known(metrics: Sequence[str], features: str | None, known: Mapping[str, Score] = SCORES) -> None:
    """Raises GanzooError if a name is unknown, or needs an extractor and there is none."""
    for name in expand(metrics):
        if name not in known:
            names = [*known, *GROUPS]
            raise GanzooError(
                f"metrics: '{name}' given, but it must be one of {', '.join(names)}." + nearest(name, names)
            )
        if known[name].of == "features" and features is None and "classes" not in known[name].outputs:
            raise GanzooError(f"metrics: {name} needs an extractor; set features to {', '.join(EXTRACTORS)} or a path.")


def choose_scores(
    metrics: Sequence[str] | None,
    features: str | None,
    datamodule: Any,
    classes: int = 0,
    output: Output = "samples",
    known: Mapping[str, Score] = SCORES,
) -> list[str]:
    """Returns the short names to compute, by default those that suit the data and the model.

    Args:
        metrics: Names among `known` and `FAMILIES`. Default for samples: fid, is and kid with an extractor, and
            accuracy where it knows the model's classes, else swd; for points modes (where the data has centres), good
            and wasserstein. Default for translations: with an extractor kid and fid, and kept where it knows the data's
            classes; where the truth is known psnr, ssim and l1; else swd. For classes: accuracy.
        features: Name of the extractor, or None.
        datamodule: Has `shape`, for points `centres`, for pairs `paired` and `n_classes`.
        classes: What `taught_classes` says of the model.
        output: What `output_of` says of the model.
        known: All scores by their short names, one's own among them.

    Raises:
        GanzooError: A name is unknown, or does not suit the data or the model.
    """
    points, centres = len(datamodule.shape) == 1, getattr(datamodule, "centres", None)
    if points and features is not None:
        raise GanzooError(
            f"features: {features} given, but the data are points, which need no extractor; leave it out."
        )
    if metrics is None:
        return _defaults(features, datamodule, classes, output)
    metrics = expand(metrics)
    for name in metrics:
        if name in known and output not in known[name].outputs:
            allowed = [other for other, score in known.items() if output in score.outputs]
            raise GanzooError(
                f"metrics: {name} given, but the model makes {output}; choose among {', '.join(allowed)}."
            )
    require_known(metrics, features, known)
    for name in metrics:
        score = known[name]
        if output == "samples" and score.of != "anything" and (score.of == "points") != points:
            data = "points" if points else "images"
            allowed = [
                other for other, score in SCORES.items() if output in score.outputs and (score.of == "points") == points
            ]
            raise GanzooError(f"metrics: {name} given, but the data are {data}; choose among {', '.join(allowed)}.")
        if name == "modes" and centres is None:
            raise GanzooError("metrics: modes given, but this distribution has no centres; choose good or wasserstein.")
        least = {"ssim": WINDOW, "ms_ssim": LEAST}.get(name, 0)
        if not points and min(datamodule.shape[1:]) < least:
            raise GanzooError(f"metrics: {name} given, but it takes images of at least {least}x{least} pixels.")
        if score.of == "pairs" and not datamodule.paired:
            raise GanzooError(f"metrics: {name} given, but the truth of these images is not known; choose kid or swd.")
        if name == "accuracy" and output == "samples":
            if features is None:
                raise GanzooError("metrics: accuracy of samples needs an extractor; set features to mnist or a path.")
            if count_classes(features) != classes:
                counts = f"{features} tells {count_classes(features)} classes apart, and the model has learnt {classes}"
                raise GanzooError(f"metrics: accuracy given, but {counts}; leave it out.")
    return metrics


def _defaults(features: str | None, datamodule: Any, classes: int, output: Output) -> list[str]:
    """Returns the names to compute where none are given."""
    if output == "classes":
        return ["accuracy"]
    if len(datamodule.shape) == 1:
        modes = [] if getattr(datamodule, "centres", None) is None else ["modes"]
        return [*modes, "good", "wasserstein"]
    if output == "translations":
        truth = ["psnr", "ssim", "l1"] if datamodule.paired else []
        truth = [name for name in truth if name != "ssim" or min(datamodule.shape[1:]) >= WINDOW]
        if features is None:
            return truth or ["swd"]
        known = datamodule.n_classes and count_classes(features) == datamodule.n_classes
        return ["kid", "fid", *(["kept"] if known else []), *truth]
    if features is None:
        return ["swd"]
    return ["fid", "is", "kid", *(["accuracy"] if classes and count_classes(features) == classes else [])]


def needs_reference(name: str, datamodule: Any, known: Mapping[str, Score] = SCORES) -> bool:
    """Returns whether a score compares with real data."""
    needed = known[name].reference
    return getattr(datamodule, "centres", None) is None if needed == "no centres" else needed


def reference_items(datamodule: Any) -> int | None:
    """Returns the number of items of the reference split; None of data that keeps no splits."""
    split = getattr(datamodule, "split", None)
    return None if split is None else len(split(datamodule.reference)[0])


def least(name: str, k: int) -> int:
    """Returns the number of items of either side below which a score says nothing.

    Args:
        name: A short name.
        k: The neighbour that precision, recall, density and coverage look at.
    """
    if name in GROUPS["prdc"]:
        return k + 1
    return SPLITS + 1 if name == "is" else 2  # with one image in each split the Inception Score is 1, whatever it is


def too_few(name: str, samples: int, datamodule: Any, k: int, known: Mapping[str, Score] = SCORES) -> str:
    """Returns why there are too few items for a score, such as "needs at least 6 samples, and there are 5"; "" if not.

    Args:
        name: A short name.
        samples: Number of samples.
        datamodule: Has the reference.
        k: See `least`.
        known: All scores by their short names.
    """
    if known[name].outputs[0] != "samples":  # a mean over items one by one
        return ""
    counts = {"samples": samples}
    if needs_reference(name, datamodule, known):
        counts["items of the reference"] = reference_items(datamodule) or least(name, k)
    for side, count in counts.items():
        if count < least(name, k):
            return f"needs at least {least(name, k)} {side}, and there are {count}"
    return ""


def key(
    name: str,
    features: str | None,
    samples: int | None,
    datamodule: Any,
    known: Mapping[str, Score] = SCORES,
    items: int | None = None,
) -> str:
    """Returns a score's key in logs: with extractor, number of samples and reference, as `fid[mnist,10k/test]`.

    The number of the reference's items stands before the split where it is another one than that of the samples, as in
    `swd[1k/60 train]`. Of data that everybody has alike a split's name says it, unless there are more samples.

    Args:
        name: A short name, such as "fid"; "is_std" is a standard deviation, "memorisation_z" a test's statistic.
        features: Name or path of the extractor.
        samples: Number of generated samples; None for the reference's images, all of them, one by one: `psnr[test]`.
        datamodule: Has `reference`, the name of the split, and perhaps `standard`.
        known: All scores by their short names.
        items: Number of the reference's items, if it is known.
    """
    of = base(name)
    if samples is None:
        about = datamodule.reference
    else:
        about = _count(samples)
        if needs_reference(of, datamodule, known):
            # whether the split's name says it all
            silent = items in (None, samples) or (getattr(datamodule, "standard", False) and samples <= items)
            number = "" if items is None or silent else f"{_count(items)} "
            about = f"{about}/{number}{datamodule.reference}"
    if known[of].of == "features" and features is not None:
        about = f"{Path(features).stem},{about}"
    return f"{name}[{about}]"


def _count(number: int) -> str:
    return f"{number // 1000}k" if number and number % 1000 == 0 else str(number)
