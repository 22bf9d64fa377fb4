"""What models produce that can be scored: samples, translations, classes, reconstructions; a Protocol of each."""

from typing import Any, Literal, Protocol, runtime_checkable

from torch import Tensor

from ganzoo.common.errors import GanzooError

Output = Literal["samples", "translations", "classes", "reconstructions"]


@runtime_checkable
class DrawsSamples(Protocol):
    """Protocol of models that draw samples (n, ...)."""

    def sample(self, n: int, *, seed: int | None = None) -> Tensor: ...  # noqa: D102


@runtime_checkable
class Translates(Protocol):
    """Protocol of models that make images (N, C', H', W') of images (N, C, H, W)."""

    def translate(self, x: Tensor, seed: int | None = None) -> Tensor: ...  # noqa: D102


@runtime_checkable
class PredictsFrames(Protocol):
    """Protocol of models that predict the frames (N, C, count, H, W) after clips of at least `frames` frames."""

    frames: int

    def predict_frames(self, clips: Tensor, count: int = 1) -> Tensor: ...  # noqa: D102


@runtime_checkable
class Classifies(Protocol):
    """Protocol of models that return the logits (N, classes) of samples (N, ...)."""

    def classify(self, x: Tensor) -> Tensor: ...  # noqa: D102


@runtime_checkable
class Reconstructs(Protocol):
    """Protocol of models that return what is left of samples (N, ...) when they were encoded and decoded."""

    def reconstruct(self, x: Tensor) -> Tensor: ...  # noqa: D102


@runtime_checkable
class HasCodebook(Protocol):
    """Protocol of models that return the indices (N, ...) of samples' codes, of which there are `n_codes`."""

    n_codes: int

    def codes(self, x: Tensor) -> Tensor: ...  # noqa: D102


@runtime_checkable
class HasMasks(Protocol):
    """Protocol of models that draw clips (N, C, T, H, W) through masks (N, 1, T, H, W) of what moves, in [0, 1]."""

    @property
    def space(self) -> Any: ...  # noqa: D102
    def render(self, points: Tensor) -> Tensor: ...  # noqa: D102
    def masks(self, points: Tensor) -> Tensor: ...  # noqa: D102


@runtime_checkable
class Composes(Protocol):
    """Protocol of models that draw pieces of music bar by bar, under chords (n, bars, 13)."""

    def compose(self, chords: Tensor, primer: Tensor | None = None, seed: int | None = None) -> Tensor: ...  # noqa: D102


# The first one counts that a model fits: a translator may draw samples, too, and so do most autoencoders.
OUTPUTS: dict[Output, type] = {
    "translations": Translates,
    "samples": DrawsSamples,
    "classes": Classifies,
    "reconstructions": Reconstructs,
}


def output_of(model: Any) -> Output:
    """Returns what a model produces that can be scored, by its methods: `translate`, `sample` and so on.

    Raises:
        GanzooError: It has none of them.
    """
    for output, protocol in OUTPUTS.items():
        if isinstance(model, protocol):
            return output
    methods = "translate, sample, classify, reconstruct"
    raise GanzooError(f"model: {type(model).__name__} has no {methods}: there is nothing to score.")


def taught_classes(model: Any) -> int:
    """Returns the number of classes that a model has learnt from labels; 0 for any other model."""
    return model.n_classes if getattr(model, "supervised", False) else 0
