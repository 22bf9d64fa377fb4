"""Command lines parsed by the signatures of the functions that they call. Imports nothing heavy."""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ganzoo.common.parameters import Parameter, parameters


def command_arguments(function: Callable[..., Any], prog: str, words: Sequence[str]) -> dict[str, Any]:
    """Returns the arguments with which a command's words call its function.

    Args:
        function: what the command runs; its docstring, in Google's style, is the help.
        prog: the words that run it, such as `ganzoo sample`.
        words: what follows that.

    Raises:
        GanzooError: if they do not fit.
        SystemExit: if they ask for help, which is printed then.
    """
    values = _without_options([*parameters(function)], words)
    if values is None:
        from ganzoo.common.function_parser import make_parser  # takes jsonargparse, and with it a tenth of a second

        values = make_parser(function, prog).parse_args([*words]).as_dict()
    return {one.name: values[one.name] for one in parameters(function) if one.name in values}


def _without_options(taken: Sequence[Parameter], words: Sequence[str]) -> dict[str, Any] | None:
    """Returns the arguments that words without any option make; None where it takes a parser to tell."""
    positional = [one for one in taken if one.positional]
    required = [one for one in taken if one.default is inspect.Parameter.empty]
    plain = len(positional) == 1 and positional[0].type in (str, Path) and set(required) <= set(positional)
    if not plain or any(word.startswith("-") for word in words):
        return None
    (one,) = positional
    if len(words) == 1 or (one.several and words):
        return {one.name: [*map(one.type, words)] if one.several else one.type(words[0])}
    return {} if not words and not required else None
