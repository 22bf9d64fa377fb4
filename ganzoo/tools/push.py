"""The `ganzoo push` command: a checkpoint published on the Hugging Face Hub."""

import sys


def push(
    name: str,
    *,
    repo: str,
    private: bool = False,
    revision: str | None = None,
    message: str | None = None,
    licence: str | None = None,
    dry_run: bool = False,
) -> str:
    """Publish a checkpoint on the Hugging Face Hub in one commit.

    Args:
        name: a checkpoint folder, a run whose export is meant, or a bundled checkpoint.
        repo: USER/NAME on the Hub; made if it is not there.
        private: make it a private one.
        revision: branch to commit to; made if it is not there (main).
        message: of the commit (Publish NAME).
        licence: of the data, such as cc-by-4.0 (what the card says; asked for if that is unknown).
        dry_run: show what would be sent, and send nothing.

    Returns:
        The commit's address, or what would be sent.

    Raises:
        GanzooError: if the checkpoint is not complete or does not load, its licence is missing, or the Hub does not
            take it.
    """
    from ganzoo.checkpoints import publishing
    from ganzoo.checkpoints.hub import require_names
    from ganzoo.checkpoints.licences import UNKNOWN_LICENCE
    from ganzoo.checkpoints.publishing import prepare_upload

    require_names(repo, revision)
    upload = prepare_upload(name, repo, licence, message)
    if dry_run:
        return upload.describe(private, revision)
    if licence is None and upload.licence == UNKNOWN_LICENCE and sys.stdin.isatty():
        licence = input(f"Licence of {upload.folder}'s data, such as cc-by-4.0, or unknown: ").strip()
    return publishing.push(name, repo, private, revision, message, licence or None)
