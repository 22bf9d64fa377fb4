"""The `ganzoo pull` command: a checkpoint copied from the Hugging Face Hub."""

import sys
from pathlib import Path


def pull(repo: str, *, out: Path | None = None, revision: str | None = None, trust_remote_code: bool = False) -> Path:
    """Copy a checkpoint from the Hugging Face Hub into a folder, once it has been found to load.

    Args:
        repo: USER/NAME on the Hub.
        out: a new or an empty folder (NAME).
        revision: branch, tag or commit; a commit's hash pins what you get (main).
        trust_remote_code: let its recipe name classes of any package you have installed.

    Returns:
        The folder. The licence of its data is said on the error stream.

    Raises:
        GanzooError: if there is no such repository, its checkpoint is refused, or the folder holds something.
    """
    from ganzoo.checkpoints import publishing
    from ganzoo.checkpoints.licences import licence_in

    folder = publishing.pull(repo, out, revision, trust_remote_code)
    print(f"licence of its data: {licence_in(folder)}", file=sys.stderr)
    return folder
