"""Checks of a stranger's recipe: plain words, trusted classes, and a model no larger than its weights file.

`docs/trust.md` lists what was tried against it.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from ganzoo.common.errors import GanzooError

TRUSTED = ("ganzoo.", "torch.nn.", "torch.optim.")
# The parser may take any other string for YAML, or for a file with YAML.
PLAIN = re.compile(r"([\w., ]|(?<=\w)-(?=\w))*", re.ASCII)
KEY = re.compile(r"[\w-]+", re.ASCII)

# A resolved recipe has about a hundred values in 2 kB, nested eight deep; a card's metadata fewer.
LONGEST_FILE = 2**20  # bytes
LONGEST_YAML = 2**16  # characters
VALUES = 10_000
DEPTH = 40

# A model also has numbers that are not published: averages, which double it, and what only training needs.
TIMES = 4
SPARE = 2**26
OPERATIONS = 100  # that may go into making a tensor, on the average; spectral norm's power iteration takes 66


def read_text(file: Path) -> str:
    """Returns the text of a recipe's or a card's file.

    Raises:
        GanzooError: if it is no UTF-8, or too long to be one.
    """
    return read_hashed(file)[0]


def read_hashed(file: Path) -> tuple[str, str]:
    """Returns the text of a recipe's or a card's file, its lines ended by a line feed alone, and its content's sha256.

    Raises:
        GanzooError: if it is no UTF-8, or too long to be one.
    """
    if file.stat().st_size > LONGEST_FILE:
        raise GanzooError(f"'{file}' is longer than the {LONGEST_FILE:,} bytes that a recipe or a card may have.")
    content = file.read_bytes()
    try:
        return content.decode("utf-8").replace("\r\n", "\n"), hashlib.sha256(content).hexdigest()
    except UnicodeDecodeError as error:
        raise GanzooError(f"'{file}' is not UTF-8 text.") from error


def parse_yaml(text: str) -> Any:
    """Returns parsed YAML that may have been made to explode: aliases multiply, and nesting overflows what walks it.

    Raises:
        ValueError: if it is no plain YAML, or too large or deep once it is expanded. One line.
    """
    if len(text) > LONGEST_YAML:
        raise ValueError(f"it has more than {LONGEST_YAML:,} characters")
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()  # an alias is the very node that it repeats, so this is no larger than the text
        small = _is_small(root)
        parsed = loader.construct_document(root) if small and root is not None else None
    except Exception as error:  # YAMLError, RecursionError, and what dates and numbers that are none raise
        raise ValueError("it is no plain YAML") from error
    if not small:
        raise ValueError(f"it has more than {VALUES:,} values, or more than {DEPTH} inside one another")
    return parsed


def _is_small(root: yaml.Node | None) -> bool:
    """Whether a document is no larger and deeper than allowed once its aliases are expanded."""
    todo, seen = [(root, 0)], 0
    while todo:
        node, depth = todo.pop()
        seen += 1
        if seen > VALUES or depth > DEPTH:
            return False
        inner = node.value if isinstance(node, yaml.SequenceNode | yaml.MappingNode) else []
        todo += [(n, depth + 1) for entry in inner for n in (entry if isinstance(entry, tuple) else (entry,))]
    return True


def require_all_trusted(value: Any, source: Path) -> None:
    """Raises GanzooError if anything in a nested structure is an import path that is not trusted, or could hide one."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str) or not KEY.fullmatch(key):  # the parser's complaints are parsed for names
                raise GanzooError(f"'{source}': {key!r} is no name of an argument.")
        if "class_path" in value:
            require_trusted(str(value["class_path"]), source)
        value = list(value.values())
    if isinstance(value, list | tuple):
        for inner in value:
            require_all_trusted(inner, source)
    elif isinstance(value, str):
        if not PLAIN.fullmatch(value):
            raise GanzooError(
                f"'{source}': {value!r} is no plain word; pass trust_remote_code=True only if you trust its author."
            )
        for word in value.replace(",", " ").split():
            if "." in word:
                require_trusted(word, source)
    elif isinstance(value, type):  # the parser's, for a short name
        require_trusted(f"{value.__module__}.{value.__qualname__}", source)
    elif not isinstance(value, int | float | None):
        raise GanzooError(f"'{source}': {value!r} is neither a word nor a number.")


def require_trusted(name: str, source: Path) -> None:
    """Raises GanzooError unless an import path leads to a network or optimizer class of ganzoo or PyTorch.

    A class that a module of theirs has merely imported is none.
    """
    module, _, attribute = name.rpartition(".")
    trusted_class: Any = None
    if name.startswith(TRUSTED):
        try:
            trusted_class = getattr(import_module(module), attribute)
        except (ImportError, AttributeError):
            trusted_class = None
    if not (
        isinstance(trusted_class, type)
        and issubclass(trusted_class, nn.Module | torch.optim.Optimizer)
        and trusted_class.__module__.startswith(TRUSTED)
    ):
        raise GanzooError(
            f"'{source}' names {name}, which is no network or optimizer of ganzoo, torch.nn or torch.optim; "
            "pass trust_remote_code=True only if you trust its author."
        )


class Budget(TorchDispatchMode):
    """Limit on the size of a model that a constructor makes: not much larger than its weights file.

    Args:
        weights: the tensors of the weights file; only their sizes count.
        source: the recipe, for the message.
    """

    def __init__(self, weights: Mapping[str, Tensor], source: Path) -> None:
        super().__init__()
        self.source, self.tensors = source, len(weights)
        self.held = sum(tensor.numel() for tensor in weights.values())
        self.numbers, self.operations = 0, OPERATIONS * (self.tensors + 100)

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Counts a call before it is made, and the numbers that it would make: of new tensors, and of copies.

        Raises:
            GanzooError: if these are too many.
        """
        kwargs = kwargs or {}
        self.operations -= 1
        self.numbers += new_numbers(function, args, kwargs)
        if self.numbers > TIMES * self.held + SPARE:
            raise GanzooError(
                f"'{self.source}' describes a model of at least {self.numbers:,} numbers, but its weights file holds "
                f"{self.held:,}."
            )
        if self.operations < 0:
            raise GanzooError(
                f"'{self.source}' describes a model of far more parts than the {self.tensors:,} tensors of its weights "
                "file."
            )
        return function(*args, **kwargs)


def new_numbers(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """Returns how many numbers a call of one of PyTorch's operators would make memory for, which this does not."""
    if function is torch.ops.aten.set_.source_Storage_storage_offset:  # a buffer's copy: its memory had no call
        return int(args[1].nbytes()) // args[0].element_size()
    if all(result.alias_info is not None for result in function._schema.returns):
        return 0  # a view, or in place
    sized: dict[str, Any] = {"device": torch.device("meta"), "generator": None}
    options = {argument.name for argument in function._schema.arguments} & sized.keys()
    args, kwargs = tree_map_only(Tensor, lambda tensor: tensor.to("meta"), (tuple(args), dict(kwargs)))
    with suppress(Exception):  # what depends on values is no larger than they are; what is impossible fails when called
        results = function(*args, **{**kwargs, **{name: sized[name] for name in options}})
        return sum(tensor.numel() for tensor in tree_leaves(results) if isinstance(tensor, Tensor))
    return 0
