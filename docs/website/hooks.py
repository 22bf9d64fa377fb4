"""Hooks of MkDocs: the pages and files that are not in docs/, their places in the navigation, and links.

https://www.mkdocs.org/user-guide/configuration/#hooks
"""

import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

DOCS = Path(__file__).parents[1]
sys.path.insert(0, str(DOCS))  # where this package is, which is in no other

from website import links, live, pages, reference, variants  # noqa: E402

ASSETS = Path(__file__).with_name("assets")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fills the navigation's places of variants and classes."""
    variants.read_variant.cache_clear()  # as files may have changed while pages are served
    groups = [
        {title: [{one.title: f"models/{one.name}.md"} for one in group]} for title, group in variants.grouped().items()
    ]
    rooms = [{title: f"reference/{room}.md"} for room, (title, _) in reference.ROOMS.items()]
    filled: dict[str, list[Any]] = {
        "models/index.md": ["models/index.md", *groups],
        "reference/index.md": ["reference/index.md", *rooms],
    }
    config.nav = [{title: filled.get(str(entry), entry) for title, entry in item.items()} for item in config.nav or []]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds pages that are made here, what guides link to outside docs/, and what live samplers fetch."""
    for place, text in pages.made_pages().items():
        files.append(File.generated(config, place, content=text))
    guides = [file.src_uri for file in files.documentation_pages() if file.generated_by is None]
    for path, shown in pages.linked_files(guides).items():
        if shown is None:
            add_copy(files, config, links.place_of(path), links.TREE / path)
        elif files.get_file_from_path(links.place_of(path)) is None:
            inclusion = InclusionLevel.NOT_IN_NAV
            files.append(File.generated(config, links.place_of(path), content=shown, inclusion=inclusion))
    for place, file in {f"assets/{file.name}": file for file in ASSETS.iterdir()}.items():
        add_copy(files, config, place, file)
    for place, file in live.live_files().items():
        add_copy(files, config, place, file)
    return files


def add_copy(files: Files, config: MkDocsConfig, place: str, file: Path) -> None:
    """Adds a file that is copied to a place on the site, unless it is there."""
    if files.get_file_from_path(place) is None:
        files.append(File.generated(config, place, abs_src_path=str(file)))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns the links of a guide, which hold in the repository, into the site's."""
    if page.file.generated_by is not None:
        return markdown
    return links.rewrite_links(markdown, f"docs/{page.file.src_uri}", page.file.src_uri)[0]
