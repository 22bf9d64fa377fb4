"""The `ganzoo completion` command: a script by which a shell completes commands, options and names."""

import argparse
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from ganzoo.common import registry
from ganzoo.common.commands import TRAINING, commands
from ganzoo.common.errors import GanzooError
from ganzoo.common.parameters import parameters

# What the words of these parameters and options name, beside files of one's own.
NAMED: dict[str, Callable[[], list[str]]] = {
    "name": registry.list_checkpoints,
    "names": registry.list_checkpoints,
    "start": registry.list_checkpoints,
    "recipe": registry.list_recipes,
    "recipes": registry.list_recipes,
    "run": registry.list_recipes,
}


def completion(shell: Literal["bash", "zsh", "tcsh"]) -> str:
    """Print a script by which a shell completes commands, options and names.

    bash: ganzoo completion bash > ~/.local/share/bash-completion/completions/ganzoo

    zsh: ganzoo completion zsh > ~/.zfunc/_ganzoo, with fpath+=~/.zfunc before compinit in ~/.zshrc

    tcsh: ganzoo completion tcsh > ~/.ganzoo.tcsh, and source it in ~/.tcshrc

    Args:
        shell: whose script.

    Raises:
        GanzooError: if shtab is not installed, which writes it.
    """
    try:
        import shtab
    except ImportError:
        raise GanzooError("completion: shtab is not installed; pip install 'ganzoo-lightning[completion]'.") from None
    return shtab.complete(make_parser(), shell).rstrip()


def make_parser() -> argparse.ArgumentParser:
    """Returns a parser of all commands; its actions say in `choices` and `complete` what a shell offers."""
    from ganzoo.common.function_parser import make_parser as parser_of_function
    from ganzoo.training.command_help import training_parser

    root = argparse.ArgumentParser("ganzoo", description="A model zoo of generative adversarial networks.")
    root.add_argument("--version", action="store_true", help="show the version and exit")
    root.add_argument("--debug", action="store_true", help="show the traceback of an error")
    subparsers = root.add_subparsers()
    for name, text in (TRAINING | commands()).items():
        types: dict[str, Any] = {}
        if name in TRAINING:
            parser: argparse.ArgumentParser = training_parser(name, text)
        else:
            function = getattr(import_module(f"ganzoo.tools.{name}"), name)
            parser = parser_of_function(function, f"ganzoo {name}")
            types = {one.name: one.type for one in parameters(function)}
        described = subparsers.add_parser(name, parents=[parser], add_help=False, help=text, description=text)
        for action in described._actions:
            _describe(action, types.get(action.dest))
    return root


def _describe(action: argparse.Action, kind: Any) -> None:
    """Says what a shell offers for an argument: names and files, what is allowed, or files alone."""
    if action.dest in NAMED:
        action.complete = _names_and_files(action.dest)  # type: ignore[attr-defined]
    elif get_origin(kind) is Literal:
        action.choices = [str(choice) for choice in get_args(kind)]
    elif kind is Path or action.dest in {"config", "ckpt_path", "runs", "data.root"}:
        import shtab

        action.complete = shtab.FILE  # type: ignore[attr-defined]


def _names_and_files(dest: str) -> dict[str, Any]:
    """Returns in shtab's form what offers the names that a parameter takes, and files."""
    names = " ".join(NAMED[dest]())
    function = f"_ganzoo_{NAMED[dest].__name__}"
    bash = f'{function}() {{ compgen -W "{names}" -- "$1"; compgen -f -- "$1"; }}'
    zsh = f"{function}() {{ compadd -- {names}; _files }}"
    return {
        "bash": function,
        "zsh": function,
        "tcsh": "f",
        "preamble": {"bash": bash, "zsh": zsh},
    }
