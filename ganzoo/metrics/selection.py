"""Choice of scores by their short names: what suits data, model and extractor, and how a score's key is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.common.errors import GanzooError, nearest
from ganzoo.common.kinds import IMAGES, MUSIC, POINTS, VIDEO, VOXELS
from ganzoo.games.capabilities import HasCodebook, Output
from ganzoo.metrics.diversity import LEAST
from ganzoo.metrics.extractors import EXTRACTORS, count_classes
from ganzoo.metrics.listing import load_score, score_files
from ganzoo.metrics.score import Score, ScoreContext

FILES: dict[str, Score] = {name: load_score(name) for name in score_files()}
SCORES: dict[str, Score] = {name: score for score in FILES.values() for name in score.names}
CAPTIONED = ("captions_right", "captions_unseen", "digits_fid", "digits_fid_stage1")  # of images by what captions say
SCORE_GROUPS = {file: score.names for file, score in FILES.items() if file not in score.names}  # all of one file


def expand(metrics: Sequence[str]) -> list[str]:
    """Returns short names, each once, with the members of a group in its place."""
    return list(dict.fromkeys(name for metric in metrics for name in SCORE_GROUPS.get(metric, (metric,))))


def base(name: str) -> str:
    """Returns the short name of the score that a number belongs to: `is` of `is_std`, its standard deviation."""
    return name.removesuffix("_std").removesuffix("_z")


def require_known(metrics: Sequence[str], features: str | None, known: Mapping[str, Score] = SCORES) -> None:
    """Raises GanzooError if a name is unknown, or needs an extractor and there is none."""
    for name in expand(metrics):
        if refusal := _unknown(name, known):
            raise GanzooError(f"metrics: {refusal}")
        if features is None and all(map(known[name].needs_extractor, known[name].outputs)):
            raise GanzooError(f"metrics: {_without_extractor(name)}")


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
    model: Any = None,
) -> list[str]:
    """Returns the short names to compute, by default those that suit the data and the model.

    Args:
        metrics: Names among `known` and `SCORE_GROUPS`. Default: see `DEFAULTS`.
        features: Name of the extractor, or None.
        datamodule: Has `shape`, for points `centres`, for pairs `paired` and `n_classes`.
        classes: What `taught_classes` says of the model.
        output: What `output_of` says of the model.
        known: All scores by their short names, one's own among them.
        model: The model itself, where it is there already.

    Raises:
        GanzooError: A name is unknown, or does not suit the data or the model.
    """
    context = ScoreContext(datamodule, features, classes, output, model)
    if features is not None and output != "classes" and not _extractors_serve(context):
        kind = context.kind.name
        raise GanzooError(
            f"features: {features} given, but the data are {kind}, which need no extractor; leave it out."
        )
    if metrics is None:
        return ["accuracy"] if output == "classes" else DEFAULTS[context.kind.name].usual(context)
    names = expand(metrics)
    for name in names:
        if refusal := refuses(name, context, known):
            raise GanzooError(f"metrics: {refusal}")
    return names


def refuses(name: str, context: ScoreContext, known: Mapping[str, Score] = SCORES) -> str | None:
    """Returns why the score with this short name does not suit the context, or None: the first refusal wins."""
    if refusal := _unknown(name, known):
        return refusal
    return next(filter(None, (check(name, known[name], context, known) for check in CHECKS)), None)


Check = Callable[[str, Score, ScoreContext, Mapping[str, Score]], str | None]


def _wrong_output(name: str, score: Score, context: ScoreContext, known: Mapping[str, Score]) -> str | None:
    if context.output in score.outputs:
        return None
    allowed = [other for other, score in known.items() if score.suits(context.kind, context.output)]
    return f"{name} given, but the model makes {context.output}; choose among {', '.join(allowed)}."


def _no_extractor(name: str, score: Score, context: ScoreContext, known: Mapping[str, Score]) -> str | None:
    if context.features is not None or not score.needs_extractor(context.output):
        return None
    return _without_extractor(name)


def _without_extractor(name: str) -> str:
    return f"{name} needs an extractor; set features to {', '.join(EXTRACTORS)} or a path."


def _wrong_kind(name: str, score: Score, context: ScoreContext, known: Mapping[str, Score]) -> str | None:
    if score.suits(context.kind, context.output):
        return None
    allowed = [other for other, score in SCORES.items() if score.suits(context.kind, context.output)]
    return f"{name} given, but the data are {context.kind.name}; choose among {', '.join(allowed)}."


def _too_small(name: str, score: Score, context: ScoreContext, known: Mapping[str, Score]) -> str | None:
    if not context.side or context.side >= score.least:
        return None
    return f"{name} given, but it takes images of at least {score.least}x{score.least} pixels."


def _no_truth(name: str, score: Score, context: ScoreContext, known: Mapping[str, Score]) -> str | None:
    if not score.truth or context.output == "reconstructions" or context.datamodule.paired:
        return None
    return f"{name} given, but the truth of these images is not known; choose kid or swd."


def _own_refusal(name: str, score: Score, context: ScoreContext, known: Mapping[str, Score]) -> str | None:
    reason = score.refuses(context)
    return reason and f"{name} given, but {reason}"


CHECKS: tuple[Check, ...] = (_wrong_output, _no_extractor, _wrong_kind, _own_refusal, _too_small, _no_truth)


def _extractors_serve(context: ScoreContext) -> bool:
    """Returns whether any score looks at features of such samples."""
    return any(score.extractor and score.suits(context.kind, context.output) for score in SCORES.values())


@dataclass(frozen=True)
class Defaults:
    """Default scores of a kind of sample.

    Args:
        usual: From the context to the short names of those that suit it.
        thorough: Likewise of those that `ganzoo evaluate` takes for samples that are drawn; None: the recipe's.
    """

    usual: Callable[[ScoreContext], list[str]]
    thorough: Callable[[ScoreContext], list[str]] | None = None


def _of_images(context: ScoreContext) -> list[str]:
    """Returns, with an extractor, fid, is and kid, and accuracy where it knows the model's classes; else swd.

    Of translations, with an extractor, kid and fid, and kept where it knows the data's classes; where the truth is
    known psnr, ssim and l1; else swd. Of reconstructions, whose truth always is, the same, and of a model with a
    codebook the codes in use.
    """
    datamodule, features = context.datamodule, context.features
    if context.output in ("translations", "reconstructions"):
        truth = ["psnr", "ssim", "l1"] if context.output == "reconstructions" or datamodule.paired else []
        truth = [name for name in truth if context.side >= SCORES[name].least]
        if isinstance(context.model, HasCodebook):
            truth += SCORES["codes_used"].names
        if features is None:
            return truth or ["swd"]
        judged = datamodule.n_classes and count_classes(features) == datamodule.n_classes
        distances = ["fid", "kid"] if context.output == "reconstructions" else ["kid", "fid"]
        return [*distances, *(["kept"] if judged else []), *truth]
    if features is None:
        return ["swd"]
    judged = context.classes and count_classes(features) == context.classes
    return ["fid", "is", "kid", *(["accuracy"] if judged else [])]


def _many_of_images(context: ScoreContext) -> list[str]:
    """Returns the usual scores of images and prdc; without an extractor, those of pixels; and of captioned digits."""
    captioned = [name for name in CAPTIONED if not SCORES[name].refuses(context)]
    if context.features is None:
        return ["swd", *(["ms_ssim"] if context.side >= LEAST else []), "memorisation", *captioned]
    return [*_of_images(context), "prdc", *captioned]


def _of_points(context: ScoreContext) -> list[str]:
    return [*(["modes"] if context.centres else []), "good", "wasserstein"]


def _of_video(context: ScoreContext) -> list[str]:
    return ["swd", *(["motion"] if context.datamodule.shape[1] > 1 else [])]


def _many_of_video(context: ScoreContext) -> list[str]:
    """Returns those, how much moves, and where both are known the masks."""
    names = ["frame_difference", "mask_iou"]
    return [*_of_video(context), *(name for name in names if not SCORES[name].refuses(context))]


def _of_music(context: ScoreContext) -> list[str]:
    """Returns the scores of piano rolls, and of bars under chords whether these are heard."""
    names = ["empty_bars", "bar_pitches", "qualified_notes", "pitch_histogram", "note_lengths"]
    return names if SCORES["chord_notes"].refuses(context) else [*names, "chord_notes"]


def _many_of_music(context: ScoreContext) -> list[str]:
    """Returns those, and whether bars are copied, where some are held out."""
    names = _of_music(context)
    return names if SCORES["copied_bars"].refuses(context) else [*names, "copied_bars"]


# One row a kind of sample.
DEFAULTS: dict[str, Defaults] = {
    IMAGES.name: Defaults(_of_images, _many_of_images),
    POINTS.name: Defaults(_of_points),
    VIDEO.name: Defaults(_of_video, _many_of_video),
    VOXELS.name: Defaults(lambda context: ["jsd", "mmd_iou", "cov_iou", "one_piece", "volume"]),
    MUSIC.name: Defaults(_of_music, _many_of_music),
}


def reference_items(datamodule: Any) -> int | None:
    """Returns the number of items of the reference split; None of data that keeps no splits."""
    split = getattr(datamodule, "split", None)
    return None if split is None else len(split(datamodule.reference)[0])


def too_few(name: str, samples: int, datamodule: Any, k: int, known: Mapping[str, Score] = SCORES) -> str:
    """Returns why there are too few items for a score, such as "needs at least 6 samples, and there are 5"; "" if not.

    Args:
        name: A short name.
        samples: Number of samples.
        datamodule: Has the reference.
        k: See `ganzoo.metrics.score.Setting`.
        known: All scores by their short names.
    """
    score = known[name]
    if score.each:  # a mean over items one by one
        return ""
    fewest, counts = score.fewest(k), {"samples": samples}
    if score.compares(datamodule):
        counts["items of the reference"] = reference_items(datamodule) or fewest
    for side, count in counts.items():
        if count < fewest:
            return f"needs at least {fewest} {side}, and there are {count}"
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
        if known[of].compares(datamodule):
            # whether the split's name says it all
            silent = items in (None, samples) or (getattr(datamodule, "standard", False) and samples <= items)
            number = "" if items is None or silent else f"{_count(items)} "
            about = f"{about}/{number}{datamodule.reference}"
    if known[of].extractor and features is not None:
        about = f"{Path(features).stem},{about}"
    return f"{name}[{about}]"


def _count(number: int) -> str:
    return f"{number // 1000}k" if number and number % 1000 == 0 else str(number)
