"""Base of the scores: what each says of itself, what it may look at, and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from ganzoo.common.conditions import Values
from ganzoo.common.kinds import IMAGES, Kind, default_kind, kind_of
from ganzoo.games.capabilities import Output
from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.extractors import Extractor

Keep = Callable[[Tensor, int, Any], Tensor]  # (batch, number of items before it, data module) to what is kept of it


@dataclass(frozen=True)
class ScoreContext:
    """Data, extractor and model that scores are to suit.

    Args:
        datamodule: Has `shape`, for points `centres`, for pairs `paired` and `n_classes`.
        features: Name of the extractor, or None.
        classes: What `taught_classes` says of the model.
        output: What `output_of` says of the model.
        model: The model itself, where it is there already.
    """

    datamodule: Any
    features: str | None = None
    classes: int = 0
    output: Output = "samples"
    model: Any = None

    @property
    def kind(self) -> Kind:
        """Kind of the samples."""
        return kind_of(self.datamodule) or default_kind(tuple(self.datamodule.shape))

    @property
    def centres(self) -> bool:
        """Whether the centres of the data's distribution are known."""
        return getattr(self.datamodule, "centres", None) is not None

    @property
    def side(self) -> int:
        """The shorter side of the data's pictures in pixels; 0 of what has no height and width."""
        axes = zip(self.kind.axes, self.datamodule.shape, strict=True)
        return min((length for axis, length in axes if axis in "HW"), default=0)


@dataclass(frozen=True)
class Setting:
    """What a score may look at beside the items of both sides.

    Args:
        datamodule: The data.
        model: That is scored; None of pictures.
        extractor: None without one.
        seed: Of all that is random in a score.
        k: Which neighbour's distance is the radius in precision, recall, density and coverage.
        samples: Number of samples that were asked for.
        device: Where scores are computed.
    """

    datamodule: Any
    model: Any = None
    extractor: Extractor | None = None
    seed: int = 0
    k: int = 5
    samples: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))


@dataclass(frozen=True)
class Items:
    """What a score is shown of one side: of N samples or translations, or of the reference's N items.

    Args:
        kept: What its `keep` made of the batches, joined.
        features: An extractor's features (N, D), in float64; None without one.
        logits: Its logits (N, K), in float64.
        conditions: What each sample was drawn with, such as its class (N,), or a tuple of several conditions; of
            reconstructions the indices of their codes (N, ...); None of unconditional models and of reals.
        values: Its `values` of the batches, joined (N,).
        prepared: Of the reference: what its `prepare` returned.
    """

    kept: Tensor
    features: Tensor
    logits: Tensor
    conditions: Values
    values: Tensor
    prepared: Any = None


@dataclass(frozen=True)
class Judged:
    """A batch of translations, or of classes, beside what they should be.

    Args:
        made: Translations (N, C, H, W) in [-1, 1], or a classifier's logits (N, K).
        truth: Of translations, what they should look like.
        labels: Classes (N,) of the reference's items, where they are known.
        logits: An extractor's, of translations (N, K).
        source: What was translated (N, C', H', W').
    """

    made: Tensor
    truth: Tensor | None = None
    labels: Tensor | None = None
    logits: Tensor | None = None
    source: Tensor | None = None


class Score:
    """A score: its properties, what it needs and refuses, and how it is measured. It remembers nothing.

    Args:
        name: Of its file.

    Attributes:
        higher: Whether a higher value is better.
        gives: Short names of its scores, if one computation gives several; else the file's name is that of its score.
        kinds: Of sample that it can judge; None for any.
        outputs: What it can judge: samples, translations or reconstructions of the reference's images, the classes
            that a model gives to those.
        extractor: Whether it looks at an extractor's features.
        reference: Whether real data is compared with.
        drawn: Whether it looks at samples; one that looks at the model alone does not need any drawn.
        conditions: Whether it looks at what samples were drawn with.
        truth: Whether it compares translations with their truth.
        each: Whether it is a mean of `values` of the reference's items, one by one.
        least: The least side of a picture in pixels.
        keeps_reference: Whether `keep` is applied to the reference, too, if it compares.
        after: Names of scores that are measured before this one. For such as draw from the same stream of random
            numbers, whose values must not depend on the order in which they are asked for.
    """

    higher: ClassVar[bool]
    gives: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[tuple[Kind, ...] | None] = (IMAGES,)
    outputs: ClassVar[tuple[Output, ...]] = ("samples",)
    extractor: ClassVar[bool] = False
    reference: ClassVar[bool] = True
    drawn: ClassVar[bool] = True
    conditions: ClassVar[bool] = False
    truth: ClassVar[bool] = False
    each: ClassVar[bool] = False
    least: ClassVar[int] = 0
    after: ClassVar[tuple[str, ...]] = ()

    # What is kept of each batch of samples, and of the reference if it is compared with: a method with the arguments of
    # `Keep`, or a function that several scores share. Without one a score sees features, logits and conditions alone.
    keep: Any = None

    keeps_reference: ClassVar[bool] = True

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def names(self) -> tuple[str, ...]:
        """Short names of its scores."""
        return self.gives or (self.name,)

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns why it does not suit the context, beyond what its attributes say, or None if it does.

        The answer goes on from "NAME given, but", such as "this distribution has no centres; choose good."
        """
        return None

    def suits(self, kind: Kind, output: Output) -> bool:
        """Returns whether it can judge such samples, or what a model makes of them."""
        return output in self.outputs and (output == "classes" or self.kinds is None or kind in self.kinds)

    def needs_extractor(self, output: Output) -> bool:
        """Returns whether it cannot do without an extractor."""
        return self.extractor

    def compares(self, datamodule: Any) -> bool:
        """Returns whether it compares with real data."""
        return self.reference

    def fewest(self, k: int) -> int:
        """Returns the number of items of either side below which it says nothing; `k` as in `Setting`."""
        return 2

    def prepare(self, reference: Items, setting: Setting) -> Any:
        """Returns what depends on the reference alone, computed once for all models that are compared with it."""
        return None

    def values(self, batch: Judged) -> Tensor:
        """Returns the values (N,) whose mean it is, if it judges items one by one.

        Raises:
            GanzooError: The data lacks what is needed for them.
        """
        raise NotImplementedError

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored | dict[str, Scored]:
        """Returns the score; or, of several, each by its short name.

        Args:
            samples: Drawn by the model, or translated.
            reference: Real items; empty where it does not compare.
            setting: Data, model, extractor and seed.
        """
        raise NotImplementedError

    def observer(self, device: torch.device, seed: int, synchronised: bool) -> Any:
        """Returns what is shown all batches in place of `measure`, of another package's metric; None of ganzoo's."""
        return None

    def settings(self, samples: int, items: int, datamodule: Any, k: int) -> dict[str, Any]:
        """Returns the constants in it, for a report.

        Args:
            samples: Number of samples.
            items: Of the reference.
            datamodule: The data.
            k: As in `Setting`.
        """
        return {}

    def remark(self, value: float, conditions: dict[str, Any]) -> str | None:
        """Returns what a reader of its value in a report should know before comparing."""
        return None
