"""`ganzoo evaluate`: how good samples are, whoever made them. Imports nothing heavy."""

import argparse
from pathlib import Path

from ganzoo.common import threads


def evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo evaluate`."""
    parser.add_argument(
        "name",
        metavar="NAME",
        help="a bundled checkpoint, a checkpoint folder, a run, a .ckpt, a Hub repository, or pictures (folder or zip)",
    )
    parser.add_argument(
        "--data",
        help="mnist, fashion_mnist, cifar10, digits, or a folder or zip of pictures to compare with (the recipe's)",
    )
    parser.add_argument(
        "--metrics",
        nargs="+",
        metavar="SCORE",
        help="fid is kid prdc accuracy swd ms_ssim memorisation (what suits model, data and extractor)",
    )
    parser.add_argument("--features", help="extractor: mnist, cifar10, inception, or the path of one (the recipe's)")
    parser.add_argument("--samples", type=int, help="how many to draw (10000); of pictures, how many of them (all)")
    parser.add_argument("--seed", type=int, help="of samples and of all that is random in a score (the recipe's, or 0)")
    parser.add_argument("-k", type=int, default=5, help="neighbours in precision, recall, density and coverage (5)")
    parser.add_argument(
        "--bootstrap", type=int, default=200, metavar="N", help="resamples for intervals; 0: none (200)"
    )
    parser.add_argument("--level", type=float, default=0.95, help="of the intervals (0.95)")
    parser.add_argument("--size", type=int, help="resize pictures of unlike sizes to so many pixels")
    parser.add_argument("--channels", type=int, choices=[1, 3], help="read pictures as grey (1) or in colour (3)")
    parser.add_argument("--weights", choices=["best", "last"], help="which of a run's (best)")
    parser.add_argument("--root", help="folder of a named data set ($GANZOO_DATA, else ./data)")
    parser.add_argument("--revision", help="branch, tag or commit of a Hub repository")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, mps (cpu)")
    threads.add_option(parser)
    parser.add_argument("-o", "--out", type=Path, help="the JSON file to write (NAME-scores.json)")


def evaluate_command(options: argparse.Namespace) -> None:
    """Score a model's samples, or pictures, and write down everything that the numbers depend on."""
    from ganzoo.tools.evaluate.report import write_evaluation

    write_evaluation(options)


COMMANDS = {"evaluate": (evaluate_arguments, evaluate_command)}
