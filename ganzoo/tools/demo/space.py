"""Folder of a Hugging Face Space: a page of one model that runs as it is."""

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader

from ganzoo.checkpoints.hashes import card_metadata
from ganzoo.checkpoints.hub import checkpoint_files
from ganzoo.checkpoints.locate import locate, locate_checkpoint
from ganzoo.common import registry
from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write
from ganzoo.common.version import __version__
from ganzoo.tools.demo.exhibit import describe, open_exhibit
from ganzoo.tools.demo.serving import require_gradio

LARGEST = 10 * 2**20  # bytes of a file, which a Space takes without Git LFS
TEMPLATES = {"app.py": "app.txt", "requirements.txt": "requirements.txt", "README.md": "readme.txt"}
LICENCE = ("license", "license_name", "license_link")
LEAST_TORCH = "2.11"  # as in pyproject.toml


def write_space(name: str, out: Path, revision: str | None = None) -> str:
    """Writes what a Space needs to show a model: `app.py`, `requirements.txt`, `README.md`, and the checkpoint.

    A Hub repository is not copied but named, by its commit: what lies on a disk is trusted, and that is a stranger's.

    Args:
        name: a checkpoint, a checkpoint folder, a run with an export, or a Hub repository.
        out: the folder, new or empty.
        revision: of a Hub repository.

    Returns:
        What was written, and how to run it.

    Raises:
        GanzooError: if the folder holds something, or the model cannot be loaded or shown, or is too large.
    """
    gradio = require_gradio()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise GanzooError(f"--space: '{out}' is there already; name a new or an empty folder.")
    own = locate(name, revision).own
    checkpoint = locate_checkpoint(name) if own else None
    files = [] if checkpoint is None else checkpoint_files(checkpoint)
    for file in files:
        if file.stat().st_size > LARGEST:
            size = f"{file.stat().st_size / 1e6:.0f} MB, more than the {LARGEST // 2**20} of a Space's files"
            hint = "publish it with ganzoo push, and name its repository: ganzoo demo USER/NAME --space FOLDER"
            raise GanzooError(f"--space: '{file}' has {size}; {hint}.")
    exhibit = open_exhibit(str(checkpoint or name), revision)
    about, folder = describe(exhibit), registry.title_of(checkpoint) if checkpoint is not None else ""
    origin = exhibit.model.origin
    values: dict[str, Any] = {
        "title": about.title,
        "sentence": about.sentence,
        "folder": folder,
        "repository": "" if own else name,
        "revision": "" if own or origin is None else origin.commit,
        "version": __version__,
        "gradio": gradio,
        "torch": LEAST_TORCH,
        "metadata": yaml.safe_dump(front_matter(about.title, exhibit.model.card, gradio, name, own), sort_keys=False),
    }
    page = Environment(
        loader=PackageLoader("ganzoo.tools.demo", "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # these are no web pages
    )
    with ExitStack() as stack:
        for file in files:
            shutil.copyfile(file, stack.enter_context(atomic_write(out / folder / file.name)))
        for target, template in TEMPLATES.items():
            text = page.get_template(template).render(**values)
            stack.enter_context(atomic_write(out / target)).write_text(text, encoding="utf-8")
    return f"{out}: python {out / 'app.py'} runs it; hf upload USER/SPACE {out} --repo-type space publishes it."


def front_matter(title: str, card: str, gradio: str, name: str, own: bool) -> dict[str, Any]:
    """Returns the metadata that a Space's README begins with.

    Args:
        title: of the page.
        card: the checkpoint's; its licence is taken over.
        gradio: version of the page's library.
        name: of the model.
        own: whether it lies in the folder; else it is a repository's.
    """
    try:
        about = card_metadata(card or "")
    except ValueError:
        about = {}
    return {
        "title": title,
        "colorFrom": "indigo",
        "colorTo": "gray",
        "sdk": "gradio",
        "sdk_version": gradio,
        "python_version": "3.12",
        "app_file": "app.py",
        "pinned": False,
        **{key: value for key, value in about.items() if key in LICENCE and isinstance(value, str)},
        **({} if own else {"models": [name]}),
        "tags": ["gan", "ganzoo"],
    }
