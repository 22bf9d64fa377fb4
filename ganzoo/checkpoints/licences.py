"""Licence of a checkpoint's data, in the words of its card and in the Hub's metadata."""

import re
from pathlib import Path
from typing import Any

import yaml

from ganzoo.checkpoints.hashes import METADATA, card_metadata
from ganzoo.checkpoints.trust import read_text
from ganzoo.common.errors import GanzooError, one_line

UNKNOWN_LICENCE = "unknown"  # licence
# The Hub's names of licences, as far as pictures and models have them; each is `other` there that has none.
LICENCES = (
    *("cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0"),
    *("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0"),
    *("cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "pddl", "odbl", "odc-by"),
    *("mit", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "gpl-3.0", "unlicense", UNKNOWN_LICENCE),
)
ASK = "It is not known under which terms the data may be used: find out before you share this."
DATA_LINE = re.compile(r"^- Data: (?P<data>.*?), licence: (?P<licence>.*?)\.(?= |$)(?P<source>.*)$", re.MULTILINE)


def hub_licence(licence: str) -> dict[str, str]:
    """Returns a licence as the Hub's metadata state it: by the Hub's own name, or as `other` with ours."""
    if licence == "public domain":
        return {"license": "cc0-1.0"}
    name = "-".join(licence.lower().split())
    if name in LICENCES:
        return {"license": name}
    return {"license": "other", "license_name": re.sub(r"[^\w.]+", "-", licence.lower()).strip("-")}


def data_line(data: str, licence: str, source: str = "") -> str:
    """Returns the line that says what data a model has learnt from, and under which terms."""
    return f"- Data: {data}, licence: {licence}. {source}".rstrip()


def licence_of(card: str) -> str:
    """Returns the licence of the data that a card names: `unknown` if it names none."""
    line = DATA_LINE.search(card)
    if line:
        return line["licence"]
    about: Any = card_metadata(card)
    licence = about.get("license_name", about.get("license"))
    return licence if isinstance(licence, str) else UNKNOWN_LICENCE


def licence_in(folder: Path) -> str:
    """Returns the licence of a checkpoint folder's data, on one printable line; `unknown` without a card."""
    card = folder / "README.md"
    try:
        return one_line(licence_of(read_text(card))) if card.is_file() else UNKNOWN_LICENCE
    except ValueError:  # metadata that nobody can read
        return UNKNOWN_LICENCE


def with_licence(card: str, licence: str) -> str:
    """Returns a card that names another licence, in its metadata and in words.

    Raises:
        ValueError: if its metadata cannot be read.
    """
    about = {name: value for name, value in card_metadata(card).items() if not name.startswith("license")}
    about |= hub_licence(licence)
    text = METADATA.sub("", card, count=1) if METADATA.match(card) else f"\n{card}"
    text = DATA_LINE.sub(lambda line: f"{data_line(line['data'], licence)}{line['source']}", text, count=1)
    if licence != UNKNOWN_LICENCE:
        text = text.replace(f"\n\n{ASK}", "")
    return f"---\n{yaml.safe_dump(about, sort_keys=False)}---\n{text}"


def require_licence(licence: str, field: str) -> None:
    """Checks a licence that somebody has typed.

    Raises:
        GanzooError: if it is empty, or longer than a name.
    """
    if not licence.strip() or "\n" in licence or len(licence) > 100:
        raise GanzooError(f"{field}: '{licence[:100]}' given, but it must be a name, such as cc-by-4.0 or MIT.")
