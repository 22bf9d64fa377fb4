"""Reading of files of published weights: which networks a file holds, by its content alone."""

import argparse
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from ganzoo.checkpoints.importers.pickles import SCALARS, SPARE, Record, Refused, module_tensors, read_pickle
from ganzoo.common.errors import GanzooError

ZIP = b"PK\x03\x04"  # what torch.save has written since PyTorch 1.6
LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # and before
PICKLE = b"\x80"
WRAPPED = "module."  # what DataParallel puts before every name
LONGEST_NAME = 100  # characters of a tensor's name in messages
NESTED = 3  # dictionaries inside one another that are looked into


@dataclass(frozen=True)
class Network:
    """Network in a file.

    Attributes:
        name: by which the file calls it, such as `G_ema`; empty where it holds just one.
        tensors: by the names that its own code gives them.
        settings: words and numbers that are pickled beside them, by the names of modules and attributes.
        class_name: of its class, where the file says that.
    """

    name: str
    tensors: dict[str, Tensor]
    settings: dict[str, Any] = field(default_factory=dict)
    class_name: str = ""

    def shape(self, key: str) -> tuple[int, ...]:
        """Returns the shape of a tensor.

        Raises:
            GanzooError: if there is no such tensor.
        """
        if key not in self.tensors:
            raise GanzooError(f"{self.called(key)} is missing.")
        return tuple(self.tensors[key].shape)

    def called(self, key: str) -> str:
        """Returns what messages call a tensor."""
        shown = key if len(key) <= LONGEST_NAME else f"{key[:LONGEST_NAME]}…"  # a stranger's
        return f"tensor {shown} of {self.name}" if self.name else f"tensor {shown}"


@dataclass(frozen=True)
class Contents:
    """Contents of a file of published weights.

    Attributes:
        file: where it is.
        sha256: of its bytes.
        kind: what it is, in words.
        networks: those in it.
    """

    file: Path
    sha256: str
    kind: str
    networks: list[Network]


def read_networks(file: Path) -> Contents:
    """Returns the networks that a file of weights holds; nothing in it is executed.

    Args:
        file: a pickle of NVIDIA's training loops, what `torch.save` writes, or safetensors; its ending does not matter.

    Raises:
        GanzooError: if it is none of them, or holds more than tensors, words and numbers.
    """
    if not file.is_file():
        raise GanzooError(f"there is no file '{file}'.")
    content = file.read_bytes()
    try:
        if content.startswith((ZIP, LEGACY)):
            kind, networks = "a file of torch.save", state_dicts(torch_load(content))
        elif content.startswith(PICKLE):
            kind, networks = "a pickle of networks", pickled(content)
        else:
            kind, networks = "safetensors", state_dicts(safetensors.torch.load(content))
    except Refused as error:
        raise GanzooError(f"'{file}' is refused: {error}.") from error
    except Exception as error:  # damaged archives fail in many ways
        raise GanzooError(f"'{file}' is no file of weights, or is damaged.") from error
    if not networks:
        raise GanzooError(f"'{file}' holds no network.")
    return Contents(file, hashlib.sha256(content).hexdigest(), kind, networks)


def torch_load(content: bytes) -> Any:
    """Returns what torch.save has written, read with `weights_only`.

    Raises:
        Refused: if that does not read it.
    """
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):  # a training's settings, which are mere values
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:
        raise Refused("PyTorch does not read it with weights_only: it is damaged, or no mere weights") from error


def pickled(content: bytes) -> list[Network]:
    """Returns the networks of a pickle.

    Raises:
        Refused: if it is none of networks, or holds what is not allowed.
    """
    root = read_pickle(content)
    modules = root if isinstance(root, dict) else {"": root}
    networks = []
    for name, module in modules.items():
        if isinstance(module, Record) and isinstance(name, str) and "_modules" in module.state:
            tensors, settings = module_tensors(module, len(content) + SPARE)
            networks.append(Network(name, tensors, settings, module.name))
    return networks


def state_dicts(read: Any, name: str = "", depth: int = 0) -> list[Network]:
    """Returns the networks in nested dictionaries: each that holds tensors is one, with settings that lie beside it."""
    if not isinstance(read, Mapping) or depth > NESTED:
        return []
    tensors = {key: value.detach() for key, value in read.items() if isinstance(key, str) and isinstance(value, Tensor)}
    if tensors and all(key.startswith(WRAPPED) for key in tensors):
        tensors = {key.removeprefix(WRAPPED): value for key, value in tensors.items()}
    networks = [Network(name, tensors)] if tensors else []
    for key, value in read.items():
        networks += state_dicts(value, str(key), depth + 1)
    told = next((vars(value) for value in read.values() if isinstance(value, argparse.Namespace)), {})
    settings = {key: value for key, value in told.items() if isinstance(key, str) and isinstance(value, SCALARS)}
    return [replace(one, settings=settings | one.settings) for one in networks] if settings else networks
