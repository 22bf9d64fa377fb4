"""Turns the parser's many-line complaints into one: the field, what was given, what is allowed, the nearest name."""

import re
from collections.abc import Iterable
from importlib import import_module

from jsonargparse import ArgumentParser

from ganzoo.errors import nearest


def explain(error: Exception, options: Iterable[str]) -> str:
    """Returns one line for what the parser did not accept.

    Args:
        error: the parser's error; its message nests one complaint per level of the configuration.
        options: the names that the parser knows, such as `trainer.max_steps`.
    """
    text = " ".join(str(error).split())
    # Optional sections complain a second time, that they are not None either.
    text = text.split(" - Expected a <class 'NoneType'>")[0]
    field = ".".join(re.findall(r'Parser key "([^"]+)"', text))
    owner = re.findall(r"class_path '([^']+)'", text)
    if match := re.search(r"Option '([^']+)' is not accepted", text):
        allowed = accepted(owner[-1])
        hint = nearest(match[1], allowed)
        return f"{field}.{match[1]}: {owner[-1]} has no such argument.{hint} It takes {', '.join(allowed)}."
    if match := re.search(r"unrecognized arguments: --([\w.]+)|does not accept option '([\w.]+)'", text):
        given = match[1] or match[2]
        return f"{given}: there is no such option.{nearest(given, options)}"
    if match := re.search(r"module '([^']+)' has no attribute '([^']+)'|No module named '([^']+)'", text):
        missing = f"{match[1]}.{match[2]}" if match[1] else match[3]
        return f"{field}: cannot find {missing}; it must be the import path of a class."
    complaint = re.split(r"""Parser key "[^"]+": |Problem with given class_path '[^']+': """, text)[-1]
    return f"{field}: {_readable(complaint)}" if field else _readable(complaint)


def accepted(class_path: str) -> list[str]:
    """Returns the names of a class's arguments, those that it passes on to its bases included."""
    module, _, name = class_path.rpartition(".")
    parser = ArgumentParser()
    parser.add_class_arguments(getattr(import_module(module), name), fail_untyped=False)
    return sorted({key.split(".")[0] for key in parser.get_defaults().keys()})  # noqa: SIM118  # no plain dictionary


def _readable(text: str) -> str:
    return re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", text).replace("typing.Literal", "one of ")
