"""Command line of `ganzoo`: training by LightningCLI, and the functions of `ganzoo.tools` by their signatures.

Nothing heavy is imported before it is needed: `ganzoo --help` and `ganzoo list` answer at once.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from ganzoo.common import importing
from ganzoo.common.allocator import keep_freed_memory
from ganzoo.common.commands import OPTIONS, TRAINING, commands, summary
from ganzoo.common.errors import GanzooError, nearest
from ganzoo.common.help_format import commands_help
from ganzoo.common.version import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: the arguments after `ganzoo`; those of the process by default.

    Returns:
        The exit status: 0, or 2 for what the user has to change.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        if not words or words[0] in {"-h", "--help"}:
            print(commands_help(TRAINING | commands(), OPTIONS), end="")
        elif words[0] == "--version":
            print(f"ganzoo {__version__}")
        elif words[0] in TRAINING:
            with importing.current_folder():
                run_training(*words)
        elif summary(words[0]) is not None:
            run_command(*words)
        else:
            known = nearest(words[0], [*TRAINING, *commands()])
            what = f"option '{words[0]}'; name a COMMAND" if words[0].startswith("-") else f"command '{words[0]}'"
            raise GanzooError(f"there is no {what}.{known} `ganzoo --help` shows all.")
    except GanzooError as error:
        if debug:
            raise
        print(f"ganzoo: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        raise
    except OSError as error:
        if debug:
            raise
        where = f" '{error.filename}'" if error.filename else ""
        print(f"ganzoo: error: {error.strerror or error}{where}", file=sys.stderr)
        return 2
    except SystemExit as leaving:  # the parser has printed what there is to print
        return leaving.code if isinstance(leaving.code, int) else 0
    return 0


def entry() -> None:
    """Runs the console script, and exits with its status."""
    keep_freed_memory()
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except KeyboardInterrupt:  # before a training that would have saved, or during anything else
        print("ganzoo: interrupted", file=sys.stderr)
        status = 130
    sys.exit(status)


def run_training(command: str, *words: str) -> None:
    """Runs `ganzoo fit`, `validate`, `test` or `predict`, or shows its help."""
    from ganzoo.common import recipe_files
    from ganzoo.training import command_help

    if command_help.ALL not in words and command_help.asks_short_help(words):
        print(command_help.training_help(command, TRAINING[command], words), end="")
        return
    if command_help.ALL in words:
        print(command_help.all_help_heading(command))
        words = tuple("--help" if word == command_help.ALL else word for word in words)
    if not words:
        raise GanzooError(f"ganzoo {command}: name a recipe with --recipe NAME. `ganzoo list` shows all.")
    recipe_files.require_recipes(words)
    from ganzoo.training.recipe_cli import run_recipe

    run_recipe(command, list(words))


def run_command(command: str, *words: str) -> None:
    """Runs a command of `ganzoo.tools`, and prints what its module's `shown` says of the result, or the result."""
    from ganzoo.common.command_line import command_arguments

    module = import_module(f"ganzoo.tools.{command}")
    function = getattr(module, command)
    values = command_arguments(function, f"ganzoo {command}", words)
    with importing.for_command(values):
        result: Any = function(**values)
    text = module.shown(result) if hasattr(module, "shown") else result
    for line in text if isinstance(text, list) else [] if text is None else [text]:
        print(line)
