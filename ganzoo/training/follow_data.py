"""Arguments of a recipe that follow the data: shapes and classes of networks, and titles of the user's own pictures.

A command line is followed by further words at its end, so that the resolved recipe states all of it and whoever loads
that needs no data. What somebody states, in a recipe or in an option, is left as it is.
"""

import inspect
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jsonargparse import ArgumentParser, Namespace

from ganzoo.common.data_spec import UNLABELLED, DataSpec
from ganzoo.common.errors import GanzooError
from ganzoo.common.parser_errors import import_class
from ganzoo.common.signatures import describe_class
from ganzoo.training.list_options import parse_with_lists
from ganzoo.training.provenance import WORDS, dropped, layers

OWN = (*WORDS, "channels")  # what a recipe says of its own pictures
JUDGES = ("features", "metrics", "monitor")  # of its scores, chosen for its data
PRINTING = "--print_config"
PROBE = DataSpec.probe()  # of any data: is there anything to ask of them?
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
        remark: what was left out of the recipe, for people; empty if nothing that they would miss.

    Raises:
        GanzooError: if the data is missing or damaged, or has no classes where a network needs some.
        jsonargparse.ArgumentError: if the command line does not fit.
    """

    def __init__(self, parser: ArgumentParser, words: Sequence[str]) -> None:
        self.words: list[str] = []
        self.datamodule: Any = None
        self.remark = ""
        printing = any(word.startswith(PRINTING) for word in words)
        recipe = stated(parser, [word for word in words if not word.startswith(PRINTING)])
        if not (_is_class(recipe.get("model")) and _is_class(recipe.get("data"))):
            return  # the parser says what is missing
        try:
            self._complete(recipe, words)
        except GanzooError:
            if not printing:  # a recipe can be shown where there is no data
                raise

    def _complete(self, recipe: Namespace, words: Sequence[str]) -> None:
        kind = import_class(recipe["data"]["class_path"])
        known, kin = argument_defaults(kind), [base.__name__ for base in getattr(kind, "__mro__", [])]
        history = layers(words)
        foreign = {*dropped(history, "data", OWN), *dropped(history, "data", ["root"], kin)}
        defaults = {name: default for name, default in known.items() if name in foreign}
        arguments = _stated(recipe["data"]) | defaults
        self._follow_with("data.init_args", defaults)
        judges = dropped(history, "quality", JUDGES, kin)
        if "features" in judges:
            self._follow_with("quality", dict.fromkeys(judges))
            names = ", ".join(judges)
            self.remark = f"quality: {names} of the recipe are for its own data and left out; state others if you want."
        if not [*of_networks(recipe["model"], PROBE)]:
            return
        from ganzoo.checkpoints.build import make_datamodule  # not above: what it imports takes its time

        self.datamodule = make_datamodule(
            {"data": {"class_path": recipe["data"]["class_path"], "init_args": arguments}}
        )
        getattr(self.datamodule, "inspect", lambda: None)()
        spec = DataSpec.of(self.datamodule)
        values = spec.arguments() | {"title": getattr(self.datamodule, "title", None)}
        unknown = [name for name in values if known.get(name, REQUIRED) is None and arguments.get(name) is None]
        self._follow_with("data.init_args", {name: values[name] for name in unknown})
        self._follow_with("model", dict(of_networks(recipe["model"], spec)))

    def _follow_with(self, section: str, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            text = value if isinstance(value, str) else json.dumps(value)
            self.words.append(f"--{section}.{name}={text}")


def stated(parser: ArgumentParser, words: Sequence[str]) -> Namespace:
    """Returns the values that a command line and its recipes state, without any default.

    Raises:
        jsonargparse.ArgumentError: if it does not fit.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the parser will say it again
        config = parse_with_lists(parser, words, defaults=False, _skip_validation=True)
    return config[config["subcommand"]] if "subcommand" in config else config


def of_networks(node: Namespace, spec: DataSpec, name: str = "model") -> Iterator[tuple[str, Any]]:
    """Yields (name, value) of what a class and those inside take from the data; see `ganzoo.common.data_spec`.

    Args:
        node: `class_path` and `init_args` as they are stated.
        spec: what it meets.
        name: its name in the recipe, for messages.

    Raises:
        GanzooError: if it needs classes and there are none.
    """
    kind = import_class(node["class_path"])
    known, arguments = argument_defaults(kind), _stated(node)
    own: dict[str, Any] = kind.follow(spec, arguments) if hasattr(kind, "follow") else {}
    values = spec.arguments() | {key: value for key, value in own.items() if not isinstance(value, DataSpec)}
    if spec.shape and "n_classes" in known and (spec.conditional or known["n_classes"] not in (0, None)):
        values = {"n_classes": spec.n_classes} | values
    for key, value in values.items():
        if key not in known or key in arguments:
            continue
        if key == "n_classes" and not value:
            raise GanzooError(f"{name}: {kind.__name__} takes labels, but the data has none. {UNLABELLED}")
        yield f"init_args.{key}", value
    for key, value in (node.get("init_args") or Namespace()).items(branches=True, nested=False):
        meets = own[key] if isinstance(own.get(key), DataSpec) else spec
        inner = f"{name}.{key}"
        if _is_class(value):
            yield from ((f"init_args.{key}.{rest}", leaf) for rest, leaf in of_networks(value, meets, inner))
        elif isinstance(value, list) and any(_is_class(item) for item in value):
            whole = [_completed(item, meets, inner) if _is_class(item) else item for item in value]
            if whole != [item.as_dict() if isinstance(item, Namespace) else item for item in value]:
                yield f"init_args.{key}", whole  # the items of a list have no names


def _completed(node: Namespace, spec: DataSpec, name: str) -> dict[str, Any]:
    node = node.clone()
    for key, value in [*of_networks(node, spec, name)]:
        node[key] = value
    return node.as_dict()


def argument_defaults(kind: Any) -> dict[str, Any]:
    """Returns the arguments of a class or function and their defaults, those that it passes on to its bases included.

    One without a default has `REQUIRED`.
    """
    defaults: dict[str, Any] = {}
    bases = kind.__mro__ if inspect.isclass(kind) else ()
    for call in [vars(base)["__init__"] for base in bases if "__init__" in vars(base)] or [kind]:
        signature = inspect.signature(call).parameters
        defaults = {name: each.default for name, each in signature.items() if each.kind in NAMED} | defaults
        if not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in signature.values()):
            break
    defaults.pop("self", None)
    source = describe_class(f"{kind.__module__}.{kind.__qualname__}")  # knows what a class sets itself for its bases
    taken = {argument.name for argument in source.arguments} if source else {*defaults}
    return {name: default for name, default in defaults.items() if name in taken}


def _is_class(value: Any) -> bool:
    return isinstance(value, Namespace) and "class_path" in value


def _stated(node: Namespace) -> dict[str, Any]:
    return (node.get("init_args") or Namespace()).as_dict()
