"""Hashes in a model card's metadata: loading refuses files that are not those that were written."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write
from ganzoo.common.program import command

HASHED = ("recipe.yaml", "model.safetensors")
METADATA = re.compile(r"---\n(.*?\n)---\n", re.DOTALL)


def sha256(file: Path) -> str:
    """Returns a file's sha256, hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def card_metadata(card: str) -> dict[str, Any]:
    """Returns the metadata that a card begins with; nothing if it has none.

    Raises:
        ValueError: if they are no plain YAML mapping.
    """
    from ganzoo.checkpoints.trust import (
        parse_yaml,
    )  # not above: it takes PyTorch, of which who strips a card has no need

    block = METADATA.match(card)
    read = parse_yaml(block[1]) if block else {}
    if not isinstance(read, dict):
        raise ValueError("they are no mapping")
    return read


def training_facts(card: str) -> dict[str, Any]:
    """Returns the `ganzoo:` block of a card's metadata, a stranger's perhaps; empty if none makes sense."""
    try:
        block = card_metadata(card).get("ganzoo")
    except ValueError:
        block = None
    return block if isinstance(block, dict) else {}


def with_hashes(card: str, hashes: dict[str, str]) -> str:
    """Returns a card whose metadata hold these hashes.

    Args:
        card: in Markdown, with or without metadata.
        hashes: sha256 of `recipe.yaml` and `model.safetensors`.

    Raises:
        ValueError: if its metadata cannot be read.
    """
    about = card_metadata(card)
    about["ganzoo"] = {**about.get("ganzoo", {}), "sha256": hashes}
    text = METADATA.sub("", card, count=1) if METADATA.match(card) else f"\n{card}"
    return f"---\n{yaml.safe_dump(about, sort_keys=False)}---\n{text}"


def require_unchanged(folder: Path, card: str, digests: Mapping[str, str], own: bool = True) -> None:
    """Raises GanzooError if a checkpoint folder's files are not those of the hashes in its card, where it has some.

    Args:
        folder: where the files are.
        card: what its `README.md` says.
        digests: sha256 of `recipe.yaml` and `model.safetensors`, as they were read.
        own: whether the user may have changed it; the message then says how to go on.

    Raises:
        GanzooError: if a file is not the one that the card was written for, or the card's metadata are damaged.
    """
    try:
        hashes = card_metadata(card).get("ganzoo", {}).get("sha256", {})
        expected = {name: hashes.get(name) for name in HASHED}
    except (ValueError, AttributeError) as error:
        raise GanzooError(f"'{folder / 'README.md'}' has damaged metadata.") from error
    for name, hash_ in expected.items():
        if hash_ is not None and hash_ != digests[name]:
            advice = f" If you changed it, `{command('card', folder)}` writes the card's hashes anew." if own else ""
            raise GanzooError(
                f"'{folder / name}' is not the file that its card was written for: the sha256 differs.{advice}"
            )


def write_hashes(folder: Path) -> None:
    """Writes the hashes of a checkpoint folder's files into its card anew.

    Raises:
        GanzooError: if a file is missing, or the card's metadata are damaged.
    """
    from ganzoo.checkpoints.trust import read_text

    card = folder / "README.md"
    for file in (card, *(folder / name for name in HASHED)):
        if not file.is_file():
            raise GanzooError(f"'{folder}' is not a complete checkpoint: {file.name} is missing.")
    try:
        text = with_hashes(read_text(card), {name: sha256(folder / name) for name in HASHED})
    except (ValueError, TypeError) as error:
        raise GanzooError(f"'{card}' has damaged metadata.") from error
    with atomic_write(card) as file:
        file.write_text(text, encoding="utf-8")
