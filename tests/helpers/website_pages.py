"""The documentation site's modules, which are in no package, and what its configuration says."""

import sys
from pathlib import Path
from typing import Any

import yaml

TREE = Path(__file__).parents[2]
sys.path.insert(0, str(TREE / "docs"))  # where `website` is

from website import links, live, pages, reference, variants  # noqa: E402

__all__ = ["TREE", "links", "live", "navigation", "pages", "reference", "settings", "variants"]


class Plain(yaml.SafeLoader):
    """Loader that reads MkDocs' own tags, such as `!ENV`, as nothing."""


Plain.add_multi_constructor("", lambda loader, suffix, node: None)


def settings() -> dict[str, Any]:
    """Returns what mkdocs.yml says."""
    return yaml.load((TREE / "mkdocs.yml").read_text(encoding="utf-8"), Plain)


def navigation(entries: Any) -> list[str]:
    """Returns the pages of a navigation, from top to bottom."""
    if isinstance(entries, str):
        return [entries]
    below = entries.values() if isinstance(entries, dict) else entries
    return [page for each in below for page in navigation(each)]
