"""Scores that callbacks of the user's own monitor by their short names: logged name and direction filled in."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint

from ganzoo.common.errors import GanzooError, nearest

log = logging.getLogger(__name__)
OURS = ("ganzoo", "lightning")
DIRECTIONS = {"min": "lower", "max": "higher"}


def set_monitors(callbacks: Sequence[Any], model: Any, keys: Mapping[str, str], higher: Callable[[str], bool]) -> None:
    """Gives callbacks with a `monitor` the name under which the score is logged, and its direction.

    Args:
        callbacks: a trainer's.
        model: what is trained; one of the user's own may log more than scores.
        keys: short names of the scores that are computed, and how each is logged: `{"swd": "swd[10k/test]"}`.
        higher: whether a higher value of the score with this short name is better.

    Raises:
        GanzooError: if a callback watches what nobody logs.
    """
    alone = all(type(each).__module__.partition(".")[0] in OURS for each in (model, *callbacks))
    for callback in callbacks:
        watched = getattr(callback, "monitor", None)
        if not isinstance(watched, str):
            continue
        short = {key: name for name, key in keys.items()}.get(watched, watched)
        if short in keys:
            callback.monitor = keys[short]
            _turn(callback, "max" if higher(short) else "min", short)
        elif alone or nearest(watched, keys):
            kind = type(callback).__name__
            allowed = ", ".join(f"{name} (logged as {key})" for name, key in keys.items())
            raise GanzooError(
                f"trainer.callbacks: {kind} monitors {watched}, which is not computed; choose among {allowed}, or have "
                "more computed by --quality.metrics."
            )


def _turn(callback: Any, mode: str, name: str) -> None:
    """Has a callback of Lightning's take the right one of two values for the better."""
    if not isinstance(callback, EarlyStopping | ModelCheckpoint) or callback.mode == mode:
        return
    log.warning("%s: %s is better when it is %s: mode is %s.", type(callback).__name__, name, DIRECTIONS[mode], mode)
    callback.mode = mode
    worst = torch.tensor(torch.inf if mode == "min" else -torch.inf)
    if isinstance(callback, EarlyStopping):
        callback.best_score, callback.min_delta = worst, -callback.min_delta
    else:
        callback.kth_value = worst
