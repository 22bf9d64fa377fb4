"""What models produce that can be scored: samples, translations or classes."""

from typing import Any, Literal

from ganzoo.common.errors import GanzooError

Output = Literal["samples", "translations", "classes"]


def output_of(model: Any) -> Output:
    """Returns what a model produces that can be scored, by its methods `translate`, `sample` and `classify`.

    Raises:
        GanzooError: It has none of them.
    """
    outputs: dict[str, Output] = {"translate": "translations", "sample": "samples", "classify": "classes"}
    for name, output in outputs.items():
        if hasattr(model, name):
            return output
    raise GanzooError(f"model: {type(model).__name__} has no {', '.join(outputs)}: there is nothing to score.")


def taught_classes(model: Any) -> int:
    """Returns the number of classes that a model has learnt from labels; 0 for any other model."""
    return model.n_classes if getattr(model, "supervised", False) else 0
