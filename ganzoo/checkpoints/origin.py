"""Origin of a loaded model: the file that its weights were read from, and what is known of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ganzoo.checkpoints.locate import Kind


@dataclass(frozen=True)
class Origin:
    """Where the weights of a model come from.

    Attributes:
        file: the .safetensors or the .ckpt.
        sha256: of its content.
        stored: data types of its floating-point tensors, such as `float16`.
        chosen: `best` or `last` of a run's weights; None where nothing says it.
        step: generator updates that they have seen; None where nothing says it.
        name: by which the model was loaded.
        kind: what lies there.
        revision: requested branch, tag or commit of a Hub repository.
        commit: of a Hub repository.
        own: whether it lies on this disk: a stranger's recipe is not to open files or import anything.
    """

    file: Path
    sha256: str
    stored: tuple[str, ...]
    chosen: str | None = None
    step: int | None = None
    name: str = ""
    kind: Kind = "checkpoint"
    revision: str | None = None
    commit: str | None = None
    own: bool = True


def dtypes(tensors: Iterable[Tensor]) -> tuple[str, ...]:
    """Returns the data types of floating-point tensors by their names, each once."""
    return tuple(sorted({str(tensor.dtype)[6:] for tensor in tensors if tensor.is_floating_point()}))
