"""What an adapter makes of networks of other code: ganzoo's model, its arguments, and tensors under ganzoo's names."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ganzoo.checkpoints.importers.reading import Network
from ganzoo.common.errors import GanzooError

NO_DISCRIMINATOR = "its discriminator, which no file here holds: this one begins anew"


@dataclass(frozen=True)
class Part:
    """Network of ganzoo, and the tensors that it takes.

    Attributes:
        class_path: of the network.
        arguments: of its constructor.
        tensors: by ganzoo's names; none of a network that the file does not hold, which begins anew.
        origins: what messages call each, by ganzoo's names.
    """

    class_path: str
    arguments: dict[str, Any]
    tensors: dict[str, Tensor] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Conversion:
    """Model that a file's networks make.

    Attributes:
        model: class path of ganzoo's model.
        parts: its networks by their names there.
        arguments: others of the model's constructor.
        known: what the tensors say, in sentences.
        unknown: what they do not say, or what differs here, likewise.
        data: class path and arguments of the data that a training of it takes.
    """

    model: str
    parts: dict[str, Part]
    arguments: dict[str, Any] = field(default_factory=dict)
    known: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Format:
    """Form in which a code base publishes weights.

    Attributes:
        name: of the code base.
        files: what files it writes, in words.
        becomes: what they become, in words.
        fits: whether networks have this form, by the names of their tensors.
        convert: makes ganzoo's model of them.
    """

    name: str
    files: str
    becomes: str
    fits: Callable[[Sequence[Network]], bool]
    convert: Callable[[Sequence[Network]], Conversion]


def find(networks: Sequence[Network], key: str, names: Sequence[str] = ()) -> Network | None:
    """Returns the network that has a tensor of a name, the first of these names where several have it; None if none."""
    having = [one for one in networks if key in one.tensors]
    return min(having, key=lambda one: names.index(one.name) if one.name in names else len(names), default=None)


def part(network: Network, class_path: str, arguments: dict[str, Any], rename: Callable[[str], str | None]) -> Part:
    """Returns a part whose tensors are those of a network, renamed.

    Args:
        network: of the file.
        class_path: ganzoo's network.
        arguments: of its constructor.
        rename: from a tensor's name to ganzoo's; None for what is left out.

    Raises:
        GanzooError: if a name is unknown.
    """
    tensors, origins = {}, {}
    for key, value in network.tensors.items():
        try:
            name = rename(key)
        except (KeyError, ValueError, IndexError) as error:
            shape = tuple(value.shape)
            raise GanzooError(f"{network.called(key)} {shape} is not expected in this form of network.") from error
        if name is not None:
            tensors[name], origins[name] = value, network.called(key)
    return Part(class_path, arguments, tensors, origins)


def image_folder(size: int, channels: int, batch_size: int = 16) -> dict[str, Any]:
    """Returns data of one's own pictures, for training on; its `root` is left to whoever trains."""
    arguments = {"size": size, "channels": channels, "batch_size": batch_size}
    return {"class_path": "ganzoo.data.ImageFolder", "init_args": arguments}


def numbers_in(keys: Iterable[str], before: str) -> list[int]:
    """Returns the numbers N of names that begin with `before` N and go on with a dot, in ascending order."""
    rests = (key[len(before) :].partition(".")[0] for key in keys if key.startswith(before))
    return sorted({int(digits) for digits in rests if digits.isdecimal() and len(digits) < 10})


def equalised_widths(channels: Mapping[int, int]) -> dict[str, int]:
    """Returns `base` and `largest` of networks with so many channels at each side: min(base / side, largest)."""
    largest, top = max(channels.values()), max(channels)
    base = channels[top] * top if channels[top] < largest else largest * top
    return {"base": base, "largest": largest}


def require_value(network: Network, ending: str, expected: Tensor) -> None:
    """Checks fixed tensors that ganzoo's networks have built in.

    Raises:
        GanzooError: if one differs: the network would compute something else.
    """
    for key, value in network.tensors.items():
        if key.endswith(ending) and not (value.shape == expected.shape and torch.allclose(value.float(), expected)):
            shapes = f"{tuple(value.shape)}, but {tuple(expected.shape)}"
            differ = f"is {shapes} was" if value.shape != expected.shape else "has other values than"
            raise GanzooError(f"{network.called(key)} {differ} expected: ganzoo has that filter alone.")
