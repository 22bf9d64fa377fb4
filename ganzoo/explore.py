"""The commands that look into a trained model: its latent space and its discriminator. Imports nothing heavy."""

import argparse
import re
from pathlib import Path
from typing import Any

from ganzoo.common import threads


def seed_range(text: str) -> list[int]:
    """Reads `3`, `0-5` or `1,4,7-9` as a list of seeds.

    Raises:
        ArgumentTypeError: if it is nothing of the kind.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if match is None or int(match[2] or match[1]) < int(match[1]):
            raise argparse.ArgumentTypeError(
                f"'{text}' is no seed, such as 3, nor a range of them, such as 0-5 or 1,4-6"
            )
        seeds += range(int(match[1]), int(match[2] or match[1]) + 1)
    return seeds


class Seeds(argparse.Action):
    """Joins what `seed_range` has read of several words."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        """Keeps one list of seeds."""
        setattr(namespace, self.dest, [seed for part in values for seed in part])


SEEDS: dict[str, Any] = {"type": seed_range, "nargs": "+", "action": Seeds, "metavar": "SEED"}


def model_arguments(parser: argparse.ArgumentParser) -> None:
    """What every command takes that loads a model."""
    parser.add_argument("name", help="a bundled checkpoint, a checkpoint folder, a run, a .ckpt, or a Hub repository")
    parser.add_argument("--revision", help="branch, tag or commit of a Hub repository")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, mps (cpu)")
    threads.add_option(parser)


def drawing_arguments(parser: argparse.ArgumentParser, file: str) -> None:
    """What every command takes that draws a sheet of a model's images."""
    model_arguments(parser)
    parser.add_argument("-o", "--out", type=Path, help=f"the picture to write ({file})")
    parser.add_argument("--truncation", type=float, default=1.0, help="factor on the latent vectors (1.0)")


def interpolate_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo interpolate`."""
    drawing_arguments(parser, "NAME-walk.png; a movie if it ends in .gif or .mp4")
    stops = parser.add_mutually_exclusive_group()
    stops.add_argument("--seeds", help="stops: the images of these seeds, such as 3 14 15 or 0-5", **SEEDS)
    stops.add_argument("--seed", type=int, default=0, help="stops: the first -n images of one seed's draw (0)")
    parser.add_argument("-n", type=int, default=5, help="how many stops, without --seeds (5)")
    parser.add_argument("--steps", type=int, default=16, help="pictures from one stop to the next (16)")
    parser.add_argument(
        "--mode", choices=["linear", "spherical"], help="the way between stops (spherical for a normal prior)"
    )
    parser.add_argument(
        "--labels",
        nargs="+",
        metavar="CLASS",
        help="classes by name or number, kept on the way: rows in turn, or side by side in a movie (all)",
    )
    parser.add_argument("--loop", action="store_true", help="go back from the last stop to the first")
    parser.add_argument("--fps", type=float, default=16.0, help="frames per second of a movie (16)")


def interpolate_command(options: argparse.Namespace) -> None:
    """Draw what lies between images of a model: a picture or a movie."""
    from ganzoo.tools.interpolate import write_walk

    print(write_walk(options))


def arithmetic_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo arithmetic`."""
    drawing_arguments(parser, "NAME-arithmetic.png")
    parser.add_argument("--plus", required=True, help="seeds whose mean is added, such as 3 14 15 or 0-5", **SEEDS)
    parser.add_argument("--minus", required=True, help="seeds whose mean is subtracted", **SEEDS)
    parser.add_argument("--base", default=[], help="seeds to whose mean this happens (none)", **SEEDS)
    parser.add_argument(
        "--label", metavar="CLASS", help="class of all images by name or number; a conditional model only (0)"
    )


def arithmetic_command(options: argparse.Namespace) -> None:
    """Add and subtract the latent vectors of images."""
    from ganzoo.tools.arithmetic import write_sum

    print(write_sum(options))


def factorise_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo factorise`."""
    drawing_arguments(parser, "NAME-directions.png")
    parser.add_argument("--directions", type=int, default=5, help="how many, the strongest first (5)")
    parser.add_argument("--span", type=float, default=3.0, help="how far to go each way, in the latent space (3)")
    parser.add_argument("--steps", type=int, default=7, help="images of each direction (7)")
    parser.add_argument("--seed", type=int, default=0, help="the image to change (0)")
    parser.add_argument("--label", metavar="CLASS", help="its class by name or number; a conditional model only (0)")


def factorise_command(options: argparse.Namespace) -> None:
    """Find and draw the latent directions that a generator's first layer answers to most."""
    from ganzoo.tools.factorise import write_directions

    print(write_directions(options))


def probe_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo probe`."""
    model_arguments(parser)
    parser.add_argument(
        "--data", required=True, help="mnist, fashion_mnist, cifar10, digits, or a folder or zip of pictures by class"
    )
    parser.add_argument("--root", help="folder of a named data set ($GANZOO_DATA, else ./data)")
    parser.add_argument("--train-size", type=int, default=10_000, help="training images at most (10000)")
    parser.add_argument("--seed", type=int, default=0, help="chooses the training images (0)")
    parser.add_argument("--json", type=Path, help="also write the result to this file")


def probe_command(options: argparse.Namespace) -> None:
    """Classify images by what a discriminator sees in them, and by their raw pixels."""
    from ganzoo.tools.probe import write_probe

    write_probe(options)


COMMANDS = {
    "interpolate": (interpolate_arguments, interpolate_command),
    "arithmetic": (arithmetic_arguments, arithmetic_command),
    "factorise": (factorise_arguments, factorise_command),
    "probe": (probe_arguments, probe_command),
}
