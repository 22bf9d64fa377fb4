"""What a game makes: samples, translations or classes."""

from typing import Any, Literal

from ganzoo.common.errors import GanzooError

Made = Literal["samples", "translations", "classes"]


def made_by(model: Any) -> Made:
    """Returns what a model makes that can be scored: what it is asked for by `translate`, `sample` or `classify`.

    Raises:
        GanzooError: It has none of them.
    """
    makes: dict[str, Made] = {"translate": "translations", "sample": "samples", "classify": "classes"}
    for name, made in makes.items():
        if hasattr(model, name):
            return made
    raise GanzooError(f"model: {type(model).__name__} has no {', '.join(makes)}: there is nothing to score.")


def taught_classes(model: Any) -> int:
    """Returns how many classes a model has learnt from labels and can be asked for; 0 for any other model."""
    return model.n_classes if getattr(model, "supervised", False) else 0
