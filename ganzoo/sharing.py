"""`ganzoo push`, `ganzoo pull` and `ganzoo card`: checkpoints between people."""

import argparse
from pathlib import Path


def push_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo push`."""
    parser.add_argument("name", help="a bundled checkpoint, or a checkpoint folder such as RUN/export")
    parser.add_argument(
        "--repo", required=True, metavar="USER/NAME", help="the Hub repository; made if it is not there"
    )
    parser.add_argument("--private", action="store_true", help="make it a private one")
    parser.add_argument("--revision", help="branch to commit to; made if it is not there (main)")
    parser.add_argument("-m", "--message", help="of the commit (Publish NAME)")


def push_command(options: argparse.Namespace) -> None:
    """Publish a checkpoint on the Hugging Face Hub in one commit."""
    from ganzoo.repository import push

    print(push(options.name, options.repo, options.private, options.revision, options.message))


def pull_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo pull`."""
    parser.add_argument("repo", metavar="USER/NAME", help="the Hub repository")
    parser.add_argument("-o", "--out", type=Path, metavar="FOLDER", help="a new or an empty folder (NAME)")
    parser.add_argument("--revision", help="branch, tag or commit; a commit's hash pins what you get (main)")
    parser.add_argument(
        "--trust-remote-code", action="store_true", help="let its recipe name classes of any package you have installed"
    )


def pull_command(options: argparse.Namespace) -> None:
    """Copy a checkpoint from the Hugging Face Hub into a folder, once it has been found to load."""
    from ganzoo.repository import pull

    print(pull(options.repo, options.out, options.revision, options.trust_remote_code))


def card_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo card`."""
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a checkpoint folder that you changed")


def card_command(options: argparse.Namespace) -> None:
    """Write the hashes of a checkpoint folder's files into its card anew."""
    from ganzoo.stamp import stamp

    for folder in options.folders:
        stamp(folder)
        print(folder / "README.md")


COMMANDS = {
    "push": (push_arguments, push_command),
    "pull": (pull_arguments, pull_command),
    "card": (card_arguments, card_command),
}
