"""All pages of the site that are no files of docs/, and the files that guides link to, by their places on the site."""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from ganzoo.common import registry
from website import links, live, reference, variants

REPORTS = links.TREE / "docs" / "evaluation" / "imagenet"
FACES = "fid[imagenet,807/train]"  # of checkpoints of faces in colour


def made_pages() -> dict[str, str]:
    """Returns the Markdown of every page that is made, by its place, such as `models/dcgan.md`."""
    groups = variants.grouped()
    checkpoints = [one for group in groups.values() for variant in group for one in variant.checkpoints]
    counts = {
        "variants": sum(map(len, groups.values())),
        "recipes": len(registry.list_recipes()),
        "checkpoints": len(checkpoints),
    }
    pages = {
        "index.md": variants.render("home.md.jinja", counts=counts, hero=hero(checkpoints)),
        "gallery.md": variants.render("gallery.md.jinja", groups=groups, whole=live.GALLERY.is_file()),
        "models/index.md": variants.render("models.md.jinja", groups=groups),
        "reference/index.md": reference.package_page(),
    }
    pages |= {f"models/{name}.md": variants.variant_page(name) for name in variants.list_variants()}
    pages |= {f"reference/{room}.md": reference.room_page(room) for room in reference.ROOMS}
    for path, place in links.PAGES.items():
        pages[place] = links.rewrite_links((links.TREE / path).read_text(encoding="utf-8"), path, place)[0]
    return pages


def hero(checkpoints: Sequence[variants.Checkpoint]) -> variants.Checkpoint:
    """Returns the checkpoint of faces with the lowest FID, for the home page; one that draws there if any does."""

    def fid(one: variants.Checkpoint) -> float:
        report = REPORTS / f"{one.name}.json"
        scores = json.loads(report.read_text(encoding="utf-8"))["scores"] if report.is_file() else {}
        return scores.get(FACES, math.inf)

    faces = [one for one in checkpoints if one.name.endswith("-faces")]
    return min([one for one in faces if one.live] or faces or [*checkpoints], key=fid)


def linked_files(guides: Iterable[str]) -> dict[str, str | None]:
    """Returns what pages need of the repository outside docs/, by its path there: a page's text, or None for a copy.

    Args:
        guides: places of the files of docs/ that are pages.
    """
    linked: set[str] = {f"checkpoints/{name}/{file.name}" for name, file in pictures()}
    for path in [*links.PAGES, *(f"docs/{place}" for place in guides)]:
        linked |= links.rewrite_links((links.TREE / path).read_text(encoding="utf-8"), path, "index.md")[1]
    files: dict[str, str | None] = {}
    waiting = sorted(linked)
    while waiting:
        path = waiting.pop()
        place = links.place_of(path)
        if path in files or not place.startswith(f"{links.FILES}/"):
            continue
        file = links.TREE / path
        if (file / "README.md").is_file():
            waiting.append(f"{path}/README.md")
        elif file.suffix == ".md":
            files[path], further = links.rewrite_links(file.read_text(encoding="utf-8"), path, place)
            waiting += further
        else:
            files[path] = None if file.suffix in links.COPIED else links.source_page(path)
    return files


def pictures() -> list[tuple[str, Path]]:
    """Returns the pictures of bundled checkpoints, with the names of these."""
    return [
        (name, file) for name in registry.list_checkpoints() for file in (registry.CHECKPOINTS / name).glob("*.png")
    ]
