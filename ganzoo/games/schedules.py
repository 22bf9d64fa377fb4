"""Schedules: values that change over a run, written in a recipe."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from math import cos, exp, pi
from typing import Literal

from ganzoo.common.errors import GanzooError

# the share of the way from one value to the next, by the share of the time between them
EASINGS: dict[str, Callable[[float], float]] = {
    "constant": lambda time: 0.0,
    "linear": lambda time: time,
    "cosine": lambda time: (1 - cos(pi * time)) / 2,
    "sigmoid": lambda time: 2 / (1 + exp(-10 * time)) - 1,
    "power": lambda time: (1 - (1 + 10 * time) ** -0.75) / (1 - 11**-0.75),
}


@dataclass(frozen=True)
class Schedule:
    """A value that changes over a run's progress.

    Args:
        values: the values, in order.
        at: where each value is reached, as a share of the run in [0, 1], increasing, as many as `values`.
        kind: `constant` keeps a value until the next one's turn; `linear` moves in a straight line between them,
            `cosine` along half a wave, slowly at both ends; `sigmoid` and `power` move fast at first and then ever more
            slowly (Ganin et al. 2016, section 5.2): from 0 to 1 as 2 / (1 + exp(-10 p)) - 1, and from 1 to 11^-0.75 as
            (1 + 10 p)^-0.75.

    Example:
        `Schedule([30, 15, 5], at=[0, 0.02, 0.05])` is 30 for the first 2% of a run, 15 until 5%, then 5.

    Raises:
        GanzooError: if the lists differ in length, are empty, or `at` does not increase within [0, 1].
    """

    values: list[float]
    at: list[float]
    kind: Literal["constant", "linear", "cosine", "sigmoid", "power"] = "constant"

    def __post_init__(self) -> None:
        if not self.values or len(self.values) != len(self.at):
            raise GanzooError(f"schedule: it needs as many values as points: {self.values} at {self.at}")
        if sorted(set(self.at)) != list(self.at) or self.at[0] < 0 or self.at[-1] > 1:
            raise GanzooError(f"schedule: its points must increase within [0, 1]: {self.at}")

    def __hash__(self) -> int:
        return hash((*self.values, *self.at, self.kind))

    def __call__(self, progress: float) -> float:
        """Returns the value at `progress` in [0, 1]; before the first point it is the first value."""
        i = bisect_right(self.at, progress) - 1
        if i < 0 or i == len(self.at) - 1:
            return self.values[max(i, 0)]
        share = EASINGS[self.kind]((progress - self.at[i]) / (self.at[i + 1] - self.at[i]))
        return self.values[i] + share * (self.values[i + 1] - self.values[i])


def value(of: float | Schedule, progress: float) -> float:
    """Returns a constant as it is and a schedule's value at `progress`."""
    return of(progress) if isinstance(of, Schedule) else of
