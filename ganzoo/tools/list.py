"""The `ganzoo list` command: recipes, read from their files, sources and cards; nothing heavy is imported."""

import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from json import dumps as to_json
from typing import Any

import yaml

from ganzoo.common import registry, signatures
from ganzoo.common.errors import GanzooError, nearest
from ganzoo.common.recipe_files import LOADER, load_recipe, split_class
from ganzoo.common.tasks import tasks_of
from ganzoo.metrics.listing import score_files

HEADER = ("RECIPE", "YEAR", "DATA", "MB", "SCORE", "VARIANT")
NOTE = "MB, SCORE: of the bundled checkpoint, which `ganzoo sample NAME` and its like take by the recipe's name."


@dataclass(frozen=True)
class RecipeSummary:
    """Summary of a recipe and its bundled checkpoint.

    Attributes:
        recipe: its name.
        checkpoint: name of the bundled checkpoint, None without one.
        year: of the paper.
        data: title of the data.
        data_class: import path of their class.
        megabytes: of the checkpoint's weights.
        scores: of the checkpoint by its card, the one that chose it first: `{"fid[mnist,2k/test]": 7.1}`.
        module: of the variant.
        variant: what the model is, in a line.
        paper: authors, title and year.
        url: where the paper is.
        tasks: what the model is for, see `ganzoo.common.tasks`.
    """

    recipe: str
    checkpoint: str | None
    year: str
    data: str
    data_class: str
    megabytes: float | None
    scores: dict[str, float]
    module: str
    variant: str
    paper: str
    url: str
    tasks: tuple[str, ...]

    def row(self) -> tuple[str, ...]:
        """Returns the cells of the table."""
        score = next((f"{name} {value:.4g}" for name, value in self.scores.items()), "-")
        size = "-" if self.megabytes is None else f"{self.megabytes:.1f}"
        return self.recipe, self.year, self.data, size, score, self.variant

    def matches(self, word: str) -> bool:
        """Returns whether a word is part of its names, year, data or variant; `-` and `_` are the same."""
        text = " ".join((self.recipe, self.year, self.data, self.variant)).lower().replace("-", "_")
        return word.lower().replace("-", "_") in text

    def data_names(self) -> tuple[str, ...]:
        """Returns by which `--data` finds the recipe: its data's title and class, and its name without the variant."""
        own = self.recipe.removeprefix(f"{self.module.rpartition('.')[2]}_").removesuffix("_small")
        return tuple(map(_plain, (self.data, self.data_class.rpartition(".")[2], own)))


def list(
    words: Sequence[str] = (),
    *,
    task: str | None = None,
    data: str | None = None,
    trained: bool = False,
    json: bool = False,
    scores: bool = False,
) -> str:
    """List recipes: data, and their bundled checkpoints' sizes and scores.

    Args:
        words: in names, data, years or variants, such as mnist; all of them have to occur.
        task: what models are for: unconditional, class-conditional, text, translation, super-resolution,
            reconstruction, domain-adaptation, video, voxels or music.
        data: what they learn from: a data set, such as cifar10 or faces, or a part of its name.
        trained: those with a bundled checkpoint.
        json: as JSON, with all scores, tasks and the papers.
        scores: the scores that there are, in place of recipes.

    Returns:
        A table, or a JSON list of objects as `RecipeSummary` describes them.

    Raises:
        GanzooError: if there is none.
    """
    if scores:
        if words or task or data or trained or json:
            raise GanzooError("--scores: it lists all scores; leave the rest out.")
        return score_table()
    entries = [summarise(name) for name in registry.list_recipes()]
    for word in words:
        if not any(one.matches(word) for one in entries):
            known = {part for one in entries for part in (*one.recipe.split("_"), *one.data.lower().split())}
            raise GanzooError(f"list: no recipe has '{word}'.{nearest(word.lower(), known)} `ganzoo list` shows all.")
    fitting = [one for one in entries if all(one.matches(word) for word in words)]
    matches: Sequence[RecipeSummary] = [one for one in fitting if one.checkpoint or not trained]
    if task is not None:
        matches = _of_task(task, matches, entries)
    if data is not None:
        matches = _of_data(data, matches, entries)
    if not matches:
        parts = [*map(repr, words), *[f"the task {task}"] * bool(task), *[f"the data '{data}'"] * bool(data)]
        parts += ["a bundled checkpoint"] * trained
        raise GanzooError(f"list: no recipe has {' and '.join(parts)}. `ganzoo list` shows all.")
    return to_json([asdict(one) for one in matches], indent=1) if json else _table(matches)


def _of_task(task: str, matches: Sequence[RecipeSummary], entries: Sequence[RecipeSummary]) -> Sequence[RecipeSummary]:
    """Returns those of the matches that are for a task, which must be one of the entries'."""
    tasks = dict.fromkeys(known for one in entries for known in one.tasks)
    if task not in tasks:
        raise GanzooError(f"--task: there is no '{task}'.{nearest(task, tasks)} There are {', '.join(tasks)}.")
    return [one for one in matches if task in one.tasks]


def _of_data(data: str, matches: Sequence[RecipeSummary], entries: Sequence[RecipeSummary]) -> Sequence[RecipeSummary]:
    """Returns those of the matches whose data are called so, or if no data are, those in whose names it occurs."""
    word = _plain(data)
    for fits in (lambda one: word in one.data_names(), lambda one: any(word in name for name in one.data_names())):
        if any(map(fits, entries)):
            return [*filter(fits, matches)]
    known = {name for one in entries for name in (one.data, *one.data.lower().split(), *one.recipe.split("_"))}
    raise GanzooError(f"--data: no recipe has '{data}'.{nearest(data, known)} `ganzoo list` shows all.")


def summarise(name: str) -> RecipeSummary:
    """Returns the summary of a recipe."""
    recipe = load_recipe(registry.RECIPES / f"{name}.yaml")
    path, _ = split_class(recipe["model"]) or ("", {})
    about = registry.variant(path)
    data_class, _ = split_class(recipe["data"]) or ("", {})
    folder = registry.checkpoint_of(name)
    return RecipeSummary(
        recipe=name,
        checkpoint=folder.name if folder else None,
        year=about.year,
        data=_title(recipe),
        data_class=data_class,
        megabytes=round((folder / "model.safetensors").stat().st_size / 1e6, 2) if folder else None,
        scores=_scores((folder / "README.md").read_text(encoding="utf-8"), recipe) if folder else {},
        module=about.module,
        variant=about.title,
        paper=about.paper,
        url=about.url,
        tasks=tasks_of(recipe),
    )


def score_table() -> str:
    """Returns the scores that there are, by their files: names to ask for, and what they say."""
    files = score_files().values()
    names = [f"{file.name}: {' '.join(file.gives)}" if file.name not in file.gives else file.name for file in files]
    width = max(map(len, names))
    return "\n".join(f"{name.ljust(width)}  {file.summary}" for name, file in zip(names, files, strict=True))


def _title(recipe: dict[str, Any]) -> str:
    """Returns the title of a recipe's data: its own, else its class's, else the class's name."""
    path, arguments = split_class(recipe["data"]) or ("", {})
    return arguments.get("title") or signatures.class_attribute(path, "title") or path.rpartition(".")[2]


def _scores(card: str, recipe: dict[str, Any]) -> dict[str, float]:
    """Returns the scores in a card's metadata, the one by which the recipe chooses first."""
    monitor = (recipe.get("quality") or {}).get("monitor")
    try:
        about = yaml.load(card.split("---\n", 2)[1], LOADER)
        metrics = about["model-index"][0]["results"][0]["metrics"]
        scores = {metric["name"]: float(metric["value"]) for metric in metrics}
    except (KeyError, IndexError, TypeError, ValueError, yaml.YAMLError):
        return {}  # a card may be written in another form
    return dict(sorted(scores.items(), key=lambda score: score[0].partition("[")[0] != monitor))


def _table(entries: Sequence[RecipeSummary]) -> str:
    """Writes the table; where it goes to a terminal, cut to its width."""
    rows = [HEADER, *(one.row() for one in entries)]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    if width is not None:
        rows = [(*row[:2], _cut(row[2], 16 if width < 100 else 32), *row[3:]) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = HEADER.index("MB")
    lines = []
    for row in rows:
        cells = [cell.rjust(widths[i]) if i == right else cell.ljust(widths[i]) for i, cell in enumerate(row)]
        fixed = "  ".join(cells[:-1])
        room = len(row[-1]) if width is None else width - len(fixed) - 2
        lines.append(f"{fixed}  {_cut(row[-1], room)}" if width is None or room > 8 else fixed.rstrip()[:width])
    return "\n".join(lines if width is None else [*lines, "", textwrap.fill(NOTE, width)])


def _plain(text: str) -> str:
    """Returns the letters and digits of a text, small: `cifar10` of CIFAR-10."""
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
