"""Links of Markdown files in the repository, turned into links on the site.

A guide links to its neighbours, to model files, pictures and sources by relative paths, which the forge resolves. On
the site a model file is its variant's page, a checkpoint's card a part of it, and any other text a page that shows it.
"""

import posixpath
import re
from collections.abc import Callable
from pathlib import Path

from ganzoo.common import registry

TREE = Path(__file__).parents[2]
PAGES = {"README.md": "readme.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
FILES = "files"  # folder of the site with what lies outside docs/
COPIED = (".png", ".gif", ".jpg", ".svg", ".csv", ".json", ".ipynb")
FENCE = "`" * 5
HIDDEN = "---\nsearch:\n  exclude: true\nhide: [toc]\n---\n"
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
MARKDOWN_LINK = re.compile(r"\]\(([^)\s]+)\)")
HTML_LINK = re.compile(r'\b(src|href)="([^"]+)"')


def place_of(path: str) -> str:
    """Returns where a file or folder of the repository stands on the site: the path of a page or of a copied file.

    Args:
        path: relative to the repository, without an anchor.

    Raises:
        FileNotFoundError: if there is none.
    """
    file = TREE / path
    if not file.exists():
        raise FileNotFoundError(f"there is no '{path}' to link to")
    if file.is_dir():
        readme = posixpath.join(path, "README.md")
        return place_of(readme) if (TREE / readme).is_file() else f"{FILES}/{path}.md"
    if path in PAGES:
        return PAGES[path]
    parts = path.split("/")
    if parts[0] == "docs":
        return "/".join(parts[1:])
    if parts[:2] == ["ganzoo", "models"] and file.suffix == ".py" and not parts[-1].startswith("_"):
        return f"models/{file.stem}.md"
    if parts[0] == "checkpoints" and parts[-1] == "README.md":
        return f"models/{variant_of(file.parent)}.md#{parts[1]}"
    return f"{FILES}/{path}" if file.suffix in (".md", *COPIED) else f"{FILES}/{path}.md"


def variant_of(checkpoint: Path) -> str:
    """Returns the name of the model file of a checkpoint folder."""
    return registry.model_class_path(checkpoint / "recipe.yaml").rpartition(".")[0].rpartition(".")[2]


def url_of(place: str) -> str:
    """Returns the address of a page or file of the site, relative to the site's root: that of `a/b.md` is `a/b/`."""
    path, hash_sign, anchor = place.partition("#")
    if path.endswith(".md"):
        path = re.sub(r"(^|/)(index|README)$", "", path.removesuffix(".md"))
        path += "/" if path else ""
    return f"{path}{hash_sign}{anchor}"


def rewrite_links(text: str, source: str, page: str) -> tuple[str, set[str]]:
    """Turns the relative links of a text into those of the site.

    Links of Markdown become paths of sources, which MkDocs checks and resolves; those of HTML become addresses.

    Args:
        text: in Markdown.
        source: its file, relative to the repository.
        page: its page on the site, such as `models/dcgan.md`.

    Returns:
        The text, and the repository's paths of all that it links to.

    Raises:
        FileNotFoundError: if it links to something that is not there.
    """
    linked: set[str] = set()

    def target(link: str, form: Callable[[str], str], start: str) -> str:
        if re.match(r"[\w+]+:|#|//", link):
            return link
        path, _, anchor = link.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        linked.add(path)
        place = form(f"{place_of(path).partition('#')[0]}#{anchor}" if anchor else place_of(path))
        return posixpath.relpath(place, start) + ("/" if place.endswith("/") else "")

    def of_page(match: re.Match[str]) -> str:
        return f"]({target(match[1], str, posixpath.dirname(page))})"

    def of_html(match: re.Match[str]) -> str:
        return f'{match[1]}="{target(match[2], url_of, url_of(page) or ".")}"'

    parts, start = [], 0
    for code in [*CODE.finditer(text), None]:  # what stands in code is no link
        end = len(text) if code is None else code.start()
        parts.append(HTML_LINK.sub(of_html, MARKDOWN_LINK.sub(of_page, text[start:end])))
        if code is not None:
            parts.append(code[0])
            start = code.end()
    return "".join(parts), linked


def prose(text: str, root: str = "../") -> str:
    """Returns plain text of a header or a recipe as Markdown: its addresses and the guides it names are links.

    Args:
        text: may have code in backticks.
        root: path from the page to the site's root.
    """

    def linked(match: re.Match[str]) -> str:
        return match[0] if match[1] else f"<{match[2]}>" if match[2] else f"[{match[3]}]({root}{match[4]})"

    plain = re.sub(r"`[^`]*`|[*<]", lambda match: match[0] if match[0][0] == "`" else f"\\{match[0]}", text)
    return re.sub(r"(`[^`]*`)|(https?://[^\s,;)]*[^\s,;).])|\b(docs/([\w/]+\.md))", linked, plain)


def source_page(path: str) -> str:
    """Returns the page that shows a text file of the repository, or the names of a folder's files."""
    if (TREE / path).is_dir():
        root = "../" * path.count("/") + "../"
        names = sorted(file.name for file in (TREE / path).iterdir() if file.suffix in COPIED)
        return f"{HIDDEN}# {path}\n\n" + "".join(f"- [{name}]({root}{place_of(f'{path}/{name}')})\n" for name in names)
    text = (TREE / path).read_text(encoding="utf-8")
    language = {".py": "python", ".yaml": "yaml", ".toml": "toml"}.get(Path(path).suffix, "text")
    return f"{HIDDEN}# {path}\n\n{FENCE}{language}\n{text}\n{FENCE}\n"
