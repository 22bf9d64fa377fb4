"""Reader of pickles that runs nothing of theirs: plain values, tensors, and the state of objects as records.

NVIDIA's training loops (stylegan2-ada-pytorch and what grew from it) pickle whole networks. Each is a call of
`torch_utils.persistence._reconstruct_persistent_obj` with the text of the network's source, which the official loader
executes, and its state. Here the pickle's instructions are followed by a machine of our own, which knows a list of
names and what stands for each; the text is dropped unread. `docs/trust.md` lists what was tried against it.
"""

import io
import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

OPERATIONS = 2_000_000  # of a pickle; a network of 1024 pixels takes some 10,000
MODULES = 20_000  # of a network, counted as often as they are reached
DEPTH = 64  # of modules inside one another
AXES = 8  # of a tensor
SPARE = 2**20  # bytes of tensors that a pickle may make beside its own length
SCALARS = (str, int, float, bool, bytes, type(None))
# Whose objects are kept as records, by the modules of their classes, none of which is imported.
CLASSES = (
    *("torch.nn.modules.", "torch.nn.utils.spectral_norm.", "torch.nn.quantized.", "torch.ao.nn.quantized."),
    *("torch_utils.", "dnnlib.", "training.", "R3GAN.", "pg_modules.", "timm."),
)
DICTS = ("collections.OrderedDict", "dnnlib.util.EasyDict")
NUMPY = {"f8": float, "f4": float, "i8": int, "i4": int, "b1": bool}


class Refused(ValueError):
    """A pickle that asks for what is not allowed, or makes no sense. One line."""


@dataclass(eq=False)
class Record:
    """State of an object that was pickled; nothing of its class but the name.

    Attributes:
        name: of the class.
        state: its attributes by their names.
    """

    name: str
    state: dict[Any, Any] = field(default_factory=dict)


class Name(NamedTuple):
    """Name of something that a pickle imports; it stays a name."""

    path: str


class Storage(NamedTuple):
    """Numbers of tensors."""

    numbers: torch.UntypedStorage
    dtype: torch.dtype


MARK = object()


def read_pickle(content: bytes) -> Any:
    """Returns what a pickle holds: plain values, tensors, and records of objects.

    Args:
        content: the pickle, whole.

    Raises:
        Refused: if it names anything that is not allowed, or is damaged, too long, or no pickle.
    """
    machine = Machine()
    try:
        for count, (operation, argument, _) in enumerate(pickletools.genops(io.BytesIO(content))):
            if count >= OPERATIONS:
                raise Refused(f"it takes more than {OPERATIONS:,} operations")
            if operation.name == "STOP":
                return machine.stack.pop()
            machine.run(operation.name, argument)
    except Refused:
        raise
    except Exception as error:  # whatever a damaged one makes of the stack
        raise Refused("it is damaged, or no pickle") from error
    raise Refused("it is cut off")


class Machine:
    """Stack machine that follows the instructions of a pickle, and keeps names as names.

    Attributes:
        stack: what has been made so far.
        memo: what the pickle refers back to, by its numbers.
    """

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, operation: str, argument: Any) -> None:
        """Follows an instruction, called as in `pickletools`.

        Raises:
            Refused: if it is not allowed.
        """
        stack = self.stack
        if operation in LITERALS:
            stack.append(argument)
        elif operation in CONSTANTS:
            stack.append(CONSTANTS[operation]())
        elif operation in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self.memo[int(argument)])
        elif operation in ("BINPUT", "LONG_BINPUT", "PUT"):
            self.memo[int(argument)] = stack[-1]
        elif operation == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif operation in TUPLES:
            count = TUPLES[operation]
            stack[-count:] = [tuple(stack[-count:])]
        elif operation in GATHERED:
            stack.append(GATHERED[operation](self.since_mark()))
        elif operation in FILLED:
            values = self.since_mark() if FILLED[operation] else [stack.pop()]
            if operation == "SETITEM":
                values.insert(0, stack.pop())
            fill(stack[-1], values)
        elif operation in ("GLOBAL", "STACK_GLOBAL"):
            module, name = argument.split(" ", 1) if argument is not None else (stack[-2], stack[-1])
            del stack[len(stack) - 2 * (argument is None) :]
            stack.append(allowed(f"{module}.{name}"))
        elif operation in ("REDUCE", "NEWOBJ"):
            arguments, name = stack.pop(), stack.pop()
            stack.append(call(name, arguments) if operation == "REDUCE" else make(name))
        elif operation == "BUILD":
            state = stack.pop()
            build(stack[-1], state)
        elif operation == "POP":
            stack.pop()
        elif operation == "POP_MARK":
            self.since_mark()
        elif operation not in ("PROTO", "FRAME"):
            raise Refused(f"it holds the instruction {operation}, which no pickle of networks needs")

    def since_mark(self) -> list[Any]:
        """Takes what lies above the last mark from the stack, and the mark."""
        place = max(i for i, value in enumerate(self.stack) if value is MARK)
        values = self.stack[place + 1 :]
        del self.stack[place:]
        return values


LITERALS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8"),
}
CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
    "EMPTY_TUPLE": tuple,
    "MARK": lambda: MARK,
}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
GATHERED: dict[str, Callable[[list[Any]], Any]] = {
    "TUPLE": tuple,
    "LIST": list,
    "DICT": lambda values: fill({}, values),
    "FROZENSET": lambda values: fill(set(), values),
}
FILLED = {"APPEND": False, "SETITEM": False, "APPENDS": True, "SETITEMS": True, "ADDITEMS": True}  # from a mark on


def fill(into: Any, values: list[Any]) -> Any:
    """Adds values to a list or a set, or keys and values in turn to a dictionary, and returns it."""
    if isinstance(into, list):
        into.extend(values)
        return into
    if not isinstance(into, dict | set):
        raise Refused("it fills what is no list, set or dictionary")
    keys = values[::2] if isinstance(into, dict) else values
    # Python takes for ever for hashes of nested tuples, and for large numbers that are chosen to collide
    if not all(isinstance(key, str | bytes | None) or (isinstance(key, int) and abs(key) < 2**31) for key in keys):
        raise Refused("it has a key that is neither a word nor a small number")
    into.update(zip(keys, values[1::2], strict=True) if isinstance(into, dict) else keys)
    return into


def allowed(path: str) -> Name:
    """Returns a name of the list, or one of a class whose objects are kept as records.

    Raises:
        Refused: if it is another.
    """
    if path not in CALLS and path not in DICTS and path not in DTYPES and not path.startswith(CLASSES):
        raise Refused(f"it names {path}, which is not on the list of what a pickle of networks needs")
    return Name(path)


def make(name: Any) -> Any:
    """Returns an empty record of an object of a class, or a dictionary."""
    if not isinstance(name, Name) or name.path in CALLS:
        raise Refused("it makes an object of what is no class")
    return {} if name.path in DICTS else Record(name.path)


def build(instance: Any, state: Any) -> None:
    """Gives a record its state."""
    if isinstance(instance, dict) and not state:
        return  # a dictionary's own attributes
    if not isinstance(instance, Record) or not isinstance(state, dict | tuple):
        raise Refused("it gives a state to what is no object")
    instance.state = state if isinstance(state, dict) else {"state": state}


def call(name: Any, arguments: Any) -> Any:
    """Returns what stands for a call of a function of the list.

    Raises:
        Refused: if it is not on the list, or its arguments make no sense.
    """
    if not isinstance(name, Name) or not isinstance(arguments, tuple):
        raise Refused("it calls what is no function")
    if name.path in DICTS:
        return fill({}, [value for pairs in arguments for pair in pairs for value in pair])
    if name.path not in CALLS:
        raise Refused(f"it calls {name.path}, which is not on the list of what a pickle of networks needs")
    return CALLS[name.path](*arguments)


def persistent(meta: dict[str, Any]) -> Record:
    """Returns the record of a network; its source is not looked at."""
    if meta["type"] != "class" or not isinstance(meta["state"], dict):
        raise Refused(f"it holds a {meta['type']} of NVIDIA's where networks have classes")
    return Record(str(meta["class_name"]), meta["state"])


def storage(content: bytes) -> Storage:
    """Returns a nested storage, read with PyTorch's `weights_only`."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of what is refused anyway
            read = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        numbers = read._untyped_storage
    except Exception as error:  # of a pickle in its place, and of a damaged one
        raise Refused("it holds a storage that PyTorch does not read with weights_only") from error
    if numbers.nbytes() > len(content):
        raise Refused("it holds a storage that is larger than its bytes")
    return Storage(numbers, read.dtype)


def tensor(numbers: Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Tensor:
    """Returns a tensor that lies in a storage, no larger than that."""
    whole = torch.empty(0, dtype=numbers.dtype).set_(numbers.numbers)
    if len(size) > AXES or max((offset, *size, *stride)) >= 2**63:
        raise Refused("it holds a tensor of more axes or numbers than there can be")
    count = 1
    for length in size:
        count *= length
    last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    if min((offset, *size, *stride)) < 0 or count > whole.numel() or (count and last >= whole.numel()):
        raise Refused(f"it holds a tensor {tuple(size)} that its storage of {whole.numel():,} numbers does not hold")
    return whole.as_strided(size, stride, offset) if count else whole.new_empty(size)


def number(dtype: Record, content: bytes) -> Any:
    """Returns a number of NumPy's as Python's."""
    import numpy as np

    code = dtype.name.removeprefix("numpy ")
    return NUMPY[code](np.frombuffer(content, f"<{code}")[0])


CALLS: dict[str, Callable[..., Any]] = {
    "torch_utils.persistence._reconstruct_persistent_obj": persistent,
    "torch._utils._rebuild_tensor_v2": tensor,
    "torch._utils._rebuild_parameter": lambda data, *_: data,
    "torch.storage._load_from_bytes": storage,
    "numpy.core.multiarray.scalar": number,
    "numpy._core.multiarray.scalar": number,
    "numpy.dtype": lambda code, *_: Record(f"numpy {code}"),
    "torch.Size": lambda sizes: tuple(sizes),
    "torch.device": lambda *_: None,
    "__builtin__.set": lambda values=(): fill(set(), [*values]),
    "builtins.set": lambda values=(): fill(set(), [*values]),
    "_codecs.encode": lambda text, _: text.encode("latin-1"),  # bytes before protocol 3
}
DTYPES = {f"torch.{name}" for name in ("float64", "float32", "float16", "bfloat16", "int64", "int32", "uint8", "bool")}


def module_tensors(module: Record, limit: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Returns a network's parameters and buffers by their names, as its `state_dict` would, and its plain settings.

    Args:
        module: the record of the network.
        limit: bytes that its tensors may take together.

    Returns:
        The tensors, and other attributes of its modules that are words or numbers, such as `b4.mbstd.group_size`.

    Raises:
        Refused: if it is no network, or repeats itself without end.
    """
    tensors: dict[str, Tensor] = {}
    settings: dict[str, Any] = {}
    todo, seen, taken = [("", module, 0)], 0, 0
    while todo:
        prefix, one, depth = todo.pop()
        seen += 1
        if seen > MODULES or depth > DEPTH:
            raise Refused(f"it has more than {MODULES:,} modules, or more than {DEPTH} inside one another")
        parts = {name: one.state.get(name, {}) for name in ("_parameters", "_buffers", "_modules")}
        if not all(isinstance(part, dict) and all(isinstance(key, str) for key in part) for part in parts.values()):
            raise Refused("it holds a module whose parts have no names")
        unkept = one.state.get("_non_persistent_buffers_set", set())
        for name, value in {**parts["_parameters"], **parts["_buffers"]}.items():
            if isinstance(value, Tensor) and name not in unkept:
                tensors[f"{prefix}{name}"] = value
                taken += value.numel() * value.element_size()
        if taken > limit:
            raise Refused("it has more numbers than the file holds")
        settings |= {f"{prefix}{name}": value for name, value in one.state.items() if isinstance(value, SCALARS)}
        inner = [(name, child) for name, child in parts["_modules"].items() if isinstance(child, Record)]
        todo += [(f"{prefix}{name}.", child, depth + 1) for name, child in reversed(inner)]
    return tensors, settings
