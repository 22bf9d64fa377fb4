"""Layout of help on a terminal: its width, and commands grouped by purpose."""

import argparse
import shutil
import textwrap
from collections.abc import Mapping

GROUPS = {
    "train": ("fit", "validate", "test", "predict", "compare", "sweep", "lab", "new"),
    "look": ("list", "info", "plot", "evaluate", "probe", "completion"),
    "use": ("sample", "translate", "interpolate", "arithmetic", "factorise", "mix", "attention", "demo"),
    "share": ("export", "convert", "push", "pull", "card", "gallery"),
}


class Formatter(argparse.RawDescriptionHelpFormatter):
    """argparse's layout at the width of the terminal, with room for long names."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=help_width())


def commands_help(texts: Mapping[str, str], options: Mapping[str, str]) -> str:
    """Returns the help of `ganzoo`: its commands by what one does with them.

    Args:
        texts: a line for each command; those in no group come last.
        options: a line for each option of `ganzoo` itself.
    """
    formatter = Formatter("ganzoo")
    formatter.add_usage("ganzoo COMMAND [OPTIONS]", [], [])
    formatter.add_text("A model zoo of generative adversarial networks.")
    grouped = {name for group in GROUPS.values() for name in group}
    others = tuple(name for name in texts if name not in grouped)
    for title, names in {**GROUPS, "other": others}.items():
        formatter.start_section(title)
        formatter.add_arguments([argparse.Action([], name, metavar=name, help=texts[name]) for name in names])
        formatter.end_section()
    formatter.start_section("options")
    formatter.add_arguments([argparse.Action([], name, metavar=name, help=text) for name, text in options.items()])
    formatter.end_section()
    epilog = "`ganzoo COMMAND --help` shows a command's options, `ganzoo list` the recipes."
    formatter.add_text(textwrap.fill(epilog, help_width()))
    return formatter.format_help()


def help_width() -> int:
    """Returns the columns to write help in: the terminal's, within limits."""
    return min(max(shutil.get_terminal_size().columns - 2, 40), 110)
