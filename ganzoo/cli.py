"""The `ganzoo` command. Training is LightningCLI's; the rest are thin functions over the Python interface.

Nothing heavy is imported before it is needed: `ganzoo --help` and `ganzoo list` answer at once.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from ganzoo import explore, judging, sharing
from ganzoo.common import importing, threads
from ganzoo.common.errors import GanzooError, nearest, one_line
from ganzoo.common.help_format import commands_help

TRAINING = {
    "fit": "train a recipe",
    "validate": "score a run's best weights on the recipe's reference split",
    "test": "the same as validate: Lightning has both, and a recipe one reference split",
    "predict": "draw samples from a run's best weights to an .npz file",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: the arguments after `ganzoo`; those of the process by default.

    Returns:
        The exit status: 0, or 2 for what the user has to change.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        if not arguments:
            print(make_parser().format_help(), end="")
        elif arguments[0] in TRAINING:
            with importing.current_folder():
                train(*arguments)
        else:
            if not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
                known = nearest(arguments[0], [*TRAINING, *COMMANDS])
                raise GanzooError(f"there is no command '{arguments[0]}'.{known} `ganzoo --help` shows all.")
            options = make_parser().parse_args(arguments)
            with importing.for_command(options):
                options.command(options)
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
    except SystemExit as leaving:  # argparse has said what there is to say
        return leaving.code if isinstance(leaving.code, int) else 0
    return 0


def entry() -> None:
    """The console script."""
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


def train(command: str, *arguments: str) -> None:
    """Runs `ganzoo fit`, `validate`, `test` or `predict`, or shows its help."""
    from ganzoo.common import recipe_files
    from ganzoo.training import command_help

    if command_help.ALL not in arguments and command_help.asked(arguments):
        print(command_help.training_help(command, TRAINING[command], arguments), end="")
        return
    if command_help.ALL in arguments:
        print(command_help.all_help_heading(command))
        arguments = tuple("--help" if word == command_help.ALL else word for word in arguments)
    if not arguments:
        raise GanzooError(f"ganzoo {command}: name a recipe with --recipe NAME. `ganzoo list` shows all.")
    recipe_files.check(arguments)
    from ganzoo.training.recipe_cli import run

    run(command, list(arguments))


class Parser(argparse.ArgumentParser):
    """argparse with one-line errors that name the nearest right word, and commands in groups."""

    texts: dict[str, str] | None = None  # of the commands, in the parser that has some

    def error(self, message: str) -> NoReturn:
        """Says what is wrong in one line.

        Raises:
            GanzooError: always.
        """
        unknown = message.partition("unrecognized arguments: ")[2].partition(" ")[0].partition("=")[0]
        hint = nearest(unknown, self._option_string_actions) if unknown.startswith("--") else ""
        raise GanzooError(f"{message}.{hint} `{self.prog} --help` shows what there is.")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parses; what a command does not know is its own to complain of, who knows what is near.

        Raises:
            GanzooError: if something is wrong.
        """
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return options, unknown

    def format_help(self) -> str:
        """Returns the help."""
        return commands_help(self, self.texts) if self.texts else super().format_help()


def make_parser() -> Parser:
    """Returns the parser of every command; those of training only for the help text."""
    parser = Parser(
        "ganzoo",
        usage="ganzoo COMMAND [OPTIONS]",
        description="A model zoo of generative adversarial networks.",
        epilog="`ganzoo COMMAND --help` shows a command's options, `ganzoo list` the recipes.",
    )
    parser.add_argument("--version", action="version", version=f"ganzoo {_version()}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    parser.texts = dict(TRAINING)
    for name, (fill, command) in COMMANDS.items():
        text = (command.__doc__ or "").partition("\n")[0].rstrip(".")
        parser.texts[name] = text[0].lower() + text[1:]
        sub = commands.add_parser(name, prog=f"ganzoo {name}", description=text + ".")
        fill(sub)
        sub.set_defaults(command=command)
    return parser


def _version() -> str:
    from ganzoo.common.version import __version__

    return __version__


def list_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo list`."""
    parser.add_argument("words", nargs="*", metavar="WORD", help="in names, data, years or variants, such as mnist")
    parser.add_argument("--trained", action="store_true", help="those with a bundled checkpoint")
    parser.add_argument("--json", action="store_true", help="as JSON, with all scores and the papers")


def list_command(options: argparse.Namespace) -> None:
    """List recipes: data, and their bundled checkpoints' sizes and scores."""
    from ganzoo.tools.listing import listed

    print(listed(options.words, options.trained, options.json))


def info_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo info`."""
    parser.add_argument("name", help="a recipe, its file, a checkpoint, a run or a .ckpt")


def info_command(options: argparse.Namespace) -> None:
    """Show a recipe and its paper, a checkpoint's model card, or what a run has come to."""
    from ganzoo.tools.info import about

    print(about(options.name))


def sample_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo sample`."""
    explore.model_arguments(parser)
    parser.add_argument("-n", type=int, help="how many (64; 8 to a row of several truncation factors)")
    parser.add_argument("-o", "--out", type=Path, help="a picture; a .npz file; or a folder, for one PNG each")
    parser.add_argument("--seed", type=int, default=0, help="fixes the draw (0)")
    parser.add_argument("--seeds", help="in place of -n and --seed: an image of each, such as 0-63", **explore.SEEDS)
    parser.add_argument(
        "--labels",
        nargs="+",
        metavar="CLASS",
        help="classes to draw in turn, by name or number, such as cat dog or 0 1; a conditional model only (all)",
    )
    parser.add_argument(
        "--truncation", type=float, nargs="+", default=[1.0], help="factors on the latent vectors, a row for each (1.0)"
    )
    parser.add_argument("--npz", type=Path, help="also write the samples as uint8 NHWC to this .npz file")


def sample_command(options: argparse.Namespace) -> None:
    """Draw samples from a trained model."""
    from ganzoo.tools.sample import write_samples

    for path in write_samples(options):
        print(path)


def translate_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo translate`."""
    explore.model_arguments(parser)
    parser.add_argument("pictures", nargs="+", type=Path, metavar="IN", help="pictures, or folders of them")
    parser.add_argument("-o", "--out", type=Path, required=True, help="a folder, or for one picture a file")
    parser.add_argument("--back", action="store_true", help="from the second domain to the first, if a model can")
    parser.add_argument("--seed", type=int, default=0, help="fixes the noise of a model that has some (0)")
    parser.add_argument(
        "--tile",
        type=int,
        metavar="PIXELS",
        help="sides of the tiles of a large picture, where a model allows them; 0: none (256)",
    )


def translate_command(options: argparse.Namespace) -> None:
    """Translate pictures with a trained model, keeping their names."""
    from ganzoo.tools.translate import translate_files

    done = translate_files(options)
    if done.skipped:
        said = f"skipped {len(done.skipped)} that cannot be translated: {'; '.join(done.skipped)}"
        print(f"ganzoo: {one_line(said)}", file=sys.stderr)
    resized = f"; {done.resized} cropped or resized to what the model takes" if done.resized else ""
    filled = f"; {done.filled} filled with white: the format has no transparency" if done.filled else ""
    what = done.written[0] if len(done.written) == 1 else f"{len(done.written)} pictures in {options.out}"
    print(what, resized, filled, sep="")


def plot_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo plot`."""
    parser.add_argument("run", help="a run folder, or a recipe for its newest run")
    parser.add_argument("-o", "--out", help="the picture to write (plot.png in the run folder)")


def plot_command(options: argparse.Namespace) -> None:
    """Draw a run's curves: losses, D's accuracy, Wasserstein estimate, scores."""
    from ganzoo.tools.plot import plot_run

    print(plot_run(options.run, options.out))


def compare_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo compare`."""
    parser.add_argument("recipes", nargs="+", metavar="RECIPE", help="recipes, or with --checkpoints checkpoints")
    parser.add_argument("--seeds", type=int, nargs="+", help="training seeds (0)")
    parser.add_argument("--steps", type=int, nargs="+", default=[], help="generator updates: of all, or one per recipe")
    parser.add_argument("--images", type=int, help="in place of --steps: real images that every model sees")
    parser.add_argument("--samples", type=int, default=10_000, help="samples that the scores are computed from (10000)")
    parser.add_argument("--checkpoints", action="store_true", help="score bundled checkpoints, train nothing")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of all runs (runs)")
    parser.add_argument("-o", "--out", type=Path, default=Path("comparison"), help="where the table goes (comparison)")
    parser.add_argument("--beside", type=Path, metavar="CSV", help="also show these columns, measured elsewhere")
    parser.add_argument("--readme", type=Path, help="also put the table between its markers in this file")
    parser.add_argument(
        "--table", default="", metavar="NAME", help="use the markers <!-- comparison-NAME:start -->, :end"
    )
    threads.add_option(parser)
    parser.add_argument("--set", dest="overrides", nargs="+", default=[], metavar="KEY=VALUE", help="overrides for all")
    parser.add_argument(
        "--vary",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE,VALUE",
        help="settings to compare of each recipe, such as g_lr=1e-4,2e-4; several make every combination",
    )


def compare_command(options: argparse.Namespace) -> None:
    """Train what is missing, score it, and write the comparison table."""
    from ganzoo.tools.compare.compare import compare

    more = []
    if options.threads is not None:
        threads.limit(options.threads)
        more = [] if options.checkpoints else ["--threads", str(options.threads)]
    written = compare(
        options.recipes,
        options.seeds or ([] if options.checkpoints else [0]),
        steps=options.steps,
        images=options.images,
        runs=options.runs,
        out=options.out,
        samples=options.samples,
        readme=options.readme,
        table=options.table,
        overrides=[*(f"--{override}" for override in options.overrides), *more],
        varied=options.vary,
        checkpoints=options.checkpoints,
        beside=options.beside,
    )
    print(written)


def lab_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo lab`."""
    parser.add_argument(
        "--methods", nargs="+", metavar="NAME", help="some of the methods; `cures` for those in question"
    )
    parser.add_argument("--data", nargs="+", metavar="KIND", choices=("ring", "grid", "swiss_roll", "sine"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="training seeds (0)")
    parser.add_argument("--steps", type=int, default=4000, help="generator updates of each run (4000)")
    parser.add_argument("-o", "--out", type=Path, default=Path("lab"), help="where runs, table and figure go (lab)")
    parser.add_argument("--readme", type=Path, help="a file with the markers of this table, to write it into")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (1)")


def lab_command(options: argparse.Namespace) -> None:
    """Train every objective on points in the plane, and draw them all in one figure."""
    from ganzoo.tools.lab import lab

    names = lab.CURES if options.methods == ["cures"] else options.methods or lab.SHEET
    if options.threads is not None:
        threads.limit(options.threads)
    elif not os.environ.get("OMP_NUM_THREADS"):
        threads.limit(1)  # a second one costs such small networks more than it gives
    lab.run(options.out, names, options.data or lab.KINDS, options.seeds, options.steps, options.readme)


Command = tuple[Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], None]]
COMMANDS: dict[str, Command] = {
    "sample": (sample_arguments, sample_command),
    "translate": (translate_arguments, translate_command),
    "list": (list_arguments, list_command),
    "info": (info_arguments, info_command),
    "compare": (compare_arguments, compare_command),
    "plot": (plot_arguments, plot_command),
    "lab": (lab_arguments, lab_command),
    **judging.COMMANDS,
    **explore.COMMANDS,
    **sharing.COMMANDS,
}
