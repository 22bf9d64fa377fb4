"""Upload of a checkpoint to the Hub, made ready: its files, and its card as the repository is to show it."""

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from ganzoo.checkpoints.folder_format import read_folder
from ganzoo.checkpoints.hub import checkpoint_files, require_names
from ganzoo.checkpoints.licences import UNKNOWN_LICENCE, licence_of, require_licence, with_licence
from ganzoo.checkpoints.locate import locate_checkpoint
from ganzoo.checkpoints.trust import read_text
from ganzoo.common import registry
from ganzoo.common.errors import GanzooError, printable

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
