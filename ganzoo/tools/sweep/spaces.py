"""Search spaces of settings, `g_lr=1e-4..1e-3:log`, and the values that a trial takes from them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganzoo.common.errors import GanzooError
from ganzoo.common.vary import split_at_commas

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
RANGE = re.compile(rf"({NUMBER})\.\.({NUMBER})(?::(log|{NUMBER}))?")
FORMS = "LOW..HIGH, LOW..HIGH:log, LOW..HIGH:STEP or A,B,C"


@dataclass(frozen=True)
class Range:
    """Numbers between two bounds, both included.

    Args:
        low: the least.
        high: the greatest.
        whole: whether they are whole numbers.
        log: whether their logarithm is uniform.
        step: between two of them; None for any.
    """

    low: float
    high: float
    whole: bool
    log: bool = False
    step: float | None = None

    @property
    def first(self) -> str:
        """One of the values, to look whether the recipe takes it."""
        return str(int(self.low) if self.whole else self.low)

    def suggest(self, trial: Any, key: str) -> str:
        """Returns the value that an optuna trial takes."""
        if self.whole:
            return str(trial.suggest_int(key, int(self.low), int(self.high), step=int(self.step or 1), log=self.log))
        return repr(trial.suggest_float(key, self.low, self.high, step=self.step, log=self.log))


@dataclass(frozen=True)
class Choice:
    """One of several values, as they were typed.

    Args:
        values: at least two.
    """

    values: tuple[str, ...]

    @property
    def first(self) -> str:
        """One of the values, to look whether the recipe takes it."""
        return self.values[0]

    def suggest(self, trial: Any, key: str) -> str:
        """Returns the value that an optuna trial takes."""
        return trial.suggest_categorical(key, self.values)


Space = Range | Choice


def read_spaces(varied: Sequence[str]) -> dict[str, Space]:
    """Returns the space of each setting by its key.

    Args:
        varied: `KEY=LOW..HIGH`, with `:log` for a uniform logarithm or `:STEP` for a grid, or `KEY=A,B,C`. Bounds that
            are both written as whole numbers make whole numbers.

    Raises:
        GanzooError: there is none, or one is not of these forms or there twice.
    """
    if not varied:
        raise GanzooError(f"--vary: give the settings to search, such as g_lr=1e-4..1e-3:log; the forms are {FORMS}.")
    spaces: dict[str, Space] = {}
    for text in varied:
        key, equals, values = text.partition("=")
        if not equals or not key:
            raise GanzooError(f"--vary: '{text}' given, but it must be KEY= and {FORMS}.")
        if key in spaces:
            raise GanzooError(f"--vary: {key} is given twice; write all of its values after one another.")
        spaces[key] = _read_space(key, values.strip())
    return spaces


def _read_space(key: str, text: str) -> Space:
    match = RANGE.fullmatch(text)
    if match is None:
        values = tuple(dict.fromkeys(part for part in split_at_commas(text) if part))
        if len(values) < 2:
            raise GanzooError(f"--vary: '{key}={text}' leaves nothing to search; write {FORMS}.")
        return Choice(values)
    low, high, more = match.groups()
    whole = not re.search(r"[.eE]", low + high + (more if more not in {None, "log"} else ""))
    log, step = more == "log", None if more in {None, "log"} else float(more)
    space = Range(float(low), float(high), whole, log, step)
    if space.low >= space.high:
        raise GanzooError(f"--vary: '{key}={text}' must go from a lower to a higher number.")
    if log and space.low <= 0:
        raise GanzooError(f"--vary: '{key}={text}' must be above 0, which has no logarithm.")
    if step is not None and not 0 < step <= space.high - space.low:
        raise GanzooError(f"--vary: the step of '{key}={text}' must be above 0 and fit between the bounds.")
    return space


def suggest(trial: Any, spaces: Mapping[str, Space]) -> dict[str, str]:
    """Returns the values that an optuna trial takes, as the command line would be given them."""
    return {key: space.suggest(trial, key) for key, space in spaces.items()}
