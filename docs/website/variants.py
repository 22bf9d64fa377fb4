"""Pages of variants and checkpoints, read from model files' headers, recipes and cards; no model is loaded."""

import ast
import json
import re
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from ganzoo.checkpoints.folder_format import CURVES, PICTURE
from ganzoo.checkpoints.hashes import METADATA, card_metadata
from ganzoo.common import registry
from ganzoo.common.curves import read_metrics
from ganzoo.common.kinds import KINDS
from ganzoo.common.recipe_files import load_recipe
from ganzoo.common.tasks import tasks_of
from ganzoo.tools.gallery.page import card_scores, fact_rows, picture_caption
from ganzoo.tools.gallery.svg import panels
from website.links import FENCE, place_of, prose, rewrite_links, variant_of
from website.live import LiveModel, read_live, runtime_bytes
from website.reference import public_names

# The heading of each task in the navigation, in its order.
GROUPS = {
    "unconditional": "Without labels",
    "class-conditional": "With labels",
    "text": "From texts",
    "translation": "Image to image",
    "super-resolution": "Super-resolution",
    "reconstruction": "Autoencoders",
    "domain-adaptation": "Domain adaptation",
    "video": "Video",
    "voxels": "Solids",
    "music": "Music",
}
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")), trim_blocks=True, lstrip_blocks=True
)
TEMPLATES.filters["prose"] = prose
TEMPLATES.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
TEMPLATES.filters["indent4"] = lambda text: textwrap.indent(text, "    ")


@dataclass(frozen=True)
class Recipe:
    """Recipe as its page shows it.

    Attributes:
        name: of its file.
        command: that trains it.
        text: paragraphs of its header.
        facts: hardware, time and score, by their words in the header.
        settings: the YAML below the header.
        tasks: see `ganzoo.common.tasks`.
    """

    name: str
    command: str
    text: str
    facts: dict[str, str]
    settings: str
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Checkpoint:
    """Bundled checkpoint as its page shows it.

    Attributes:
        name: of its folder.
        picture: path of its samples on the site.
        caption: what the picture shows.
        scores: (name, value) pairs, as on the card.
        facts: rows on data, licence, training and time.
        curves: SVG elements.
        card: the card's text, its headings below those of the page.
        live: what its sampler has to know; None without one.
    """

    name: str
    picture: str
    caption: str
    scores: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, str]]
    curves: Sequence[str]
    card: str
    live: LiveModel | None

    @property
    def live_json(self) -> str:
        """What the page's sampler has to know, as JSON; empty without one."""
        return json.dumps(asdict(self.live) | {"runtime": runtime_bytes()}) if self.live else ""


@dataclass(frozen=True)
class Variant:
    """Model file as its page shows it.

    Attributes:
        name: of the file.
        title: what the variant is called.
        summary: what it is, in a sentence.
        fields: `Paper`, `URL`, `Code` and `Deviations` of the header.
        rest: what the header says after them.
        source: the file's text.
        public: names of its classes and functions.
        recipes: that train it.
        checkpoints: bundled ones of it.
    """

    name: str
    title: str
    summary: str
    fields: dict[str, str]
    rest: str
    source: str
    public: Sequence[str]
    recipes: Sequence[Recipe]
    checkpoints: Sequence[Checkpoint]

    @property
    def year(self) -> str:
        """Year of the paper."""
        return registry.variant(f"ganzoo.models.{self.name}.").year

    @property
    def group(self) -> str:
        """Heading that it stands under: of what most of its recipes are for."""
        tasks = Counter(recipe.tasks[-1] for recipe in self.recipes if recipe.tasks)
        if not tasks:
            return "Others"
        task = tasks.most_common(1)[0][0]
        return GROUPS.get(task, task.capitalize())


def list_variants() -> list[str]:
    """Returns the names of the model files, sorted."""
    return sorted(file.stem for file in (registry.PACKAGE / "models").glob("*.py") if not file.stem.startswith("_"))


@cache
def read_variant(name: str) -> Variant:
    """Returns a variant by the name of its file in `ganzoo/models`."""
    source = (registry.PACKAGE / "models" / f"{name}.py").read_text(encoding="utf-8")
    header = ast.get_docstring(ast.parse(source)) or ""
    line, _, text = header.partition("\n")
    title, _, summary = line.partition(": ")
    summary = summary.rstrip(".")
    fields, rest = split_fields(text)
    module = f"ganzoo.models.{name}"
    return Variant(
        name=name,
        title=title,
        summary=f"{summary}.",
        fields=fields,
        rest=rest,
        source=source,
        public=public_names(source),
        recipes=[read_recipe(one) for one in registry.list_recipes() if module_of(one) == module],
        checkpoints=[read_checkpoint(one) for one in registry.list_checkpoints() if folder_module(one) == name],
    )


def split_fields(text: str) -> tuple[dict[str, str], str]:
    """Splits a header: its fields, `Name: text` with indented lines that go on, and the text after them."""
    fields: dict[str, str] = {}
    rest: list[str] = []
    name = ""
    for line in text.splitlines():
        if match := re.match(r"([A-Z]\w+): (.*)", line):
            name = match[1]
            fields[name] = match[2].strip()
        elif name and line.startswith("    "):
            fields[name] += f" {line.strip()}"
        else:
            name = ""
            rest.append(line)
    return fields, "\n".join(rest).strip()


@cache
def module_of(recipe: str) -> str:
    """Returns the module of a recipe's model."""
    return registry.model_class_path(registry.RECIPES / f"{recipe}.yaml").rpartition(".")[0]


@cache
def folder_module(checkpoint: str) -> str:
    """Returns the name of the model file of a bundled checkpoint."""
    return variant_of(registry.CHECKPOINTS / checkpoint)


def read_recipe(name: str) -> Recipe:
    """Returns a recipe by its name."""
    file = registry.RECIPES / f"{name}.yaml"
    lines = file.read_text(encoding="utf-8").splitlines()
    count = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    command, *header = (line.removeprefix("#").removeprefix(" ") for line in lines[:count])
    text: list[str] = []
    facts: dict[str, str] = {}
    for line in header:
        if match := re.match(r"(Hardware|Time|Score): (.*)", line):
            facts[match[1]] = match[2]
        elif facts and line:
            facts[[*facts][-1]] += f" {line.strip()}"
        else:
            text.append(line)
    return Recipe(name, command, "\n".join(text).strip(), facts, "\n".join(lines[count:]), tasks_of(load_recipe(file)))


def read_checkpoint(name: str) -> Checkpoint:
    """Returns a bundled checkpoint by its name."""
    folder = registry.CHECKPOINTS / name
    card = (folder / "README.md").read_text(encoding="utf-8")
    about = card_metadata(card)
    text, _ = rewrite_links(METADATA.sub("", card, count=1), f"checkpoints/{name}/README.md", page_of(folder))
    shown = re.sub(r"^# .+\n", "", text.lstrip(), count=1)
    tasks = tasks_of(load_recipe(folder / "recipe.yaml"))
    kind = next((KINDS[task] for task in tasks if task in KINDS), None)
    return Checkpoint(
        name=name,
        picture=place_of(f"checkpoints/{name}/{PICTURE}"),
        caption=picture_caption(card) or "samples of seed 0, not picked",
        scores=card_scores(about),
        facts=fact_rows(about.get("ganzoo", {}), card, kind),
        curves=panels(read_metrics(folder / CURVES)) if (folder / CURVES).is_file() else (),
        card=re.sub(r"^## (.+)$", r"**\1**", shown, flags=re.MULTILINE).strip(),
        live=read_live(name),
    )


def page_of(checkpoint: Path) -> str:
    """Returns the page that a checkpoint folder is shown on."""
    return f"models/{variant_of(checkpoint)}.md"


def render(template: str, **values: Any) -> str:
    """Returns a page by its template."""
    return TEMPLATES.get_template(template).render(fence=FENCE, **values)


def variant_page(name: str) -> str:
    """Returns the page of a model file."""
    variant = read_variant(name)
    return render("variant.md.jinja", variant=variant, file=f"ganzoo/models/{name}.py")


def grouped() -> dict[str, list[Variant]]:
    """Returns the variants by their group, in the order of the navigation, the oldest papers first."""
    groups: dict[str, list[Variant]] = {title: [] for title in GROUPS.values()}
    for variant in map(read_variant, list_variants()):
        groups.setdefault(variant.group, []).append(variant)
    return {title: sorted(group, key=lambda one: (one.year, one.title)) for title, group in groups.items() if group}
