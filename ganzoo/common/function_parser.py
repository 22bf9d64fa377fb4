"""Parsers of commands, made by jsonargparse from the signatures and docstrings of their functions."""

import inspect
import textwrap
from collections.abc import Callable
from typing import Any, Literal, NoReturn, get_args, get_origin

from docstring_parser import parse
from jsonargparse import ArgumentParser

from ganzoo.common.errors import GanzooError, nearest
from ganzoo.common.help_format import Formatter, help_width
from ganzoo.common.parameters import Parameter, parameters
from ganzoo.common.parser_errors import explain

SHORT = {"out": "-o", "message": "-m"}  # options that also have one letter
ALIASES = {"licence": "--license"}


class FunctionParser(ArgumentParser):
    """jsonargparse with one-line errors that name the nearest right word."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raises an error that says what is wrong in one line.

        Raises:
            GanzooError: always.
        """
        options = [*self._option_string_actions]
        unknown = message.partition("nrecognized arguments: ")[2]
        if unknown:
            word = unknown.partition(" ")[0].partition("=")[0]
            hint = nearest(word, options) if word.startswith("--") else ""
            text = f"unrecognized arguments: {unknown}.{hint}"
        else:
            text = explain(ex or Exception(message), [option.lstrip("-") for option in options]).rstrip(".") + "."
            name, colon, _ = text.partition(":")
            flag = f"--{name.replace('_', '-')}" if len(name) > 1 else f"-{name}"
            text = flag + text.removeprefix(name) if colon and flag in options else text
            opening, required, names = text.partition("required: ")
            flags = [f"--{one}" if f"--{one}" in options else one for one in names.rstrip(".").split(", ")]
            text = f"{opening}{required}{', '.join(flags)}." if required else text
        raise GanzooError(f"{text} `{self.prog} --help` shows what there is.")


def make_parser(function: Callable[..., Any], prog: str) -> FunctionParser:
    """Returns the parser of a command.

    Args:
        function: what it runs, with a type hint for every parameter and a Google-style docstring.
        prog: the words that run it, such as `ganzoo sample`.
    """
    about = parse(function.__doc__ or "")
    texts = {one.arg_name: one.description or "" for one in about.params}
    paragraphs = [about.short_description or "", *(about.long_description or "").split("\n\n")]
    description = "\n\n".join(textwrap.fill(" ".join(part.split()), help_width()) for part in paragraphs if part)
    parser = FunctionParser(prog=prog, description=description, formatter_class=Formatter)
    for one in parameters(function):
        settings: dict[str, Any] = {"help": _help(one, texts.get(one.name, "")), "type": one.type}
        settings["metavar"] = one.name.upper().removesuffix("S")
        required = one.default is inspect.Parameter.empty
        if one.several:
            settings["nargs"] = "+" if required or one.default is None else "*"
            if not one.positional and not (one.default or required):
                settings["action"] = "extend"  # an option that is repeated adds to its earlier values
                settings |= _of_argparse(one.type)
        if not required:
            settings["default"] = [*one.default] if isinstance(one.default, tuple) else one.default
        if one.positional:
            if not required and not one.several:
                settings["nargs"] = "?"
            parser.add_argument(one.name, **settings)
            continue
        if one.type is bool:
            del settings["type"], settings["metavar"]
            settings["action"] = "store_true"
        parser.add_argument(*_flags(one.name), **settings, **({"required": True} if required else {}))
    return parser


def _of_argparse(kind: Any) -> dict[str, Any]:
    """Returns the settings of a word's type for `extend`, which is argparse's and needs a callable."""
    if get_origin(kind) is Literal:
        return {"type": type(get_args(kind)[0]), "choices": get_args(kind)}
    return {"type": kind if isinstance(kind, type) else str}


def _help(one: Parameter, text: str) -> str:
    """Returns the docstring's text of a parameter, with the default behind it."""
    text = " ".join(text.split()).rstrip(".").replace("%", "%%")
    value = " ".join(map(str, one.default)) if isinstance(one.default, tuple) else one.default
    shown = value is not None and value is not False and value not in ("", inspect.Parameter.empty)
    return f"{text} ({value:g})" if shown and isinstance(value, float) else f"{text} ({value})" if shown else text


def _flags(name: str) -> list[str]:
    """Returns the options of a parameter: `-o` and `--out`."""
    flag = f"--{name.replace('_', '-')}" if len(name) > 1 else f"-{name}"
    return [*filter(None, [SHORT.get(name)]), flag, *filter(None, [ALIASES.get(name)])]
