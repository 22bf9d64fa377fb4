"""Scores of any model on its data: the one path that training, `validate`, model cards and tables take."""

from collections.abc import Sequence
from typing import Any

from ganzoo.games.capabilities import output_of, taught_classes
from ganzoo.metrics.evaluation import Evaluation
from ganzoo.metrics.own import Request
from ganzoo.metrics.translations import ClassEvaluation, ReconstructionEvaluation, TranslationEvaluation

EVALUATIONS: dict[str, type[Evaluation]] = {
    "samples": Evaluation,
    "translations": TranslationEvaluation,
    "classes": ClassEvaluation,
    "reconstructions": ReconstructionEvaluation,
}


def evaluation_of(model: Any, datamodule: Any, **options: Any) -> Evaluation:
    """Returns the evaluation for a model: of samples, translations, classes or reconstructions.

    Args:
        model: Has `sample`, `translate`, `classify` or `reconstruct`.
        datamodule: See `Evaluation`.
        **options: See `Evaluation`, but for `classes` and `model`.

    Raises:
        GanzooError: There is nothing to score, or something does not fit.
    """
    return EVALUATIONS[output_of(model)](datamodule, classes=taught_classes(model), model=model, **options)


def score(
    model: Any,
    datamodule: Any,
    features: str | None = None,
    metrics: Sequence[Request] | None = None,
    samples: int | None = 10_000,
    seed: int = 0,
    batch_size: int = 500,
    cache: bool = True,
) -> dict[str, float]:
    """Scores a model without a trainer, in this process alone; see `Evaluation` for the arguments.

    Returns:
        The scores by their full keys, such as `fid[mnist,10k/test]` or `psnr[test]`.
    """
    evaluation = evaluation_of(
        model,
        datamodule,
        features=features,
        metrics=metrics,
        samples=samples,
        seed=seed,
        batch_size=batch_size,
        cache=cache,
        device=model.device,
    )
    return evaluation.scores(model, evaluation.collect(model))
