"""Base of games: their parts, and what they know of the data that they are trained on."""

from typing import Any, ClassVar

import lightning.pytorch as pl
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import Kind, kind_by_shape, kind_of


class DataBound(pl.LightningModule):
    """Base of games: the networks that they are made of, and whether and how these fit the data.

    Attributes:
        auxiliary: names of submodules that are no parts of the model, such as averages or stabilisers: these are not
            exported, compiled or counted. A subclass names its own only.
        class_names: names of the data's classes in the order of the labels, where the model works with them.
        tasks: what its kind of game is for, in the words of `ganzoo list --task`; see `ganzoo.common.tasks`.
        data_kind: kind of the samples that it was trained on; None of a model made by hand. See `kind`.
    """

    auxiliary: ClassVar[tuple[str, ...]] = ()
    tasks: ClassVar[tuple[str, ...]] = ()
    class_names: tuple[str, ...] = ()
    data_kind: Kind | None = None

    def parts(self) -> dict[str, nn.Module]:
        """Returns the submodules that are parts of the model: all but the `auxiliary` ones."""
        auxiliary = {name for kind in type(self).__mro__ for name in vars(kind).get("auxiliary", ())}
        return {name: module for name, module in self.named_children() if name not in auxiliary}

    def check(self, shape: tuple[int, ...]) -> None:
        """Raises GanzooError where the game does not fit samples of this shape; a plain game fits any."""

    def fits(self, datamodule: Any) -> None:
        """Raises GanzooError where the game does not fit the data, before anything is loaded or trained."""
        self.require_kind(datamodule)
        self.require_batches(datamodule)
        self.check(datamodule.shape)

    @property
    def kind(self) -> Kind | None:
        """Kind of the samples: that of the data it was trained on, else what a network states or its shape suggests."""
        if self.data_kind is not None:
            return self.data_kind
        parts = [*self.parts().values()]
        kinds: list[Any] = [getattr(part, "kind", None) for part in parts]
        shapes: list[Any] = [getattr(part, "shape", None) for part in parts]
        kinds += [kind_by_shape(shape) for shape in shapes if isinstance(shape, tuple)]
        return next((kind for kind in kinds if isinstance(kind, Kind)), None)

    def require_kind(self, datamodule: Any) -> None:
        """Raises GanzooError if a network states another kind of sample than the data's."""
        for name, part in self.parts().items():
            stated, data = getattr(part, "kind", None), kind_of(datamodule)
            if isinstance(stated, Kind) and data not in (None, stated):
                raise GanzooError(f"model.{name}: it is made for {stated.name}, but the data are {data.name}.")

    def require_batches(self, datamodule: Any) -> None:
        """Raises GanzooError where a BatchNorm of vectors would have a single one, of a batch or of a part of it."""
        size, parts = getattr(datamodule, "batch_size", None), getattr(self, "accumulate", 1)
        if size is None or size // parts > 1:
            return
        for name, part in self.parts().items():
            norms = [layer for layer in part.modules() if isinstance(layer, nn.BatchNorm1d)]
            if any(parameter.requires_grad for norm in norms for parameter in norm.parameters()):
                few = f"{size} given" if parts == 1 else f"{size} in {parts} parts given"
                raise GanzooError(f"data.batch_size: {few}, but model.{name} has BatchNorm, which needs 2 or more.")

    def learn_of(self, datamodule: Any) -> None:
        """Keeps the names of the data's classes, where the model works with them, and the kind of its samples."""
        self.class_names = self.names_of(datamodule) or self.class_names
        self.data_kind = kind_of(datamodule) or self.data_kind

    def names_of(self, datamodule: Any) -> tuple[str, ...]:
        """Returns the data's class names if the model draws or classifies these very classes; none otherwise."""
        names = tuple(getattr(datamodule, "class_names", ()))
        drawn = getattr(self, "n_classes", 0) if getattr(self, "supervised", False) else 0
        return names if hasattr(self, "classify") or drawn == len(names) else ()
