"""Options that take lists: one value is a list of one, and brackets are not needed."""

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from jsonargparse import ArgumentError


def as_list(values: Any) -> list[Any]:
    """Returns a list as it is, nothing as an empty one, and anything else as a list of one."""
    return [*values] if isinstance(values, list | tuple) else [] if values is None else [values]


def parse_with_lists(parser: Any, words: Sequence[str], **options: Any) -> Any:
    """Parses a command line, `--quality.metrics fid` and `--quality.metrics fid,is` included.

    Args:
        parser: jsonargparse's.
        words: the arguments.
        **options: how `parse_args` is to take them.

    Raises:
        ArgumentError: for what does not fit even so.
    """
    tried: set[str] = set()
    while True:
        try:
            return parser.parse_args([*words], **options)
        except ArgumentError as error:
            corrected = bracketed(words, error, tried)
            if corrected is None:
                raise
            words = corrected


def bracketed(words: Sequence[str], error: ArgumentError, tried: set[str]) -> list[str] | None:
    """Returns a command line with brackets around the value of the option of which a parser says that it is no list.

    Args:
        words: the arguments.
        error: the parser's complaint.
        tried: fields that have been corrected before; this one is added.

    Returns:
        The arguments to try next; None where it complains of something else.
    """
    text = " ".join(str(error).split())
    field = ".".join(key for key, _ in groupby(re.findall(r'Parser key "([^"]+)"', text)))
    if not re.search(r"Expected a <class '(list|tuple)'>", text) or field in tried:
        return None
    tried.add(field)
    for place, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag.removeprefix("--").replace("init_args.", "") != field:
            continue
        if equals:
            return [*words[:place], f"{flag}=[{value}]", *words[place + 1 :]]
        if place + 1 < len(words):
            return [*words[: place + 1], f"[{words[place + 1]}]", *words[place + 2 :]]
    return None
