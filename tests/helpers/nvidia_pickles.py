"""Pickles as NVIDIA's training loops write them, made from names and tensors; the source in them is what one likes."""

import pickle
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn

HARMLESS = "class Generator: pass\n"


def _reconstruct_persistent_obj(meta: dict[str, Any]) -> None:
    raise AssertionError("it was unpickled by Python, and its source would have run")


_reconstruct_persistent_obj.__module__ = "torch_utils.persistence"


class EasyDict(dict):
    __module__ = "dnnlib.util"


class Plain:
    """Object whose class is no persistent one."""


@contextmanager
def modules() -> Iterator[None]:
    """Context manager: modules of NVIDIA's that the names in a pickle lead to while it is written."""
    names = ("torch_utils", "torch_utils.persistence", "dnnlib", "dnnlib.util", "pg_modules", "pg_modules.blocks")
    made = {name: ModuleType(name) for name in names}
    made["pg_modules.blocks"].Block = Block
    made["torch_utils.persistence"]._reconstruct_persistent_obj = _reconstruct_persistent_obj
    made["dnnlib.util"].EasyDict = EasyDict
    with mock.patch.dict(sys.modules, made):
        yield


class Persistent:
    """Object of one of NVIDIA's persistent classes.

    Args:
        class_name: of the class.
        state: of the object.
        source: of its module, which the official loader executes.
    """

    def __init__(self, class_name: str, state: Any, source: str = HARMLESS) -> None:
        self.meta = {"type": "class", "version": 6, "module_src": source, "class_name": class_name, "state": state}

    def __reduce__(self) -> tuple[Any, ...]:
        return _reconstruct_persistent_obj, (self.meta,), None


def module(
    tensors: Mapping[str, Tensor],
    class_name: str = "Generator",
    buffers: tuple[str, ...] = ("w_avg", "resample_filter", "noise_const"),
    settings: Mapping[str, Any] | None = None,
    source: str = HARMLESS,
) -> Persistent:
    """A network of these tensors, a persistent object for each level of their names.

    Args:
        tensors: by their names.
        class_name: of the network.
        buffers: last parts of names that are no parameters.
        settings: other attributes, by the names of modules and theirs, such as `b4.mbstd.group_size`.
        source: of every class.
    """
    inner: dict[str, dict[str, Tensor]] = {}
    chosen: dict[str, dict[str, Any]] = {}
    here: dict[str, Any] = {"training": False, "lr": np.float64(2**0.5), "init_kwargs": EasyDict(a=1)}
    parameters: OrderedDict[str, Any] = OrderedDict()
    kept: OrderedDict[str, Any] = OrderedDict()
    for name, tensor in tensors.items():
        first, _, rest = name.partition(".")
        if rest:
            inner.setdefault(first, {})[rest] = tensor
        elif first in buffers:
            kept[first] = tensor
        else:
            parameters[first] = nn.Parameter(tensor, False) if isinstance(tensor, Tensor) else tensor
    for name, value in (settings or {}).items():
        first, _, rest = name.partition(".")
        if rest:
            inner.setdefault(first, {})
            chosen.setdefault(first, {})[rest] = value
        else:
            here[first] = value
    children = {name: module(part, "Layer", buffers, chosen.get(name), source) for name, part in inner.items()}
    here |= {"_parameters": parameters, "_buffers": kept, "_modules": OrderedDict(children)}
    here |= {"_non_persistent_buffers_set": set(), "_forward_hooks": OrderedDict(), "activation": nn.ReLU()}
    return Persistent(class_name, here, source)


class Block(nn.Module):
    """Module of a class that is no persistent one, as Projected GAN's discriminators have."""

    __module__ = "pg_modules.blocks"


def plain(tensors: Mapping[str, Tensor], settings: Mapping[str, Any] | None = None) -> Block:
    """A network of these tensors, a plain module for each level of their names, normalised as PyTorch's hooks do.

    Args:
        tensors: by their names.
        settings: its other attributes.
    """
    network = Block()
    vars(network).update(settings or {})
    inner: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        first, _, rest = name.partition(".")
        if rest:
            inner.setdefault(first, {})[rest] = tensor
        elif first in ("weight", "bias", "weight_orig"):
            network.register_parameter(first, nn.Parameter(tensor, False))
        else:
            network.register_buffer(first, tensor)
    for name, part in inner.items():
        network.add_module(name, plain(part))
    if "weight_orig" in tensors:
        hooked = nn.utils.spectral_norm(nn.Conv2d(1, 1, 1))
        for hooks in ("_forward_pre_hooks", "_state_dict_hooks", "_load_state_dict_pre_hooks"):
            setattr(network, hooks, getattr(hooked, hooks))
        network.weight = tensors["weight_orig"]  # what the hook leaves behind
    if "out_conv" in inner:
        network.skip_add = torch.ao.nn.quantized.FloatFunctional()
    return network


def pickled(snapshot: Any, protocol: int = 4) -> bytes:
    """The bytes of a snapshot, such as `{"G_ema": module(...)}`."""
    with modules():
        file = BytesIO()
        pickle.dump(snapshot, file, protocol)
    return file.getvalue()


def filled(tensors: Mapping[str, Tensor], shapes: Mapping[str, Any]) -> dict[str, Tensor]:
    """Tensors of a reference file, with those that it leaves out: filters of StyleGAN2's, which are fixed."""
    side = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return {name: tensors.get(name, side.outer(side) / 64) for name in shapes}
