"""Publishing of checkpoints on the Hugging Face Hub, and copying of published ones."""

import logging
import re
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ganzoo.checkpoints.folder_format import read_folder
from ganzoo.checkpoints.hub import checkpoint_files, download, hub_errors_in_one_line, hub_timeouts, require_names
from ganzoo.checkpoints.licences import UNKNOWN_LICENCE, licence_of, require_licence, with_licence
from ganzoo.checkpoints.locate import locate_checkpoint
from ganzoo.checkpoints.trust import read_text
from ganzoo.common import registry
from ganzoo.common.errors import GanzooError, printable
from ganzoo.common.files import atomic_write

log = logging.getLogger(__name__)

# Of how to load and use it, in the card.
LOADED = re.compile(r'(?<=ganzoo\.load\(")[^"]*(?="\))')
USED = re.compile(r"(?<=^ganzoo )(sample|translate) ('[^']*'|\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Upload:
    """Contents of a commit that has not been made yet.

    Attributes:
        folder: The checkpoint's.
        repo: USER/NAME.
        files: What belongs to the checkpoint, without its card.
        card: As it is sent: it names the repository.
        licence: Of the data, as the card says it.
        message: Of the commit.
    """

    folder: Path
    repo: str
    files: list[Path]
    card: str
    licence: str
    message: str

    def contents(self) -> dict[str, Path | bytes]:
        """Returns the files that are sent by their names in the repository."""
        return {"README.md": self.card.encode(), **{file.name: file for file in self.files}}

    def describe(self, private: bool = False, revision: str | None = None) -> str:
        """Returns a preview in lines: repository, files with sizes, licence, and the beginning of the card."""
        sizes = {file.name: file.stat().st_size for file in self.files} | {"README.md": len(self.card.encode())}
        width = max(map(len, sizes))
        lines = [
            f"repository  {self.repo} ({'private' if private else 'public'}), branch {revision or 'main'}",
            f"commit      {self.message}",
            f"licence     {self.licence}{'; --licence names it' if self.licence == UNKNOWN_LICENCE else ''}",
            *(f"file        {name:{width}}  {_size(sizes[name]):>9}" for name in sorted(sizes)),
            f"together    {'':{width}}  {_size(sum(sizes.values())):>9}",
            "card",
            *(f"    {line}".rstrip() for line in printable(self.card.partition("\n## ")[0]).splitlines()),
        ]
        return "\n".join(lines)


def prepare_upload(name: str | Path, repo: str, licence: str | None = None, message: str | None = None) -> Upload:
    """Returns the upload that a push sends; asks the Hub nothing.

    Args:
        name: A checkpoint folder, a run whose export is meant, or a bundled checkpoint.
        repo: USER/NAME.
        licence: Of the data, to stand in the card that is sent; what the card says by default.
        message: Of the commit.

    Raises:
        GanzooError: The checkpoint is not complete or does not load, or a name does not fit.
    """
    folder = locate_checkpoint(name)
    require_names(repo, None)
    read_folder(folder)
    try:
        read_folder(folder, trusted=False)
    except GanzooError as error:
        log.warning("others can load this only with trust_remote_code=True: %s", error)
    files = checkpoint_files(folder)
    if folder / "README.md" not in files:
        raise GanzooError(f"'{folder}' is not a complete checkpoint: README.md is missing.")
    card = read_text(folder / "README.md")
    if licence is not None:
        require_licence(licence, "--licence")
        card = with_licence(card, licence)
    card = USED.sub(rf"\1 {repo}", LOADED.sub(repo, card))
    return Upload(
        folder,
        repo,
        [file for file in files if file.name != "README.md"],
        card,
        licence_of(card),
        message or f"Publish {registry.title_of(folder)}",
    )


def _size(count: int) -> str:
    return f"{count:,} B" if count < 1000 else f"{count / 1e3:,.1f} kB" if count < 1e6 else f"{count / 1e6:,.1f} MB"


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
