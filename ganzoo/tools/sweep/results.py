"""Results of a sweep: its trials, and the best of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Trial:
    """A trial of a sweep.

    Attributes:
        number: from 0 on.
        setting: its values by their keys.
        state: `complete`, `pruned`, `failed` or `running`.
        score: the best one of its validations; None if it came to none.
        step: generator updates at which it had that.
        seconds: that it took; None where that is not known.
        reason: why it failed, else empty.
    """

    number: int
    setting: Mapping[str, Any]
    state: str
    score: float | None
    step: int | None
    seconds: float | None
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a sweep has found.

    Attributes:
        recipe: name of the recipe.
        monitor: short name of the score.
        higher: whether a higher one is better.
        trials: all, by their number.
        best: the complete one with the best score.
        run: the folder of its run.
        file: its whole recipe, which `ganzoo fit --config` takes.
        study: optuna's file, for its own tools.
    """

    recipe: str
    monitor: str
    higher: bool
    trials: Sequence[Trial]
    best: Trial
    run: Path
    file: Path
    study: Path
