"""Parser errors in one line: the field, its value, what is allowed, and the nearest name."""

import re
from collections.abc import Iterable
from importlib import import_module
from itertools import groupby
from typing import Any

from jsonargparse import ArgumentParser

from ganzoo.common.errors import GanzooError, nearest


def explain(error: Exception, options: Iterable[str]) -> str:
    """Returns a parser's error of many lines in one.

    Args:
        error: the parser's error; its message nests one complaint per level of the configuration.
        options: the names that the parser knows, such as `trainer.max_steps`.
    """
    text = " ".join(str(error).split())
    # Optional sections complain a second time, that they are not None either.
    message = text.split(" - Expected a <class 'NoneType'>")[0]
    keys = re.findall(r'Parser key "([^"]+)"', message)
    field = ".".join(key for key, _ in groupby(keys))
    owner = re.findall(r"class_path '([^']+)'", message)
    if match := re.search(r"Option '([^']+)' is not accepted", message):
        allowed = accepted(owner[-1])
        hint = nearest(match[1], allowed)
        return f"{field}.{match[1]}: {owner[-1]} has no such argument.{hint} It takes {', '.join(allowed)}."
    if match := re.search(r"unrecognized arguments: --([\w.]+)|does not accept option '([\w.]+)'", message):
        group = re.search(r"Group '([^']+)'", message)
        option = f"{group[1]}.{match[2]}" if group else match[1] or match[2]
        return f"{option}: there is no such option.{nearest(option, options)}"
    if "." not in field and (match := re.search(r"NestedArg\(key='([^']+)'", text)):
        field = f"{field}.{match[1]}"
    complaint = re.split(r"""Parser key "[^"]+": |Problem with given class_path '[^']+': """, text)[-1]
    if match := re.search(r"module '([^']+)' has no attribute '([^']+)'", message):
        hint = nearest(match[2], vars(import_module(match[1])))
        message = f"cannot find {match[1]}.{match[2]}; it must be the import path of a class.{hint}"
    elif match := re.search(r"No module named '([^']+)'", message):
        message = f"cannot find {match[1]}; it must be the import path of a class."
    elif "Subtypes: [" in complaint:
        message = _union(complaint)
    else:
        message = _leaf(complaint)
    if text.startswith(("Problems parsing config", "Unexpected config")):
        field = "--config"
    return f"{field}: {message}" if field else message


def _union(complaint: str) -> str:
    """Says what a value of several allowed types must be, or what one of the types itself complains of."""
    kinds, _, rest = complaint.rpartition("Subtypes: [")[2].partition("] Errors: - ")
    faults, _, rest = rest.partition(" Given value type: ")
    value = rest.partition("Given value: ")[2].split(" - Expected a ")[0]
    own = [fault for fault in faults.split(" - ") if not fault.startswith("Expected a")]
    if own:
        return _readable(own[-1])
    allowed = re.sub(r", (?=[<a-z])", " or ", kinds)
    names = re.findall(r"'([\w-]+)'", kinds)
    for path in re.findall(r"<class '([\w.]+\.\w+)'>", kinds):
        names += _subclasses(import_class(path))
    return f"must be {_readable(allowed)}, not {value}.{nearest(value, names)}"


def _subclasses(kind: Any) -> list[str]:
    return [name for sub in kind.__subclasses__() for name in (sub.__name__, *_subclasses(sub))]


def _leaf(complaint: str) -> str:
    """Says what a value of one allowed type must be."""
    complaint = re.split(r" Given value type: | - Expected a <class 'NoneType'>", complaint)[0]
    if match := re.search(r"Expected a dot import path string: (\S+)", complaint):
        return f"cannot find {match[1]}; it must be the import path of a class."
    if match := re.fullmatch(r"Expected (an? .+)\. Got value: (.*)", complaint):
        hint = nearest(match[2], re.findall(r"'(\w+)'", match[1]))
        return f"must be {_readable(match[1])}, not {match[2]}.{hint}"
    return _readable(complaint)


def accepted(class_path: str) -> list[str]:
    """Returns the names of a class's arguments, those that it passes on to its bases included."""
    parser = ArgumentParser()
    parser.add_class_arguments(import_class(class_path), fail_untyped=False)
    return sorted({key.split(".")[0] for key in parser.get_defaults().keys()})  # noqa: SIM118  # no plain dictionary


def import_class(path: str) -> Any:
    """Returns the object at an import path."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def _readable(text: str) -> str:
    text = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", text).replace("NoneType", "null")
    text = re.sub(r"(a )?typing\.Literal", "one of ", text)
    return re.sub(r"\ba (?=[aeiou])", "an ", text)


def innermost(error: Exception) -> BaseException:
    """Returns the GanzooError that led to `error`, or `error` itself."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, GanzooError):
        cause = cause.__cause__ or cause.__context__
    return cause or GanzooError(explain(error, []))
