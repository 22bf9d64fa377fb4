"""Download of checkpoint folders from the Hugging Face Hub, and one-line errors of its client without tokens.

Its own client does the talking, and finds the user's token itself; nothing here is ever given one. What the client
says when it fails is said anew: it may quote what a server sent, and a server has seen the token.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ganzoo.checkpoints.folder_format import CURVES, FILES
from ganzoo.checkpoints.locate import PART, REPO_ID
from ganzoo.common.errors import GanzooError

log = logging.getLogger(__name__)

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".mp4")
REVISION = re.compile(f"{PART}(/{PART})*")
SILENCE = 60.0  # seconds


def download(repo: str, revision: str | None = None, pictures: bool = False) -> Path:
    """Fetches a checkpoint folder into the Hub's cache, or finds it there if the Hub cannot be reached.

    Args:
        repo: USER/NAME.
        revision: branch, tag or commit.
        pictures: also those besides `samples.png`.

    Returns:
        The folder in the cache. What its files hold has not been checked yet.

    Raises:
        GanzooError: if the repository is not there, or cannot be reached and is not cached.
    """
    from huggingface_hub import snapshot_download

    require_names(repo, revision)
    patterns = [*FILES, CURVES, *(f"*{suffix}" for suffix in PICTURES if pictures)]
    with hub_errors_in_one_line(f"cannot fetch '{repo}' from the Hub", revision), hub_timeouts():
        snapshot = snapshot_download(repo, revision=revision, allow_patterns=patterns, ignore_patterns=["*/*"])
    checkpoint_files(Path(snapshot))  # they lie where they should
    return Path(snapshot)


def checkpoint_files(folder: Path) -> list[Path]:
    """Returns the files of a checkpoint: its own and every picture beside them.

    Raises:
        GanzooError: if one is a link that leads out of the folder, or out of the Hub's cache.
    """
    own = {*FILES, CURVES}
    files = [file for file in sorted(folder.iterdir()) if file.name in own or file.suffix.lower() in PICTURES]
    files = [file for file in files if file.is_file() and re.fullmatch(PART, file.name)]
    for file in files:
        require_inside(file)
    return files


def require_inside(file: Path) -> None:
    """Raises GanzooError if a file is a link that leads out of its folder or the Hub's cache.

    In the Hub's cache CACHE/REPOSITORY/snapshots/COMMIT/FILE is a link to what CACHE keeps by its hash.
    """
    folder = file.parent.resolve()
    home = folder.parents[2] if folder.parent.name == "snapshots" else folder
    if not file.resolve().is_relative_to(home):
        raise GanzooError(f"'{file}' is a link that leads out of '{home}'.")


def require_names(repo: str, revision: str | None) -> None:
    """Raises GanzooError if a repository or a revision has no proper name; names end in addresses and cache paths."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        if not REPO_ID.fullmatch(repo):
            raise HFValidationError
        validate_repo_id(repo)
    except HFValidationError as error:
        raise GanzooError(f"repo: '{repo}' given, but it must be USER/NAME, as on the Hub.") from error
    if revision is not None and (not REVISION.fullmatch(revision) or ".." in revision):
        raise GanzooError(f"revision: '{revision}' given, but it must be a branch, a tag or a commit.")


@contextmanager
def hub_timeouts(seconds: float | None = None) -> Iterator[None]:
    """Context manager: timeouts for the Hub's client, which by default would wait for ever for a silent server."""
    from huggingface_hub.utils import get_session

    limit = SILENCE if seconds is None else seconds

    def hurry(request: Any) -> None:
        timeouts = request.extensions.get("timeout", {})
        request.extensions["timeout"] = {
            kind: limit if timeouts.get(kind) is None else timeouts[kind]
            for kind in ("connect", "read", "write", "pool")
        }

    hooks = getattr(get_session(), "event_hooks", {"request": []})["request"]
    hooks.append(hurry)
    try:
        yield
    finally:
        hooks.remove(hurry)


@contextmanager
def hub_errors_in_one_line(what: str, revision: str | None) -> Iterator[None]:
    """Context manager: turns errors of the Hub's client into a GanzooError of one line, without the token."""
    try:
        yield
    except GanzooError:
        raise
    except Exception as error:  # its own, its HTTP client's, and those of answers that make no sense
        # `from None`, so that no traceback shows the error, which may quote the server
        raise GanzooError(f"{what}: {without_token(hub_error_text(error, revision))}.") from None


def hub_error_text(error: Exception, revision: str | None) -> str:
    """Returns why the Hub's client gave up; may quote the server."""
    from huggingface_hub import constants, errors

    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        return f"{hub_error_text(error.__cause__, revision)}, and it is not in the cache"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE forbids to ask it"
    if isinstance(error, errors.GatedRepoError):
        return "its authors want to be asked first, on its page"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"it has no revision '{revision}'"
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        known = {
            401: "it asks for a token, or does not know yours; `hf auth login` sets one",
            403: "your token does not allow that",
            404: "it is not there, or you may not see it; `hf auth login` if it is private",
        }
        message = f": {error.server_message}" if getattr(error, "server_message", None) else ""
        missing = isinstance(error, errors.RepositoryNotFoundError)
        return f"{known[404 if missing else status] if missing or status in known else 'it failed'} ({status}{message})"
    if isinstance(error, errors.HTTPError | OSError):
        return f"{urlsplit(constants.ENDPOINT).hostname} cannot be reached ({type(error).__name__})"
    if isinstance(error.__cause__, errors.HTTPError | OSError):  # of one of several uploads
        return hub_error_text(error.__cause__, revision)
    if "JSON" in type(error).__name__:
        return f"{urlsplit(constants.ENDPOINT).hostname} gives answers that make no sense ({type(error).__name__})"
    return f"{type(error).__name__}: {error}"


def without_token(text: str) -> str:
    """Returns text in which the user's token, and whatever looks like one, is blotted out."""
    from huggingface_hub import get_token

    try:
        token = get_token()
    except Exception:  # one that cannot be read
        token = None
    return re.sub(r"hf_\w{16,}", "***", text.replace(token, "***") if token else text)
