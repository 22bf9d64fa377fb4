"""Replacement of a recipe's model by another class, `--model my_package.MyGAN`, which keeps the recipe's networks."""

import json
import re
from collections.abc import Sequence
from typing import Any

from jsonargparse import Namespace

from ganzoo.common.parser_errors import import_class
from ganzoo.training.follow_data import argument_defaults, stated

PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")  # not a description in YAML or JSON


def with_networks(parser: Any, words: Sequence[str]) -> list[str]:
    """Returns a command line on which a class that takes the model's place is followed by the networks that it takes.

    The parser would drop what does not fit the new class, and with it networks that follow the data: what these take
    from there is not stated yet.

    Args:
        parser: the command's parser.
        words: the command line: a subcommand or none, `--config FILE` and options.
    """
    words = list(words)
    for place, word in enumerate(words):
        flag, equals, path = word.partition("=")
        if flag not in {"--model", "--model.class_path"} or not (equals or words[place + 1 :]):
            continue
        path = path if equals else words[place + 1]
        networks = _networks(parser, words[:place], path) if PATH.fullmatch(path) else {}
        if networks:
            described = json.dumps({"class_path": path, "init_args": networks})
            words[place : place + (1 if equals else 2)] = [f"--model={described}"]
    return words


def _networks(parser: Any, words: Sequence[str], path: str) -> dict[str, Any]:
    """Returns the networks that were stated so far and that a class takes; none if it cannot be imported."""
    try:
        taken = argument_defaults(import_class(path))
    except (ImportError, AttributeError):  # of which the parser will complain
        return {}
    model = stated(parser, words).get("model")
    stated_so_far = (model.get("init_args") if isinstance(model, Namespace) else None) or Namespace()
    values = dict(stated_so_far.items(branches=True, nested=False))
    return {
        name: value.as_dict()
        for name, value in values.items()
        if name in taken and isinstance(value, Namespace) and "class_path" in value
    }
