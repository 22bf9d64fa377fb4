"""Help of `ganzoo fit` and its like: our own options first, and a recipe's arguments with their values.

Everything is read from recipes and sources, so that help comes at once, without PyTorch.
"""

import argparse
import re
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganzoo.common import recipe_files, registry
from ganzoo.common.data_spec import DataSpec
from ganzoo.common.help_format import Formatter, help_width
from ganzoo.common.signatures import Argument, Class, describe_class
from ganzoo.training.run_options import SECTIONS, add_run_options

HELP = ("-h", "--help")
FOLLOWING = {*DataSpec.probe().arguments(), "n_classes"}  # what networks take from the data
ALL = "--help-all"
# What Lightning's Trainer takes that most people need; the rest stands in `--help-all`.
TRAINER = (
    Argument("max_steps", "int", "-1", "generator updates of the whole run"),
    Argument("max_time", "str", "null", "stop after so long, DD:HH:MM:SS"),
    Argument("val_check_interval", "int or float", "1.0", "batches from one scoring to the next; 1.0: an epoch"),
    Argument("log_every_n_steps", "int", "50", "generator updates between two rows of metrics.csv"),
    Argument("devices", "int or list of int or str", "auto", "how many GPUs or processes, or which"),
    Argument("accelerator", "str", "auto", "cpu, gpu, mps, or what there is"),
    Argument(
        "precision", "str", "null", "32-true, bf16-mixed, 16-mixed ...; null: bf16-mixed where it is fast, else 32-true"
    ),
    Argument("enable_progress_bar", "bool", "null", "false shows none"),
)
IN_TRAINING = {"max_steps", "max_time", "val_check_interval", "log_every_n_steps"}  # of the trainer's options
WHILE_TRAINING = {"logger", "save_every", "start", "start_networks"}  # of a run's options
SCORED = {"fit": tuple(SECTIONS), "validate": ("quality",), "test": ("quality",), "predict": ()}
EXAMPLES = {
    "fit": (
        ("--recipe wgan_gp_digits", "no download"),
        ("--recipe dcgan_faces --data.root photos/", "your own pictures"),
        ("--recipe dcgan_faces --start dcgan-faces", "fine-tune it"),
        ("--recipe wgan_gp_mnist --trainer.max_steps 500", "any other value"),
        ("--recipe wgan_gp_mnist --ckpt_path last", "go on"),
        ("--recipe wgan_gp_mnist --help", "its values"),
    ),
    "": (
        ("--recipe wgan_gp_mnist", "of the newest run"),
        ("--recipe wgan_gp_mnist --version version_0", "of this one"),
        ("--recipe wgan_gp_mnist --help", "its values"),
    ),
}


class RunOptions:
    """Collector of the options that `add_run_options` adds, as arguments of a section without a name."""

    def __init__(self) -> None:
        self.arguments: list[Argument] = []

    def add_argument(self, flag: str, type: Any = None, default: Any = None, help: str = "", **options: Any) -> None:
        """Keeps one option."""
        kind = " or ".join(map(str, getattr(type, "__args__", ()))) or getattr(type, "__name__", str(type))
        value = options.get("metavar") if default in (None, []) else recipe_files.option_text(default)
        self.arguments.append(Argument(flag.removeprefix("--"), kind, value, help))


def asks_short_help(arguments: Sequence[str]) -> bool:
    """Returns whether arguments of `ganzoo fit` and its like ask for the short help."""
    return any(word in HELP for word in arguments)


def training_help(command: str, about: str, arguments: Sequence[str]) -> str:
    """Returns the help of `ganzoo fit` and its like; see `training_parser`."""
    return training_parser(command, about, arguments).format_help()


def training_parser(command: str, about: str, arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Returns a parser that describes `ganzoo fit` and its like, a recipe's own arguments where one is named.

    Args:
        command: `fit`, `validate`, `test` or `predict`.
        about: what it does, in a line.
        arguments: what follows it; what they give beside a recipe is shown as its value.

    Raises:
        GanzooError: if there is no such recipe.
    """
    files, recipe = recipe_files.read_words([word for word in arguments if word not in HELP])
    usage = f"ganzoo {command} --recipe NAME [--SECTION.NAME VALUE]"
    parser = argparse.ArgumentParser(f"ganzoo {command}", usage=usage, formatter_class=Formatter, add_help=False)
    examples = EXAMPLES.get(command, EXAMPLES[""])
    widest = max(len(words) for words, _ in examples)
    shown = "\n".join(f"  ganzoo {command} {words.ljust(widest)}  {text}" for words, text in examples)
    parser.description = f"{about[0].upper()}{about[1:]}.\n\nexamples:\n{shown}"
    if recipe:
        parser.description = _about(files, recipe)
        for name in recipe_files.CLASSES:
            if named := recipe_files.split_class(recipe.get(name)):
                _add_class(parser, name, *named)
    _add_options(parser, command, files)
    if not recipe:
        _add(parser, "data, of folders of pictures", "data", _any("ganzoo.data.ImageFolder", command), {})
    trainer = [argument for argument in TRAINER if command == "fit" or argument.name not in IN_TRAINING]
    own = Class("", f"Lightning's Trainer; all that it takes: ganzoo {command} {ALL}.", tuple(trainer))
    _add(parser, "trainer", "trainer", own, recipe.get("trainer", {}))
    if not recipe and command == "fit":
        _add(parser, "model, of any GAN", "model", _any("ganzoo.games.gan.GAN", command), {})
    for name in SCORED[command]:
        _add(parser, name, name, describe_class(SECTIONS[name]), recipe.get(name, {}))
    return parser


def all_help_heading(command: str) -> str:
    """Returns the heading of the full parser's help, which knows nothing of recipes' names."""
    text = f"`--recipe NAME` stands for `--config` and the recipe's file. The short help: ganzoo {command} --help."
    return textwrap.fill(text, help_width()) + "\n"


def _about(files: Sequence[Path], recipe: dict[str, Any]) -> str:
    """Returns what stands above a recipe's arguments: variant, paper, file."""
    model = recipe_files.split_class(recipe.get("model"))
    about = registry.variant(model[0]) if model else None
    paper = [about.title, f"{about.paper} {about.url}".strip()] if about else []
    name = f"ganzoo info {files[0].stem}" if files[0].parent == registry.RECIPES else ""
    text = (
        "What follows an option is its value in this recipe, with what is given beside it; where a class takes another "
        "by itself, that is its default."
    )
    written = f"Recipe: {', '.join(map(_short, files))}{f'; `{name}` shows it whole.' if name else ''}"
    return "\n".join(textwrap.fill(part, help_width(), break_on_hyphens=False) for part in [*paper, written, "", text])


def _add_options(parser: argparse.ArgumentParser, command: str, files: Sequence[Path]) -> None:
    """Adds the options that stand in no section, the most needed first."""
    group = parser.add_argument_group("options")
    fitting = command == "fit"
    last = "last: go on with the newest run, or that of --version" if fitting else "best, last"
    recipe = files[0].stem if files else "NAME"
    group.add_argument("--recipe", metavar=recipe, help="a recipe of `ganzoo list`, or a YAML file of your own")
    group.add_argument("--ckpt_path", metavar="FILE", help=f"{last}; or a training checkpoint")
    options = RunOptions()
    add_run_options(options)
    for argument in options.arguments:
        if fitting or argument.name not in WHILE_TRAINING:
            _add_argument(group, "--", argument, None)
    group.add_argument("--seed_everything", metavar="0", help="seed of everything random (int)")
    group.add_argument("-c", "--config", metavar="FILE", help="values in a YAML file, over those of the recipe")
    group.add_argument("--print_config", action="store_true", help="print all values, and train nothing")
    group.add_argument("--debug", action="store_true", help="show the traceback of an error")
    group.add_argument("-h", "--help", action="store_true", help="this help; with --recipe, of the recipe's arguments")
    group.add_argument(ALL, action="store_true", help="every option, Lightning's included")


def _any(path: str, command: str) -> Class | None:
    """Describes what a recipe's class takes in any case: what has a default in one that stands for many."""
    known = describe_class(path)
    text = f"Those of a recipe: ganzoo {command} --recipe NAME --help."
    arguments = known.arguments if known else ()
    return Class(path, text, tuple(argument for argument in arguments if argument.default is not None))


def _add_class(parser: argparse.ArgumentParser, name: str, path: str, values: dict[str, Any]) -> None:
    """Adds a section for a class of a recipe, and one for each class among its arguments."""
    known = describe_class(path) or describe_class(f"ganzoo.data.{path}")
    if known is None:
        text = f"Its source cannot be found; --{name.partition('.')[0]}.help {path} shows what it takes."
        known = Class(path, text, ())
    _add(parser, f"{name}, {known.path}", name, known, values)
    for argument in known.arguments:
        if inner := recipe_files.split_class(values.get(argument.name), argument):
            _add_class(parser, f"{name}.{argument.name}", *inner)


def _add(
    parser: argparse.ArgumentParser, title: str, section: str, known: Class | None, values: dict[str, Any]
) -> None:
    """Adds a section: the arguments of a class with their values."""
    if known is None:
        return
    group = parser.add_argument_group(title, textwrap.fill(known.summary, help_width() - 2))
    for argument in known.arguments:
        follows = section.startswith("model.") and argument.name in FOLLOWING and argument.name not in values
        _add_argument(group, f"--{section}.", _following(argument) if follows else argument, values)


def _following(argument: Argument) -> Argument:
    """Returns an argument of a network that follows the data where nobody states it."""
    if argument.name == "n_classes" and argument.default in ("0", "null"):
        return replace(argument, type=f"{argument.type}; the data's, in a game that takes labels")
    return replace(argument, type=f"{argument.type}; follows the data", default=None)


def _add_argument(group: Any, prefix: str, argument: Argument, values: dict[str, Any] | None) -> None:
    """Adds an option that shows its value in place of a placeholder, and its default where that is another."""
    flag = prefix + argument.name
    value = argument.default
    kind = argument.type
    if values and argument.name in values:
        value = recipe_files.option_text(recipe_files.with_class_paths(values[argument.name]))
        if argument.default not in (None, value):
            kind = f"{kind}; default {argument.default}"
    text = f"{argument.text.rstrip('.')} ({kind})" if kind else argument.text
    room = max(help_width() - len(flag) - 3, 8)
    shown = re.split("[; ]", argument.type)[0].upper() if value is None else value
    shown = shown if len(shown) <= room else f"{shown[: room - 1]}…"
    group.add_argument(flag, metavar=shown, help=text.replace("%", "%%"))


def _short(file: Path) -> str:
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)
