"""Parameters of typed functions, as command lines take them. Imports nothing heavy."""

import inspect
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Union, get_args, get_origin


class Parameter(NamedTuple):
    """A parameter of a function, as a command line takes it."""

    name: str
    type: Any  # of one word
    several: bool  # whether it takes several words
    default: Any  # `inspect.Parameter.empty` where it has to be given
    positional: bool


def parameters(function: Callable[..., Any]) -> Iterator[Parameter]:
    """Yields the parameters of a function; those that may be given by position are positional on a command line, too.

    Args:
        function: with a type hint for every parameter.
    """
    for name, parameter in inspect.signature(function).parameters.items():
        kind, several = _of_one_word(parameter.annotation)
        keyword = parameter.kind is parameter.KEYWORD_ONLY
        yield Parameter(name, kind, several, parameter.default, not keyword)


def _of_one_word(hint: Any) -> tuple[Any, bool]:
    """Returns the type of a word, and whether there may be several: `Sequence[int] | None` is of `int`, several."""
    options = [one for one in get_args(hint) if one is not types.NoneType]
    if get_origin(hint) in (Union, types.UnionType) and len(options) == 1:
        return _of_one_word(options[0])
    if get_origin(hint) is Sequence:
        return get_args(hint)[0], True
    return hint, False
