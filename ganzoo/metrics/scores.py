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
class ScoreContext:
    """Data, extractor and model that scores are to suit.

    Args:
        datamodule: Has `shape`, for points `centres`, for pairs `paired` and `n_classes`.
        features: Name of the extractor, or None.
        classes: What `taught_classes` says of the model.
        output: What `output_of` says of the model.
    """

    datamodule: Any
    features: str | None = None
    classes: int = 0
    output: Output = "samples"

    @property
    def points(self) -> bool:
        """Whether the data are points in the plane, not images."""
        return len(self.datamodule.shape) == 1

    @property
    def centres(self) -> bool:
        """Whether the centres of the data's distribution are known."""
        return getattr(self.datamodule, "centres", None) is not None

    @property
    def side(self) -> int:
        """The shorter side of the data's images in pixels."""
        return min(self.datamodule.shape[1:])


@dataclass(frozen=True)
class Score:
    """Properties of a score, and what it refuses.

    Args:
        of: What it looks at: an extractor's features of images, images, points in the plane, an image and its truth, or
            anything, for another package's metric (`ganzoo.metrics.own`).
        higher: Whether a higher value is better.
        reference: Whether real data is compared with.
        outputs: What it can judge: samples, translations of the reference's images, the classes a model gives to those.
        each: Whether it is a mean over the reference's images, one by one.
        least: The least side of an image in pixels.
        centres: What the centres of a distribution of points are to it: "needed", or "instead" of real data.
    """

    of: Literal["features", "images", "points", "pairs", "anything"]
    higher: bool
    reference: bool
    outputs: tuple[Output, ...] = ("samples",)
    each: bool = False
    least: int = 0
    centres: Literal["needed", "instead"] | None = None

    def refuses(self, name: str, context: ScoreContext, known: Mapping[str, "Score"]) -> str | None:
        """Returns why the score does not suit the context, or None if it does.

        Args:
            name: Its short name.
            context: Data, extractor and model.
            known: All scores by their short names.
        """
        if context.output not in self.outputs:
            allowed = [other for other, score in known.items() if context.output in score.outputs]
            return f"{name} given, but the model makes {context.output}; choose among {', '.join(allowed)}."
        if lack := self.lacks_extractor(name, context.features):
            return lack
        if context.output == "samples" and self.of != "anything" and (self.of == "points") != context.points:
            fit = {key: score for key, score in SCORES.items() if (score.of == "points") == context.points}
            allowed = [other for other, score in fit.items() if context.output in score.outputs]
            data = "points" if context.points else "images"
            return f"{name} given, but the data are {data}; choose among {', '.join(allowed)}."
        if self.centres == "needed" and not context.centres:
            return f"{name} given, but this distribution has no centres; choose good or wasserstein."
        if not context.points and context.side < self.least:
            return f"{name} given, but it takes images of at least {self.least}x{self.least} pixels."
        if self.of == "pairs" and not context.datamodule.paired:
            return f"{name} given, but the truth of these images is not known; choose kid or swd."
        return None

    def lacks_extractor(self, name: str, features: str | None) -> str | None:
        """Returns why the score needs an extractor, or None if it has one or needs none."""
        if self.of != "features" or features is not None:
            return None
        return f"{name} needs an extractor; set features to {', '.join(EXTRACTORS)} or a path."

    def needs_reference(self, datamodule: Any) -> bool:
        """Returns whether the score compares with real data."""
        return self.reference and not (self.centres == "instead" and ScoreContext(datamodule).centres)


@dataclass(frozen=True)
class Accuracy(Score):
    """The share of right classes, in which a model or, of samples, an extractor with the same classes judges."""

    def refuses(self, name: str, context: ScoreContext, known: Mapping[str, Score]) -> str | None:
        """Returns why the score does not suit the context, or None if it does; see `Score.refuses`."""
        refusal = super().refuses(name, context, known)
        if refusal or context.output != "samples":
            return refusal
        if context.features is None:
            return f"{name} of samples needs an extractor; set features to mnist or a path."
        extractor, classes = context.features, count_classes(context.features)
        if classes != context.classes:
            counts = f"{extractor} tells {classes} classes apart, and the model has learnt {context.classes}"
            return f"{name} given, but {counts}; leave it out."
        return None

    def lacks_extractor(self, name: str, features: str | None) -> str | None:
        """Returns None: a model that classifies needs no extractor."""
        return None


SCORES: dict[str, Score] = {
    "fid": Score("features", higher=False, reference=True, outputs=("samples", "translations")),
    "is": Score("features", higher=True, reference=False),
    "kid": Score("features", higher=False, reference=True, outputs=("samples", "translations")),
    "accuracy": Accuracy("features", higher=True, reference=False, outputs=("samples", "classes")),
    "precision": Score("features", higher=True, reference=True),
    "recall": Score("features", higher=True, reference=True),
    "density": Score("features", higher=True, reference=True),
    "coverage": Score("features", higher=True, reference=True),
    "swd": Score("images", higher=False, reference=True, outputs=("samples", "translations")),
    "ms_ssim": Score("images", higher=False, reference=False, least=LEAST),
    "memorisation": Score("images", higher=False, reference=True),
    "modes": Score("points", higher=True, reference=False, centres="needed"),
    "good": Score("points", higher=True, reference=True, centres="instead"),
    "wasserstein": Score("points", higher=False, reference=True),
    "kept": Score("features", higher=True, reference=True, outputs=("translations",), each=True),
    "psnr": Score("pairs", higher=True, reference=True, outputs=("translations",), each=True),
    "ssim": Score("pairs", higher=True, reference=True, outputs=("translations",), each=True, least=WINDOW),
    "l1": Score("pairs", higher=False, reference=True, outputs=("translations",), each=True),
}


SCORE_GROUPS = {"prdc": ("precision", "recall", "density", "coverage")}  # scores with one name for all of them


def expand(metrics: Sequence[str]) -> list[str]:
    """Returns short names, each once, with the members of a group in its place."""
    return list(dict.fromkeys(name for metric in metrics for name in SCORE_GROUPS.get(metric, (metric,))))


def base(name: str) -> str:
    """Returns the short name of the score that a number belongs to: `is` of `is_std`, its standard deviation."""
    return name.removesuffix("_std").removesuffix("_z")


def require_known(metrics: Sequence[str], features: str | None, known: Mapping[str, Score] = SCORES) -> None:
    """Raises GanzooError if a name is unknown, or needs an extractor and there is none."""
    for name in expand(metrics):
        if refusal := _unknown(name, known) or known[name].lacks_extractor(name, features):
            raise GanzooError(f"metrics: {refusal}")


def _unknown(name: str, known: Mapping[str, Score]) -> str | None:
    """Returns that a name is unknown, and which it may be; None if it is known."""
    if name in known:
        return None
    names = [*known, *SCORE_GROUPS]
    return f"'{name}' given, but it must be one of {', '.join(names)}." + nearest(name, names)


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
    context = ScoreContext(datamodule, features, classes, output)
    if context.points and features is not None:
        raise GanzooError(
            f"features: {features} given, but the data are points, which need no extractor; leave it out."
        )
    if metrics is None:
        return _defaults(context)
    names = expand(metrics)
    for name in names:
        if refusal := _unknown(name, known) or known[name].refuses(name, context, known):
            raise GanzooError(f"metrics: {refusal}")
    return names


def _defaults(context: ScoreContext) -> list[str]:
    """Returns the short names of the scores that suit a context."""
    datamodule, features = context.datamodule, context.features
    if context.output == "classes":
        return ["accuracy"]
    if context.points:
        return [*(["modes"] if context.centres else []), "good", "wasserstein"]
    if context.output == "translations":
        truth = ["psnr", "ssim", "l1"] if datamodule.paired else []
        truth = [name for name in truth if context.side >= SCORES[name].least]
        if features is None:
            return truth or ["swd"]
        judged = datamodule.n_classes and count_classes(features) == datamodule.n_classes
        return ["kid", "fid", *(["kept"] if judged else []), *truth]
    if features is None:
        return ["swd"]
    judged = context.classes and count_classes(features) == context.classes
    return ["fid", "is", "kid", *(["accuracy"] if judged else [])]


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
    if name in SCORE_GROUPS["prdc"]:
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
    if known[name].needs_reference(datamodule):
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
        if known[of].needs_reference(datamodule):
            # whether the split's name says it all
            silent = items in (None, samples) or (getattr(datamodule, "standard", False) and samples <= items)
            number = "" if items is None or silent else f"{_count(items)} "
            about = f"{about}/{number}{datamodule.reference}"
    if known[of].of == "features" and features is not None:
        about = f"{Path(features).stem},{about}"
    return f"{name}[{about}]"


def _count(number: int) -> str:
    return f"{number // 1000}k" if number and number % 1000 == 0 else str(number)
