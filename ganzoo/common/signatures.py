"""Arguments of a class, with defaults and meaning, read from its source: nothing is imported.

`ganzoo fit --help` describes models, networks and data with it, without waiting for PyTorch.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

YAML_WORDS = {"None": "null", "True": "true", "False": "false"}  # as YAML and the command line write them


@dataclass(frozen=True)
class Argument:
    """An argument of a class.

    Attributes:
        name: as it is passed.
        type: its type hint in words, such as `float or null`; empty if there is none.
        default: as source, `null` for None; None if the argument has to be given.
        text: what the docstring says of it.
    """

    name: str
    type: str
    default: str | None
    text: str


@dataclass(frozen=True)
class Class:
    """A class as its source describes it.

    Attributes:
        path: its import path, the one by which it was asked for.
        summary: the first line of its docstring.
        arguments: of its constructor, those that it passes on to its bases included.
    """

    path: str
    summary: str
    arguments: tuple[Argument, ...]


def describe_class(path: str) -> Class | None:
    """Returns the description of the class at an import path; None if its source cannot be found."""
    module, _, name = path.rpartition(".")
    place = _locate(module, name)
    if place is None:
        return None
    module, node = place
    docstring = ast.get_docstring(node) or ""
    summary = re.split(r"(?<=\.)\s|\n\n", docstring, maxsplit=1)[0]
    return Class(path, " ".join(summary.split()), tuple(_arguments(module, node)))


def class_attribute(path: str, name: str) -> str | None:
    """Returns a class's attribute of this name, its own or its first bases', where it is a plain string."""
    statement = class_statement(path, name)
    value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


@cache
def class_statement(path: str, name: str) -> ast.stmt | None:
    """Returns the statement by which a class, or the nearest of its first bases, has an attribute or a method.

    Args:
        path: import path of the class.
        name: of the attribute, the property or the method.
    """
    module, _, class_name = path.rpartition(".")
    for _, node in _line(_locate(module, class_name)):
        for statement in node.body:
            if name in _bound(statement):
                return statement
    return None


def _bound(statement: ast.stmt) -> list[str]:
    """Returns the names that a statement in a class's body gives values."""
    if isinstance(statement, ast.FunctionDef):
        return [statement.name]
    if isinstance(statement, ast.AnnAssign):
        return [ast.unparse(statement.target)] if statement.value else []
    return [ast.unparse(target) for target in statement.targets] if isinstance(statement, ast.Assign) else []


def _arguments(module: str, node: ast.ClassDef) -> Iterator[Argument]:
    """Yields the arguments of a class and those that it leaves to its bases."""
    documented = _documented(node)
    init = next((part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"), None)
    fields = () if init else _fields(module, node, documented)
    if fields:
        yield from fields
        return
    own: set[str] = set()
    positional, keywords, open_ended = 0, set[str](), True
    if init:
        for argument in _own(module, init, documented):
            own.add(argument.name)
            yield argument if argument.text else replace(argument, text=_inherited(module, node, argument.name))
        open_ended = init.args.kwarg is not None
        positional, keywords = _passed(init)
    if not open_ended:
        return
    for base in node.bases:
        place = _resolve(module, base)
        inherited = [*_arguments(*place)] if place else []
        for argument in inherited[positional:]:
            if argument.name not in own | keywords:
                yield replace(argument, text=documented.get(argument.name, argument.text))
        if inherited:
            return


def _inherited(module: str, node: ast.ClassDef, name: str) -> str:
    """Returns what the bases of a class say of an argument that it takes under the same name."""
    return next((text for _, base in _line((module, node)) if (text := _documented(base).get(name))), "")


def _own(module: str, init: ast.FunctionDef, documented: dict[str, str]) -> Iterator[Argument]:
    args = init.args
    plain = [*args.posonlyargs, *args.args][1:]
    defaults = [None] * (len(plain) - len(args.defaults)) + [*args.defaults]
    pairs = [*zip(plain, defaults, strict=True), *zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    for argument, default in pairs:
        yield _argument(module, argument.arg, argument.annotation, default, documented)


def _fields(module: str, node: ast.ClassDef, documented: dict[str, str]) -> list[Argument]:
    """Returns the fields of a dataclass; of no other class any."""
    if not any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return []
    return [
        _argument(module, field.target.id, field.annotation, field.value, documented)
        for field in node.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    ]


def _argument(
    module: str, name: str, annotation: ast.expr | None, default: ast.expr | None, documented: dict[str, str]
) -> Argument:
    kind = _type(module, annotation) if annotation else ""
    return Argument(name, kind, _value(module, default) if default else None, documented.get(name, ""))


def _passed(init: ast.FunctionDef) -> tuple[int, set[str]]:
    """Returns how many arguments a constructor passes to its base's by position, and those that it passes by name."""
    for call in ast.walk(init):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__":
            positional = [argument for argument in call.args if not isinstance(argument, ast.Starred)]
            return len(positional), {keyword.arg for keyword in call.keywords if keyword.arg}
    return 0, set()


def _documented(node: ast.ClassDef) -> dict[str, str]:
    """Returns what the `Args:` of a class's docstring, or else its constructor's, say of each argument."""
    init = next((part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"), None)
    texts = [ast.get_docstring(part) or "" for part in (init, node) if part]
    meanings: dict[str, str] = {}
    for text in texts:
        _, _, section = text.partition("Args:\n")
        section = re.split(r"^\S", section, maxsplit=1, flags=re.M)[0]
        for entry in re.split(r"^ {4}(?=\S)", section, flags=re.M):
            name, colon, meaning = entry.partition(":")
            if colon:
                meanings[name.partition(" ")[0].strip("*")] = " ".join(meaning.split())
    return meanings


def _type(module: str, hint: ast.expr) -> str:
    """Writes a type hint in words; a name that stands for a choice is replaced by the choice."""
    if isinstance(hint, ast.BinOp):
        return f"{_type(module, hint.left)} or {_type(module, hint.right)}"
    if isinstance(hint, ast.Constant) and isinstance(hint.value, str):
        return _type(module, ast.parse(hint.value, mode="eval").body)
    if isinstance(hint, ast.Subscript) and ast.unparse(hint.value).rpartition(".")[2] == "Literal":
        choices = hint.slice.elts if isinstance(hint.slice, ast.Tuple) else [hint.slice]
        return " or ".join(_value(module, choice) for choice in choices)
    if isinstance(hint, ast.Subscript):
        kind = ast.unparse(hint.value).rpartition(".")[2]
        inner = hint.slice.elts if isinstance(hint.slice, ast.Tuple) else [hint.slice]
        if kind == "Optional":
            return f"{_type(module, inner[0])} or null"
        if kind == "Union":
            return " or ".join(_type(module, part) for part in inner)
        if kind == "type":
            return f"class of {_type(module, inner[0])}"
        names = dict.fromkeys(_type(module, part) for part in inner if ast.unparse(part) != "...")
        return f"{kind} of {', '.join(names)}"
    text = ast.unparse(hint)
    alias = _assigned(module, text) if isinstance(hint, ast.Name) else None
    if alias and isinstance(alias[1], ast.Subscript | ast.BinOp):
        return _type(*alias)
    return YAML_WORDS.get(text, text.rpartition(".")[2])


def _value(module: str, node: ast.expr) -> str:
    """Writes a default as it would be typed; a constant's name is replaced by its value."""
    if isinstance(node, ast.Constant):
        text = node.value if isinstance(node.value, str) else str(node.value)
        if isinstance(node.value, float) and "." not in text:
            text = text.replace("e", ".0e")  # YAML takes 1e-05 for a word
        return YAML_WORDS.get(text, text) or "''"
    if isinstance(node, ast.Name | ast.Attribute) and (constant := _assigned(module, ast.unparse(node))):
        return _value(*constant)
    if isinstance(node, ast.Tuple | ast.List):
        return f"[{', '.join(_value(module, part) for part in node.elts)}]"
    return ast.unparse(node)


def _assigned(module: str, name: str) -> tuple[str, ast.expr] | None:
    """Returns what a name of a module stands for, where that is an expression, and the module that says so."""
    statement = _names(module).get(name)
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        return (module, statement.value) if statement.value else None
    if isinstance(statement, ast.ImportFrom) and (target := _imported(module, statement, name)):
        return _assigned(*target)
    return None


def _locate(module: str, name: str) -> tuple[str, ast.ClassDef] | None:
    """Finds a class by the module that shows it: the module that defines it, and its definition."""
    statement = _names(module).get(name)
    if isinstance(statement, ast.ClassDef):
        return module, statement
    if isinstance(statement, ast.ImportFrom) and (target := _imported(module, statement, name)):
        return _locate(*target)
    return None


def _resolve(module: str, base: ast.expr) -> tuple[str, ast.ClassDef] | None:
    """Finds the class that an expression in a class's head names."""
    if isinstance(base, ast.Subscript):
        base = base.value
    first, _, rest = ast.unparse(base).partition(".")
    if not rest:
        return _locate(module, first)
    statement = _names(module).get(first)
    if isinstance(statement, ast.Import):
        alias = next(alias for alias in statement.names if (alias.asname or alias.name.partition(".")[0]) == first)
        path = f"{alias.name if alias.asname else first}.{rest}"
    elif isinstance(statement, ast.ImportFrom) and (target := _imported(module, statement, first)):
        path = f"{'.'.join(target)}.{rest}"
    else:
        return None
    owner, _, name = path.rpartition(".")
    return _locate(owner, name)


def _line(place: tuple[str, ast.ClassDef] | None) -> Iterator[tuple[str, ast.ClassDef]]:
    """Yields a class and its first bases, as far as their source is found."""
    while place is not None:
        yield place
        module, node = place
        place = _resolve(module, node.bases[0]) if node.bases else None


def _imported(module: str, statement: ast.ImportFrom, name: str) -> tuple[str, str] | None:
    """Returns module and name of what `from ... import ...` binds to a name."""
    package = module.split(".")
    if statement.level:
        file = _file(module)
        up = statement.level - (file is not None and file.name == "__init__.py")
        package = package[: len(package) - up]
    source = ".".join([*(package if statement.level else []), *([statement.module] if statement.module else [])])
    for alias in statement.names:
        if (alias.asname or alias.name) == name:
            return source, alias.name
    return None


@cache
def _names(module: str) -> dict[str, ast.stmt]:
    """Returns which statement of a module binds each of its names; empty if its source cannot be read."""
    file = _file(module)
    try:
        tree = ast.parse(file.read_text(encoding="utf-8")) if file else ast.Module([], [])
    except (OSError, SyntaxError, ValueError):
        return {}
    names: dict[str, ast.stmt] = {}
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            names[statement.name] = statement
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.partition(".")[0]: statement for alias in statement.names}
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names |= {target.id: statement for target in targets if isinstance(target, ast.Name)}
    return names


@cache
def _file(module: str) -> Path | None:
    """Returns the source file of a module, without importing it or its packages."""
    top, *rest = module.split(".")
    try:
        spec = find_spec(top) if top else None
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    folders = spec.submodule_search_locations
    place = Path(next(iter(folders)), "__init__.py") if folders else Path(spec.origin or "")
    for part in rest:
        place = place.with_name(part) / "__init__.py"
        if not place.is_file():
            place = place.parent.with_suffix(".py")
    return place if place.suffix == ".py" and place.is_file() else None
