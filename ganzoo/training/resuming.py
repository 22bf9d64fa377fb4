"""Continuation of a run: its checkpoint, and its own recipe in the place of the one that was named."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from ganzoo.common import registry
from ganzoo.common.errors import GanzooError
from ganzoo.common.program import command
from ganzoo.training import runs
from ganzoo.training.resolved import differences, option_value

PLACE = ("runs", "version", "ckpt_path")  # options that say which run
DESCRIBED = ("title", "licence", "source", "channels")  # of data that may have moved


@dataclass(frozen=True)
class Continued:
    """Checkpoint and arguments that a command goes on from.

    Args:
        checkpoint: the training checkpoint.
        folder: of the run that it belongs to; None for a file that lies elsewhere.
        words: the command's arguments, the run's own recipe in the place of the one that was named.
        note: what the user should know of that, else empty.
    """

    checkpoint: Path
    folder: Path | None
    words: list[str]
    note: str = ""


def find_continued(
    subcommand: str, name: str, words: Sequence[str], resolve: Callable[[Sequence[str]], Mapping[str, Any]]
) -> Continued | None:
    """Returns the checkpoint and arguments that a command goes on from; None for one that begins a run.

    Args:
        subcommand: `fit`, or one that needs trained weights.
        name: under which the recipe's runs are kept.
        words: the arguments that follow `ganzoo fit`.
        resolve: parses such arguments to the whole recipe.

    Raises:
        GanzooError: if there is no such checkpoint.
    """
    sources, rest = split_configs(words)
    selection = run_selection(sources, rest)
    home = Path(selection["runs"] or "runs") / name
    version, kind, train = selection["version"], selection["ckpt_path"], None
    if subcommand == "fit" and kind is None and runs.job_restarted(home, version):
        kind, version = "last", version or runs.job_version()
    if subcommand != "fit" and kind is None:
        kind = "best"  # untrained weights are never what is meant
        train = command("fit", *runs.recipe_words(sources, name))
    if kind is None:
        return None
    if kind in {"last", "best"}:
        own = _run_of(sources, selection)
        there = own is not None and (own / f"{kind}.ckpt").is_file()
        checkpoint = own / f"{kind}.ckpt" if own and there else runs.newest_checkpoint(home, kind, version, train)
    else:
        checkpoint = Path(kind)
        if not checkpoint.is_file():
            raise GanzooError(f"--ckpt_path: there is no file '{kind}'; `last` continues the newest run.")
    folder = checkpoint.parent
    recipe = folder / "recipe.yaml"
    # a checkpoint that was copied has none beside it
    state = read_checkpoint(
        checkpoint
    )  # first: of what is no training checkpoint the recipe beside it is not believed either
    text = recipe.read_text(encoding="utf-8") if recipe.is_file() else str(state["game"].get("recipe", ""))
    inside = recipe.is_file() or kind in {"last", "best"}
    if not text:
        return Continued(checkpoint, folder if inside else None, [*words])
    replaced, note = _own_recipe(sources, rest, text, recipe if recipe.is_file() else None, resolve)
    return Continued(checkpoint, folder if inside else None, replaced, note)


def read_checkpoint(checkpoint: Path) -> dict[str, Any]:
    """Returns the content of a training checkpoint.

    Raises:
        GanzooError: if it is damaged, or something else.
    """
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        state["global_step"], state["game"], state["state_dict"]
    except Exception as error:  # a damaged archive fails in many ways
        raise GanzooError(f"--ckpt_path: '{checkpoint}' is not a training checkpoint, or is damaged.") from error
    return state


def split_configs(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Splits arguments into configuration files and the others.

    Returns:
        The files in their order, and what is left of the arguments.
    """
    files, rest = [], []
    waiting = iter(words)
    for word in waiting:
        flag, equals, value = word.partition("=")
        if flag in {"--config", "-c"}:
            files.append(value if equals else next(waiting, ""))
        else:
            rest.append(word)
    return files, rest


def run_selection(sources: Sequence[str], rest: Sequence[str]) -> dict[str, str | None]:
    """Returns the options that say which run is meant, from configuration files and, before them, the command line."""
    selection: dict[str, str | None] = dict.fromkeys(PLACE)
    for source in sources:
        section = _section(source)
        selection |= {name: str(section[name]) for name in PLACE if section.get(name) is not None}
    for name in PLACE:
        if (value := _value(rest, f"--{name}")) is not None:
            selection[name] = value
    return selection


def _value(words: Sequence[str], option: str) -> str | None:
    """Returns what an option is given, where it stands last."""
    value = None
    for number, word in enumerate(words):
        flag, equals, argument = word.partition("=")
        if flag == option:
            value = argument if equals else next(iter(words[number + 1 : number + 2]), "")
    return value


def _section(source: str) -> dict[str, Any]:
    """Returns what a configuration file holds, as far as it can be read: the parser says what is wrong with it."""
    try:
        section = yaml.safe_load(Path(source).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return section if isinstance(section, dict) else {}


def _run_of(sources: Sequence[str], selection: Mapping[str, str | None]) -> Path | None:
    """Returns the run whose recipe is named, unless another one is asked for beside it."""
    folder = Path(sources[0]).parent if sources and Path(sources[0]).name == "recipe.yaml" else None
    if folder is not None and folder.name == "export" and not runs.holds_run(folder):
        folder = folder.parent
    if folder is None or not runs.holds_run(folder) or selection["version"] not in {None, folder.absolute().name}:
        return None
    elsewhere = selection["runs"] is not None and Path(selection["runs"]).absolute() != folder.absolute().parents[1]
    return None if elsewhere else folder


def _own_recipe(
    sources: Sequence[str],
    rest: Sequence[str],
    text: str,
    file: Path | None,
    resolve: Callable[[Sequence[str]], Mapping[str, Any]],
) -> tuple[list[str], str]:
    """Puts a run's own recipe in the place of the first one that was named; the others and all options stay beside it.

    Args:
        sources: configuration files that were named.
        rest: the other arguments.
        text: the run's own recipe.
        file: where it lies, if it does.
        resolve: parses arguments to the whole recipe.

    Returns:
        The arguments, and a note.
    """
    own = yaml.safe_load(text)
    words = ["--config", str(file) if file else text]
    named = sources[:1]
    same = bool(named and file and os.path.realpath(named[0]) == os.path.realpath(file))
    if not same and (own.get("trainer") or {}).get("max_time") is not None:
        # a time belongs to the command that it is given to: it has been used up, or nearly
        limits = [(_section(source).get("trainer") or {}).get("max_time") for source in sources]
        words.append(f"--trainer.max_time={json.dumps(next(filter(None, reversed(limits)), None))}")
    chosen = (own.get("data") or {}).get("init_args") or {}
    if any(word.partition("=")[0] in {"--data.root", "--data.init_args.root"} for word in rest):
        # the same data in another place is still called what it was
        words += [f"--data.init_args.{name}={chosen[name]}" for name in DESCRIBED if chosen.get(name) is not None]
    for source in sources[1:]:
        words += ["--config", source]
    kept = _without_repeated(named, rest, own, resolve)
    note = "" if same else _edited(named, file, own, resolve)
    return [*words, *kept], note


def _without_repeated(
    named: Sequence[str],
    rest: Sequence[str],
    own: Mapping[str, Any],
    resolve: Callable[[Sequence[str]], Mapping[str, Any]],
) -> list[str]:
    """Leaves out what would be appended a second time, where a run's own command is given again with `+=`."""
    added = {word.partition("=")[0].removesuffix("+") for word in rest if word.partition("=")[0].endswith("+")}
    if not added:
        return [*rest]
    try:
        first = resolve([word for source in named for word in ("--config", source)] + [*rest])
    except GanzooError:  # what is given suits the run's own recipe alone
        return [*rest]
    repeated = {option for option in added if option_value(first, option[2:]) == option_value(own, option[2:])}
    kept: list[str] = []
    dropping = False
    for word in rest:
        if word.startswith("--"):
            flag = word.partition("=")[0].removesuffix("+")
            dropping = any(flag == option or flag.startswith(f"{option}.") for option in repeated)
        if not dropping:
            kept.append(word)
    return kept


def _edited(
    named: Sequence[str],
    file: Path | None,
    own: Mapping[str, Any],
    resolve: Callable[[Sequence[str]], Mapping[str, Any]],
) -> str:
    """Says what a recipe that was edited after its run began says otherwise: the run goes on by its own."""
    source = Path(named[0]) if named else None
    if source is None or file is None or not source.is_file() or source.parent == registry.RECIPES:
        return ""
    if source.stat().st_mtime <= file.stat().st_mtime:
        return ""
    try:
        theirs = resolve(["--config", str(source)])
    except GanzooError:
        return ""
    others = [name for name, _, _ in differences(own, theirs)]
    if not others:
        return ""
    return f"the run goes on by {file}; {source} differs in {', '.join(others)}, which is taken from options alone"
