"""Lists on the command line and in recipes: one value is a list of one, and brackets are not needed."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentError


def as_list(values: Any) -> list[Any]:
    """Returns a list as it is, nothing as an empty one, and anything else as a list of one."""
    return [*values] if isinstance(values, list | tuple) else [] if values is None else [values]


def parse_with_lists(parser: Any, words: Sequence[str], **options: Any) -> Any:
    """Parses a command line, `--quality.metrics fid` and `--quality.metrics fid,is` included, in a recipe's file, too.

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
    """Returns a command line with brackets around the values of which a parser says that they are no list.

    Args:
        words: the arguments; a file that has to be corrected is replaced by its text, which parsers take as well.
        error: the parser's complaint.
        tried: fields that have been corrected before; this one is added.

    Returns:
        The arguments to try next; None where it complains of something else.
    """
    text = " ".join(str(error).split())
    field = ".".join(key for key, _ in groupby(re.findall(r'Parser key "([^"]+)"', text)))
    if not re.search(r"Expected (a )?<class '(list|tuple)'>", text) or field in tried:
        return None
    tried.add(field)
    corrected: list[str] = []
    waiting = iter(words)
    for word in waiting:
        flag, equals, value = word.partition("=")
        listed = _listing(flag, field)
        if listed is None:
            corrected.append(word)
        elif equals:
            corrected.append(f"{flag}={listed(value)}")
        else:
            corrected += [word, *(listed(value) for value in islice(waiting, 1))]
    return corrected if corrected != [*words] else None


def _listing(flag: str, field: str) -> Callable[[str], str] | None:
    """Returns what makes a list of the value that a flag gives to a field; None for a flag that gives it none."""
    if flag == "--config":
        return partial(_with_list_in, keys=field.split("."))
    return _in_brackets if flag.removeprefix("--").replace("init_args.", "") == field else None


def _in_brackets(value: str) -> str:
    return value if value.startswith("[") or value == "null" else f"[{value}]"


def _with_list_in(recipe: str, keys: Sequence[str]) -> str:
    """Returns a recipe's text, in which a field's value is a list; the recipe as it was, if there is nothing to do.

    Args:
        recipe: its file, or its text.
        keys: the names that lead to the value, without the `init_args` of classes.
    """
    try:
        text = Path(recipe).read_text(encoding="utf-8")
    except OSError:  # no file, or a text that is too long for the name of one
        text = recipe
    try:
        root = node = yaml.compose(text, yaml.SafeLoader)
        for key in keys:
            place = _find(node, key)
            if place is None:
                return recipe
            owner, index = place
            name, node = owner.value[index]
        if node is None or isinstance(node, yaml.SequenceNode) or node.tag == "tag:yaml.org,2002:null":
            return recipe
        if isinstance(node, yaml.ScalarNode) and node.style is None:  # `fid, is`, too
            listed = yaml.compose(f"[{node.value}]", yaml.SafeLoader)
        else:
            listed = yaml.SequenceNode("tag:yaml.org,2002:seq", [node])
        owner.value[index] = (name, listed)
        return yaml.serialize(root, Dumper=yaml.SafeDumper)
    except yaml.YAMLError:  # of which the parser complains
        return recipe


def _find(node: yaml.Node | None, key: str) -> tuple[yaml.MappingNode, int] | None:
    """Returns the mapping that holds a key, a section or the arguments of its class, and its place there."""
    if not isinstance(node, yaml.MappingNode):
        return None
    names = [name.value for name, _ in node.value]
    if key in names:
        return node, names.index(key)
    return _find(node.value[names.index("init_args")][1], key) if "init_args" in names else None
