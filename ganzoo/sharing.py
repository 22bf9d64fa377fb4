"""`ganzoo export`, `push`, `pull`, `card` and `gallery`: checkpoints for other people and other runtimes."""

import argparse
import sys
from pathlib import Path

from ganzoo.common import threads
from ganzoo.common.errors import GanzooError


def export_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo export`."""
    parser.add_argument(
        "name", metavar="RUN", help="a run folder, such as runs/wgan_gp_mnist/version_0; with --format any model"
    )
    parser.add_argument(
        "-o", "--out", type=Path, required=True, help="the checkpoint folder, or with --format the file"
    )
    parser.add_argument("--weights", choices=["best", "last"], help="which weights of a run (best)")
    parser.add_argument("--samples", type=int, help="samples that the scores are computed from (the recipe's number)")
    parser.add_argument(
        "--format", choices=["onnx", "torch_export"], help="write the generator alone, for another runtime, and run it"
    )
    parser.add_argument("--revision", help="branch, tag or commit of a Hub repository")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads that compute the scores (all)")


def export_command(options: argparse.Namespace) -> None:
    """Write a run's weights as a checkpoint folder with a card, or any model's generator for another runtime."""
    given, options.weights = options.weights, options.weights or "best"
    if options.threads is not None:
        threads.limit(options.threads)
    if options.format is None:
        from ganzoo.checkpoints.licences import UNKNOWN
        from ganzoo.training.export import export

        if options.revision is not None:
            raise GanzooError("--revision: it is of a Hub repository; without --format a run is exported.")
        facts = export(Path(options.name), options.out, options.weights, options.samples)
        print(options.out, *(f"{key} {number:.4g}" for key, number in facts.scores.items()), sep="  ")
        if facts.licence == UNKNOWN:
            print(f"licence of {facts.data}: unknown; ganzoo push asks for it, --data.licence says it in training")
        return
    if given and not Path(options.name, f"{given}.ckpt").is_file():
        raise GanzooError(f"--weights: '{options.name}' is no run with a {given}.ckpt; leave it out.")
    from ganzoo.checkpoints.export_formats import write_function

    print(*write_function(options), sep="\n")


def push_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo push`."""
    parser.add_argument("name", help="a checkpoint folder, a run whose export is meant, or a bundled checkpoint")
    parser.add_argument(
        "--repo", required=True, metavar="USER/NAME", help="the Hub repository; made if it is not there"
    )
    parser.add_argument("--private", action="store_true", help="make it a private one")
    parser.add_argument("--revision", help="branch to commit to; made if it is not there (main)")
    parser.add_argument("-m", "--message", help="of the commit (Publish NAME)")
    parser.add_argument(
        "--licence",
        "--license",
        help="of the data, such as cc-by-4.0 (what the card says; asked for if that is unknown)",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be sent, and send nothing")


def push_command(options: argparse.Namespace) -> None:
    """Publish a checkpoint on the Hugging Face Hub in one commit."""
    from ganzoo.checkpoints.hub import require_names
    from ganzoo.checkpoints.licences import UNKNOWN
    from ganzoo.checkpoints.publishing import push
    from ganzoo.checkpoints.upload import prepare

    require_names(options.repo, options.revision)
    upload = prepare(options.name, options.repo, options.licence, options.message)
    if options.dry_run:
        print(upload.describe(options.private, options.revision))
        return
    if options.licence is None and upload.licence == UNKNOWN and sys.stdin.isatty():
        options.licence = input(f"Licence of {upload.folder}'s data, such as cc-by-4.0, or unknown: ").strip()
    print(push(options.name, options.repo, options.private, options.revision, options.message, options.licence or None))


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
    from ganzoo.checkpoints.licences import licence_in
    from ganzoo.checkpoints.publishing import pull

    folder = pull(options.repo, options.out, options.revision, options.trust_remote_code)
    print(folder)
    print(f"licence of its data: {licence_in(folder)}", file=sys.stderr)


def card_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo card`."""
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a checkpoint folder that you changed")


def card_command(options: argparse.Namespace) -> None:
    """Write the hashes of a checkpoint folder's files into its card anew."""
    from ganzoo.checkpoints.hashes import stamp

    for folder in options.folders:
        stamp(folder)
        print(folder / "README.md")


def gallery_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ganzoo gallery`."""
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="checkpoints, their folders, or runs (all bundled checkpoints)"
    )
    parser.add_argument("-o", "--out", type=Path, default=Path("gallery.html"), help="the page (gallery.html)")


def gallery_command(options: argparse.Namespace) -> None:
    """Write a web page of the bundled checkpoints: one file, without anything to fetch."""
    from ganzoo.tools.gallery.gallery import write_gallery

    print(write_gallery(options.out, options.names))


COMMANDS = {
    "export": (export_arguments, export_command),
    "push": (push_arguments, push_command),
    "pull": (pull_arguments, pull_command),
    "card": (card_arguments, card_command),
    "gallery": (gallery_arguments, gallery_command),
}
