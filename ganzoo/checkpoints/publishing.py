"""Publishing of checkpoints on the Hugging Face Hub, and copying of published ones."""

import shutil
from contextlib import ExitStack
from pathlib import Path

from ganzoo.checkpoints.folder_format import read_folder
from ganzoo.checkpoints.hub import checkpoint_files, download, hub_errors_in_one_line, hub_timeouts, require_names
from ganzoo.checkpoints.licences import UNKNOWN_LICENCE
from ganzoo.checkpoints.upload import prepare_upload
from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write


def pull(
    repo: str, folder: str | Path | None = None, revision: str | None = None, trust_remote_code: bool = False
) -> Path:
    """Copies a checkpoint from the Hub into a folder of its own, once it has been found to load.

    Args:
        repo: USER/NAME.
        folder: where to; by default a folder NAME in the present one. It must be new, or empty.
        revision: branch, tag or commit.
        trust_remote_code: see `ganzoo.load`. A folder on disk is trusted from then on.

    Returns:
        The folder.

    Raises:
        GanzooError: if there is no such repository, its checkpoint is refused, or the folder holds something.
    """
    require_names(repo, revision)
    out = Path(folder or repo.partition("/")[2]).expanduser()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise GanzooError(f"-o: '{out}' is there already; name a new or an empty folder.")
    snapshot = download(repo, revision, pictures=True)
    read_folder(snapshot, trusted=trust_remote_code)
    with ExitStack() as stack:
        for file in checkpoint_files(snapshot):
            shutil.copyfile(file, stack.enter_context(atomic_write(out / file.name)))
    return out


def push(
    name: str | Path,
    repo: str,
    private: bool = False,
    revision: str | None = None,
    message: str | None = None,
    licence: str | None = None,
) -> str:
    """Publishes a checkpoint folder on the Hub in one commit; the repository is made if it is not there.

    Args:
        name: a checkpoint folder, a run whose export is meant, or a bundled checkpoint.
        repo: USER/NAME.
        private: make the repository private; refused where it is there already and public.
        revision: branch, made from the main one if it is not there; the main one by default.
        message: of the commit.
        licence: of the data, such as `cc-by-4.0`, to stand in the card that is sent; must be given where the card knows
            none, and `unknown` says that nobody knows.

    Returns:
        The commit's address.

    Raises:
        GanzooError: if the checkpoint is not complete or does not load, its licence is missing, or the Hub does not
            take it.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    require_names(repo, revision)
    upload = prepare_upload(name, repo, licence, message)
    if licence is None and upload.licence == UNKNOWN_LICENCE:
        raise GanzooError(
            f"--licence: the card of '{name}' knows none of its data; name it, such as --licence cc-by-4.0, or say "
            "--licence unknown."
        )
    with hub_errors_in_one_line(f"cannot push to '{repo}'", revision), hub_timeouts():
        hub = HfApi(library_name="ganzoo")
        hub.create_repo(repo, private=private or None, exist_ok=True)
        if private and not hub.model_info(repo).private:
            raise GanzooError(f"--private: '{repo}' is there already, and public.")
        if revision is not None:
            hub.create_branch(repo, branch=revision, exist_ok=True)
        commit = hub.create_commit(
            repo,
            [CommitOperationAdd(name, content) for name, content in upload.contents().items()],
            commit_message=upload.message,
            revision=revision,
        )
    return commit.commit_url
