"""Arguments of a recipe that follow the data: what networks are made for, and what a recipe says of its own pictures.

A command line is followed by further words at its end, so that the resolved recipe states all of it and whoever loads
that needs no data. What somebody states, in a recipe or in an option, is left as it is.
"""

import inspect
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jsonargparse import ArgumentParser, Namespace
from lightning.pytorch.utilities import rank_zero_only

from ganzoo.dataspec import DataSpec
from ganzoo.errors import GanzooError
from ganzoo.lists import parse
from ganzoo.messages import import_class
from ganzoo.provenance import WORDS, dropped, layers

log = logging.getLogger(__name__)

OWN = (*WORDS, "channels")  # what a recipe says of its own pictures
JUDGES = ("features", "metrics", "monitor")  # of its scores, chosen for its data
PRINTING = "--print_config"
PROBE = DataSpec((1, 1, 1), (1, 1, 1), 1)  # of any data: is there anything to ask of them?
REQUIRED = inspect.Parameter.empty
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Following:
    """The words that complete a command line, and the data that they were asked of.

    Args:
        parser: the command's parser.
        words: the command line: a subcommand or none, `--config FILE` and options.

    Attributes:
        words: what to parse after the command line.
        datamodule: the data, inspected; None where nothing had to be asked of them.

    Raises:
        GanzooError: if the data is missing or damaged, or has no classes where a network needs some.
        jsonargparse.ArgumentError: if the command line does not fit.
    """

    def __init__(self, parser: ArgumentParser, words: Sequence[str]) -> None:
        self.words: list[str] = []
        self.datamodule: Any = None
        printing = any(word.startswith(PRINTING) for word in words)
        given = stated(parser, [word for word in words if not word.startswith(PRINTING)])
        if not (_is_class(given.get("model")) and _is_class(given.get("data"))):
            return  # the parser says what is missing
        try:
            self._complete(given, words)
        except GanzooError:
            if not printing:  # a recipe can be shown where there is no data
                raise

    def _complete(self, given: Namespace, words: Sequence[str]) -> None:
        kind = import_class(given["data"]["class_path"])
        known, kin = parameters(kind), [base.__name__ for base in getattr(kind, "__mro__", [])]
        history = layers(words)
        foreign = {*dropped(history, "data", OWN), *dropped(history, "data", ["root"], kin)}
        defaults = {name: default for name, default in known.items() if name in foreign}
        arguments = _stated(given["data"]) | defaults
        self._follow_with("data.init_args", defaults)
        judges = dropped(history, "quality", JUDGES, kin)
        if "features" in judges:
            self._follow_with("quality", dict.fromkeys(judges))
            told = f"{', '.join(judges)}: the recipe's are for its own data and left out here"
            rank_zero_only(log.warning)(f"quality.{told}; --quality.features NAME chooses others.")
        if not [*of_networks(given["model"], PROBE)]:
            return
        from ganzoo.reports import make_datamodule  # not above: what it imports takes its time

        self.datamodule = make_datamodule({"data": {"class_path": given["data"]["class_path"], "init_args": arguments}})
        getattr(self.datamodule, "inspect", lambda: None)()
        spec = DataSpec.of(self.datamodule)
        looked_up = {name: value for name, value in spec.arguments().items() if known.get(name, REQUIRED) is None}
        self._follow_with("data.init_args", {n: v for n, v in looked_up.items() if arguments.get(n) is None})
        self._follow_with("model", dict(of_networks(given["model"], spec)))

    def _follow_with(self, section: str, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            text = value if isinstance(value, str) else json.dumps(value)
            self.words.append(f"--{section}.{name}={text}")


def stated(parser: ArgumentParser, words: Sequence[str]) -> Namespace:
    """Returns what a command line states, its recipes' words included, without any default.

    Raises:
        jsonargparse.ArgumentError: if it does not fit.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the parser will say it again
        config = parse(parser, words, defaults=False, _skip_validation=True)
    return config[config["subcommand"]] if "subcommand" in config else config


def of_networks(node: Namespace, spec: DataSpec, name: str = "model") -> Iterator[tuple[str, Any]]:
    """Yields (name, value) of what a class and those inside take from the data; see `ganzoo.dataspec`.

    Args:
        node: `class_path` and `init_args` as they are stated.
        spec: what it meets.
        name: what it is called in the recipe, for messages.

    Raises:
        GanzooError: if it needs classes and there are none.
    """
    kind = import_class(node["class_path"])
    known, given = parameters(kind), _stated(node)
    own: dict[str, Any] = kind.follow(spec, given) if hasattr(kind, "follow") else {}
    values = spec.arguments() | {key: value for key, value in own.items() if not isinstance(value, DataSpec)}
    if spec.shape and "n_classes" in known and (spec.conditional or known["n_classes"] not in (0, None)):
        values = {"n_classes": spec.n_classes} | values
    for key, value in values.items():
        if key not in known or key in given:
            continue
        if key == "n_classes" and not value:
            told = f"{kind.__name__} takes labels, but the data has none"
            hint = "Put the pictures of each class into a folder of its own, or choose a recipe without classes."
            raise GanzooError(f"{name}.n_classes: {told}. {hint}")
        yield f"init_args.{key}", value
    for key, value in (node.get("init_args") or Namespace()).items(branches=True, nested=False):
        meets = own[key] if isinstance(own.get(key), DataSpec) else spec
        inner = f"{name}.{key}"
        if _is_class(value):
            yield from ((f"init_args.{key}.{rest}", found) for rest, found in of_networks(value, meets, inner))
        elif isinstance(value, list) and any(_is_class(item) for item in value):
            whole = [_completed(item, meets, inner) if _is_class(item) else item for item in value]
            if whole != [item.as_dict() if isinstance(item, Namespace) else item for item in value]:
                yield f"init_args.{key}", whole  # the items of a list have no names


def _completed(node: Namespace, spec: DataSpec, name: str) -> dict[str, Any]:
    node = node.clone()
    for key, value in [*of_networks(node, spec, name)]:
        node[key] = value
    return node.as_dict()


def parameters(kind: Any) -> dict[str, Any]:
    """Returns the arguments of a class or function and their defaults, those that it passes on to its bases included.

    One without a default has `REQUIRED`.
    """
    found: dict[str, Any] = {}
    for call in (
        [base.__init__ for base in kind.__mro__ if "__init__" in vars(base)] if inspect.isclass(kind) else [kind]
    ):
        signature = inspect.signature(call).parameters
        found = {name: each.default for name, each in signature.items() if each.kind in NAMED} | found
        if not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in signature.values()):
            break
    found.pop("self", None)
    return found


def _is_class(value: Any) -> bool:
    return isinstance(value, Namespace) and "class_path" in value


def _stated(node: Namespace) -> dict[str, Any]:
    return (node.get("init_args") or Namespace()).as_dict()
