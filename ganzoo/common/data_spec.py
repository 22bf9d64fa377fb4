"""Shapes and classes of the data, and the names of networks' arguments that follow them.

A network's arguments follow the data where nobody states them. Those called `shape`, `size`, `channels`,
`out_channels`, `source_channels`, `n_classes`, and of other conditions `condition_dim` (vectors), `condition_length`
and `vocabulary` (sequences of words) follow by their names, in any class; `n_classes` that is 0 or None by itself only
in a conditional game. A class that has others, or that holds networks
which meet something else than the data, says so itself:

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        return {"network": spec.extended(stated.get("n_classes", spec.n_classes))}

It returns values of its arguments, and for arguments that are networks the `DataSpec` of what these meet; `stated` are
those of its arguments that somebody states.
"""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import Kind, kind_by_shape, kind_of

SIDES = "DHW"  # axes in space
CONDITIONS = ("condition_dim", "condition_length", "vocabulary")  # arguments that follow a condition
UNLABELLED = "Put the pictures of each class into a folder of its own, or choose a recipe without classes."


@dataclass(frozen=True)
class DataSpec:
    """Shapes and classes of the data that a network meets.

    Attributes:
        shape: of a sample that it makes or judges, such as (channels, height, width) of an image or (2,) of a point;
            empty where nothing is known.
        source_shape: likewise of what it is shown, of translators; None where there are no sources.
        n_classes: number of classes; 0 without labels.
        conditional: whether a network that takes labels only if it is asked to is asked to.
        kind: of sample; None where only the shape says it, if at all.
        condition: what batches carry beside samples, see `ganzoo.common.conditions`; None for nothing.
    """

    shape: tuple[int, ...] = ()
    source_shape: tuple[int, ...] | None = None
    n_classes: int = 0
    conditional: bool = False
    kind: Kind | None = None
    condition: Any = None

    @classmethod
    def of(cls, datamodule: Any) -> "DataSpec":
        """Returns the shapes and classes of a data module; a foreign one may say nothing."""
        shape, source = getattr(datamodule, "shape", None), getattr(datamodule, "source_shape", None)
        classes = getattr(datamodule, "n_classes", 0)
        from ganzoo.common.conditions import condition_of  # it needs PyTorch, which the help of commands does without

        kind, condition = kind_of(datamodule), condition_of(datamodule)
        return cls(tuple(shape or ()), source and tuple(source), classes or 0, kind=kind, condition=condition)

    @property
    def axes(self) -> tuple[str, ...]:
        """Letters of the axes of `shape`, see `ganzoo.common.kinds`; empty where they are not known."""
        kind = self.kind if self.kind is not None and self.kind.fits(self.shape) else kind_by_shape(self.shape)
        return () if kind is None else kind.axes

    @classmethod
    def probe(cls) -> "DataSpec":
        """Returns the shapes and classes of data of which everything that could be is known, to ask who follows any."""
        condition = SimpleNamespace(arguments=lambda: dict.fromkeys(CONDITIONS, 1))
        return cls((1, 1, 1), (1, 1, 1), 1, condition=condition)

    def arguments(self) -> dict[str, Any]:
        """Returns the values of arguments by their names; what has sides of several lengths has no `size`."""
        values: dict[str, Any] = {"shape": list(self.shape)} if self.shape else {}
        if "C" in self.axes:
            values["channels"] = values["out_channels"] = self.shape[self.axes.index("C")]
        sides = {length for axis, length in zip(self.axes, self.shape, strict=False) if axis in SIDES}
        if len(sides) == 1:
            values["size"] = sides.pop()
        if self.source_shape:
            values["source_channels"] = self.source_shape[0]
        if self.condition is not None:
            values |= self.condition.arguments()
        return values

    def extended(self, channels: int) -> "DataSpec":
        """Returns this with further channels, stacked on those of what is judged."""
        if self.axes[:1] != ("C",):
            return self
        return replace(self, shape=(self.shape[0] + channels, *self.shape[1:]))

    def reversed(self) -> "DataSpec":
        """Returns this with source and target exchanged; without sources, as it is."""
        return self if self.source_shape is None else replace(self, shape=self.source_shape, source_shape=self.shape)

    def labelled(self) -> "DataSpec":
        """Returns this for a network that is to take labels."""
        return replace(self, conditional=True)


def require_labels(field: str, made_for: int, classes: int | None) -> None:
    """Raises GanzooError if a network that takes labels, or names classes, is made for more or fewer than the data has.

    Args:
        field: what an error names.
        made_for: number of classes of the network; 0 if it does not care.
        classes: the data's; None if it does not say.

    Raises:
        GanzooError: if it does not.
    """
    if not made_for or classes is None or made_for == classes:
        return
    if not classes:
        raise GanzooError(f"{field}: it is made for {made_for} classes, but the data has no labels. {UNLABELLED}")
    hint = "Leave the number out of recipe and options, and it follows the data."
    raise GanzooError(f"{field}: it is made for {made_for} classes, but the data has {classes}. {hint}")


UNKNOWN_DATA = DataSpec()  # what a network meets that sees nothing of the data's shape
