"""Contenders of a comparison: trains their missing runs, and scores runs and published checkpoints."""

import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
import yaml

from ganzoo.checkpoints.hashes import training_facts as facts_of
from ganzoo.checkpoints.loading import load
from ganzoo.checkpoints.trust import read_text
from ganzoo.common import registry, vary
from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write
from ganzoo.common.hardware import hardware, versions
from ganzoo.games.capabilities import output_of, taught_classes
from ganzoo.metrics import own
from ganzoo.metrics.collection import Collected
from ganzoo.metrics.evaluation import Evaluation
from ganzoo.tools.compare.results import Result
from ganzoo.training.provenance import WORDS
from ganzoo.training.recipe_reader import RecipeReader
from ganzoo.training.rehearsal import average_value
from ganzoo.training.runs import read_progress

# Without the current folder in front of the path, where a `random.py` would stand for Python's; unless ganzoo is there.
GANZOO = [sys.executable, *([] if Path.cwd() == registry.PACKAGE.parent else ["-P"]), "-m", "ganzoo"]
# Where data lies, how it is read and what people call it does not change what is learnt.
PLACES = {f"data.init_args.{name}" for name in ("root", "num_workers", "download", *WORDS)}


class Contender:
    """One model of the comparison: a recipe with its settings, and how its runs are scored.

    Args:
        name: of the recipe or checkpoint.
        file: its recipe.
        overrides: further arguments of `ganzoo fit`.
        samples: number of samples to score.
        setting: what tells it from other models of the recipe, see `ganzoo.common.vary`.
        features: extractors beside the recipe's own, by which the FID is computed, too.

    Attributes:
        recipe: the recipe, read.
        setting: the values as the recipe's parser takes them.
        label: what it is called in tables.
        title: what its variant is called.
        evaluations: score its samples: that of the recipe, and one for each further extractor.
        conditions: all that the scores depend on, but for the weights.

    Raises:
        GanzooError: if the recipe does not fit, or draws no samples.
    """

    def __init__(
        self,
        name: str,
        file: Path,
        overrides: Sequence[str],
        samples: int,
        setting: Mapping[str, str] | None = None,
        features: Sequence[str] = (),
    ) -> None:
        full = vary.full_names(setting or {}, file)
        self.overrides = [*overrides, *(f"--{full[key]}={value}" for key, value in (setting or {}).items())]
        self.name, self.file = name, file
        self.recipe = RecipeReader(file, self.overrides, name)
        self.setting = {key: vary.recipe_value(self.recipe.config, full[key]) for key in full}
        self.label = ", ".join([name, *([vary.setting_text(self.setting)] if self.setting else [])])
        self.title = registry.variant(self.recipe.config.model.class_path).title.partition(":")[0]
        if output_of(self.recipe.model) != "samples":
            raise GanzooError(f"'{name}' draws no samples, which are what is compared.")
        self.datamodule.inspect()
        self.recipe.model.fits(self.datamodule)
        quality = self.recipe.config_init.quality
        self.evaluations = [_evaluation(self.recipe, samples, quality.features, quality.metrics)]
        self.evaluations += [_evaluation(self.recipe, samples, name, ["fid"]) for name in features]
        self._collected = cache(Evaluation.collect)
        self.conditions = _conditions(self.recipe, *self.evaluations)

    @property
    def datamodule(self) -> Any:
        """The recipe's data."""
        return self.recipe.datamodule

    @property
    def reference(self) -> tuple[str, str, int]:
        """What samples are compared with: data set, split and number of items."""
        return self.conditions["data"], self.conditions["split"], self.conditions["items"]

    def place(self, runs: Path, seed: int) -> Path:
        """Returns the folder of its run with a training seed."""
        return runs / self.name / vary.run_folder_name(self.setting, seed)

    @property
    def target(self) -> int:
        """Generator updates of a whole run."""
        return self.recipe.config.trainer.max_steps

    def spend(self, images: int) -> None:
        """Makes a whole run as long as it takes to see so many real images, as a discriminator or an encoder does.

        Raises:
            GanzooError: if that is less than one generator update.
        """
        (counted,) = (player for player in self.recipe.model.players() if player.counted)
        growth, each = self.recipe.model.growth, self.datamodule.batch_size
        batches = images / each if growth is None else growth.batches(images, each)
        steps = round(batches / average_value(counted.every))
        if steps < 1:
            raise GanzooError(f"--images: {images} are less than '{self.name}' takes for one generator update.")
        self.recipe.config.trainer.max_steps = steps
        self.overrides += ["--trainer.max_steps", str(steps)]

    def collected(self, evaluation: Evaluation) -> Collected:
        """Returns what one of its evaluations knows of real data, which is collected once."""
        return self._collected(evaluation)

    def scores(self, model: Any) -> dict[str, float]:
        """Returns a model's scores by all evaluations."""
        each = (evaluation.scores(model, self.collected(evaluation)) for evaluation in self.evaluations)
        return {key: score for scores in each for key, score in scores.items()}

    def share(self, others: Sequence["Contender"]) -> None:
        """Takes over the evaluations of one of the others that scores alike, so that real data is collected once."""
        scoring = ("samples", "batch_size", "sampling_seed")
        about = ("fingerprint", "extractor", "digest", "metrics", "own", "further", *scoring)
        for other in others:
            if all(self.conditions.get(name) == other.conditions.get(name) for name in about):
                self.evaluations, self._collected = other.evaluations, other._collected


def _evaluation(recipe: RecipeReader, samples: int, features: str | None, metrics: Any) -> Evaluation:
    """Returns what scores the runs of a recipe, with so many samples, by this extractor and these scores."""
    quality = recipe.config_init.quality
    return Evaluation(
        recipe.datamodule,
        features,
        metrics,
        samples,
        quality.batch_size,
        quality.seed,
        quality.cache,
        "cuda" if torch.cuda.is_available() else "cpu",
        classes=taught_classes(recipe.model),
    )


def _conditions(recipe: RecipeReader, evaluation: Evaluation, *further: Evaluation) -> dict[str, Any]:
    """Returns all that scores depend on, but for the weights."""
    quality, data, model, extractor = recipe.config_init.quality, recipe.datamodule, recipe.model, evaluation.extractor
    conditions: dict[str, Any] = {
        "data": data.title,
        "split": data.reference,
        "items": len(data.split(data.reference)[0]),
        "fingerprint": data.fingerprint(data.reference)[:12],
        "extractor": extractor and extractor.name,
        "digest": extractor and extractor.digest,
        "metrics": evaluation.names,
        "samples": evaluation.samples,
        "batch_size": quality.batch_size,
        "sampling_seed": quality.seed,
        "precision": str(recipe.config.trainer.precision),
        "averaged": model.drawn_by in model.averages,
        "machine": hardware(),
        "versions": versions(),
    }
    if further:
        conditions["further"] = {one.extractor.name: one.extractor.digest for one in further if one.extractor}
    if evaluation.own_metrics:
        requested = yaml.safe_load(recipe.recipe_text())["quality"]["metrics"]  # with their arguments
        conditions["own"] = own.origins(quality.metrics, requested)
    return conditions


def train(contender: Contender, seed: int, runs: Path, prefix: str = "") -> None:
    """Trains a run to its last step in a process of its own, from where it is.

    Raises:
        GanzooError: if the training fails, or the run that is there is another one or longer.
    """
    folder = contender.place(runs, seed)
    last, log = folder / "last.ckpt", folder / "fit.log"
    command = [*GANZOO, "fit", "--recipe", str(contender.file), *contender.overrides, "--seed_everything", str(seed)]
    command += ["--version", folder.name, "--runs", str(runs)]
    if last.is_file():
        _check_same(contender, folder)
        done = read_progress(last)["steps"]
        if done > contender.target:
            raise GanzooError(
                f"'{folder}' has taken {done:,} steps already, more than the {contender.target:,} asked for; "
                "ask for as many, or name another --runs folder."
            )
        if done == contender.target:
            return
        # the run's own recipe may end earlier
        command += ["--trainer.max_steps", str(contender.target), "--ckpt_path", "last"]
    message = f"{prefix} {contender.label}, seed {seed}, to step {contender.target:,}: {log}"
    print(message.strip(), file=sys.stderr, flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    status = _run(command, log)
    if status:
        raise GanzooError(f"the training of '{folder}' failed: {_last_line(log) or f'status {status}'} Its log: {log}")
    done = read_progress(last)["steps"] if last.is_file() else 0
    if done < contender.target:
        raise GanzooError(f"the training of '{folder}' ended at step {done:,} of {contender.target:,}. Its log: {log}")


def trained(contender: Contender, seed: int, runs: Path) -> Result:
    """Scores the last step of a run, or takes its scores from `scores.json` if nothing has changed since."""
    folder = contender.place(runs, seed)
    last, kept = folder / "last.ckpt", folder / "scores.json"
    facts = read_progress(last)
    conditions = {**contender.conditions, "chosen": "last", "weights": _digest(last)}
    stored = json.loads(kept.read_text()) if kept.is_file() else {}
    if stored.get("conditions") != conditions:
        print(f"scoring {folder}", file=sys.stderr, flush=True)
        stored = {"step": facts["steps"], "seed": seed, "conditions": conditions, "scores": _score(contender, last)}
        with atomic_write(kept) as file:
            file.write_text(json.dumps(stored, indent=1))
    facts["hardware"] = card_facts(folder / "export").get("hardware")
    about = {"scores": stored["scores"], "conditions": conditions, "file": last, "setting": contender.setting}
    return Result(contender.label, contender.title, seed, **facts, **about)


def card_facts(folder: Path) -> dict[str, Any]:
    """Returns the `ganzoo:` block of a checkpoint folder's card; empty if there is none."""
    card = folder / "README.md"
    return facts_of(read_text(card)) if card.is_file() else {}


def published(contender: Contender) -> Result:
    """Scores a checkpoint folder; what its card does not say of steps, images and time stays unknown."""
    weights = contender.file.parent / "model.safetensors"
    about = card_facts(weights.parent)
    conditions = {**contender.conditions, "chosen": about.get("weights"), "weights": _digest(weights)}
    facts: dict[str, Any] = {name: about.get(name) for name in ("steps", "images", "seconds", "hardware")}
    scores = _score(contender, weights.parent)
    return Result(contender.name, contender.title, None, **facts, scores=scores, conditions=conditions, file=weights)


def settings(recipe: dict[str, Any]) -> dict[str, Any]:
    """Flattens what decides the outcome of a resolved recipe's training: `{"model.init_args.g_lr": 0.0002, ...}`."""
    flat: dict[str, Any] = {}

    def flatten(value: Any, name: str) -> None:
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                flatten(inner, f"{name}.{key}")
        elif name not in PLACES:
            flat[name] = value

    for section in ("model", "data"):
        flatten(recipe[section], section)
    flat["trainer.precision"] = recipe["trainer"]["precision"]
    return flat


def _check_same(contender: Contender, folder: Path) -> None:
    """Compares what both recipes name, so that a setting that is newer than the run does not count against it."""
    theirs = settings(yaml.safe_load((folder / "recipe.yaml").read_text()))
    for name, wanted in settings(yaml.safe_load(contender.recipe.recipe_text())).items():
        if name in theirs and theirs[name] != wanted:
            raise GanzooError(
                f"'{folder}' was trained with {name} = {theirs[name]}, not {wanted}; name another --runs folder."
            )


def _run(command: Sequence[str], log: Path) -> int:
    """Runs a training whose output goes to a log; a terminal is shown the log's last line.

    Ctrl-C reaches the training, too, which then saves what it has: it is waited for.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        while (status := process.poll()) is None:
            time.sleep(0.2)
            if sys.stderr.isatty():
                print(f"\r\033[K{_last_line(log)[: shutil.get_terminal_size().columns - 1]}", end="", file=sys.stderr)
        return status
    except KeyboardInterrupt:
        process.wait()
        raise
    finally:
        if sys.stderr.isatty():
            print(file=sys.stderr)
        if process.poll() is None:
            process.terminate()


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(log.stat().st_size - 2000, 0))
        lines = file.read().decode(errors="replace").replace("\r", "\n").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def _score(contender: Contender, weights: Path) -> dict[str, float]:
    return contender.scores(load(weights, device=contender.evaluations[0].device))
