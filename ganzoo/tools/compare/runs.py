"""What is compared: a recipe's runs, trained where they are missing, and their scores; or a published checkpoint's."""

import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml

from ganzoo.checkpoints.hashes import facts as facts_of
from ganzoo.checkpoints.loading import load
from ganzoo.checkpoints.trust import read_text
from ganzoo.common import registry
from ganzoo.common.errors import GanzooError
from ganzoo.common.files import written
from ganzoo.common.hardware import hardware, versions
from ganzoo.games.capabilities import made_by, taught_classes
from ganzoo.metrics import own
from ganzoo.metrics.evaluation import Evaluation
from ganzoo.tools.compare import vary
from ganzoo.tools.compare.results import Result
from ganzoo.training.provenance import WORDS
from ganzoo.training.recipe_cli import RecipeCLI
from ganzoo.training.rehearsal import average_value
from ganzoo.training.runs import progress

# Without the current folder in front of the path, where a `random.py` would stand for Python's; unless ganzoo is there.
GANZOO = [sys.executable, *([] if Path.cwd() == registry.PACKAGE.parent else ["-P"]), "-m", "ganzoo"]
# Where data lies, how it is read and what people call it does not change what is learnt.
PLACES = {f"data.init_args.{name}" for name in ("root", "num_workers", "download", *WORDS)}


class Entry(RecipeCLI):
    """One model of the comparison: its recipe, read as `ganzoo fit` reads it, but without a trainer and a run folder.

    Args:
        name: of the recipe or checkpoint.
        file: its recipe.
        overrides: further arguments of `ganzoo fit`.
        samples: number of samples to score.
        setting: what tells it from other models of the recipe, see `ganzoo.tools.compare.vary`.

    Attributes:
        setting: the values as the recipe's parser takes them.
        label: what it is called in tables.
    """

    def __init__(
        self, name: str, file: Path, overrides: Sequence[str], samples: int, setting: Mapping[str, str] | None = None
    ) -> None:
        full = vary.full_names(setting or {}, file)
        overrides = [*overrides, *(f"--{full[key]}={value}" for key, value in (setting or {}).items())]
        super().__init__(["--config", str(file), *overrides, "--seed_everything=false"], name, run=False)
        self.file = file
        self.overrides = overrides
        self.setting = {key: vary.value(self.config, full[key]) for key in full}
        self.label = ", ".join([name, *([vary.label(self.setting)] if self.setting else [])])
        about = registry.variant(self.config.model.class_path)
        self.title = about.title.partition(":")[0]
        if made_by(self.model) != "samples":
            raise GanzooError(f"'{name}' draws no samples, which are what is compared.")
        quality, data = self.config_init.quality, self.datamodule
        data.inspect()
        self.model.fits(data)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self.evaluation = Evaluation(
            data,
            quality.features,
            quality.metrics,
            samples,
            quality.batch_size,
            quality.seed,
            quality.cache,
            device,
            classes=taught_classes(self.model),
        )
        extractor = self.evaluation.extractor
        self.conditions: dict[str, Any] = {
            "data": data.title,
            "split": data.reference,
            "items": len(data.split(data.reference)[0]),
            "fingerprint": data.fingerprint(data.reference)[:12],
            "extractor": extractor and extractor.name,
            "digest": extractor and extractor.digest,
            "metrics": self.evaluation.names,
            "samples": samples,
            "batch_size": quality.batch_size,
            "sampling_seed": quality.seed,
            "precision": str(self.config.trainer.precision),
            "averaged": self.model.drawn_by in self.model.averages,
            "machine": hardware(),
            "versions": versions(),
        }
        if self.evaluation.own_metrics:
            asked = yaml.safe_load(self.recipe_text())["quality"]["metrics"]  # with their arguments
            self.conditions["own"] = own.origins(quality.metrics, asked)

    def before_instantiate_classes(self) -> None:
        """Settles what a training settles, but chooses no run folder."""
        self.settle_precision()

    def instantiate_trainer(self, **kwargs: Any) -> Any:
        """Makes none."""

    @property
    def reference(self) -> tuple[str, str, int]:
        """What samples are compared with: data set, split and number of items."""
        return self.conditions["data"], self.conditions["split"], self.conditions["items"]

    def place(self, runs: Path, seed: int) -> Path:
        """Returns the folder of its run with a training seed."""
        return runs / self.recipe / vary.folder(self.setting, seed)

    @property
    def target(self) -> int:
        """Generator updates of a whole run."""
        return self.config.trainer.max_steps

    def spend(self, images: int) -> None:
        """Makes a whole run as long as it takes to see so many real images, as a discriminator or an encoder does.

        Raises:
            GanzooError: if that is less than one generator update.
        """
        (counted,) = (player for player in self.model.players() if player.counted)
        steps = round(images / self.datamodule.batch_size / average_value(counted.every))
        if steps < 1:
            raise GanzooError(f"--images: {images} are less than '{self.recipe}' takes for one generator update.")
        self.config.trainer.max_steps = steps
        self.overrides += ["--trainer.max_steps", str(steps)]

    def share(self, others: Sequence["Entry"]) -> None:
        """Takes over the evaluation of one of the others that scores alike, so that real data is collected once."""
        about = ("fingerprint", "extractor", "digest", "metrics", "own", "samples", "batch_size", "sampling_seed")
        for other in others:
            if all(self.conditions.get(name) == other.conditions.get(name) for name in about):
                self.evaluation = other.evaluation


def train(entry: Entry, seed: int, runs: Path, prefix: str = "") -> None:
    """Trains a run to its last step in a process of its own, from where it is.

    Raises:
        GanzooError: if the training fails, or the run that is there is another one or longer.
    """
    folder = entry.place(runs, seed)
    last, log = folder / "last.ckpt", folder / "fit.log"
    command = [*GANZOO, "fit", "--recipe", str(entry.file), *entry.overrides, "--seed_everything", str(seed)]
    command += ["--version", folder.name, "--runs", str(runs)]
    if last.is_file():
        _check_same(entry, folder)
        done = progress(last)["steps"]
        if done > entry.target:
            raise GanzooError(
                f"'{folder}' has taken {done:,} steps already, more than the {entry.target:,} asked for; "
                "ask for as many, or name another --runs folder."
            )
        if done == entry.target:
            return
        command += [
            "--trainer.max_steps",
            str(entry.target),
            "--ckpt_path",
            "last",
        ]  # the run's own recipe may end earlier
    print(f"{prefix} {entry.label}, seed {seed}, to step {entry.target:,}: {log}".strip(), file=sys.stderr, flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    status = _run(command, log)
    if status:
        raise GanzooError(f"the training of '{folder}' failed: {_last_line(log) or f'status {status}'} Its log: {log}")
    done = progress(last)["steps"] if last.is_file() else 0
    if done < entry.target:
        raise GanzooError(f"the training of '{folder}' ended at step {done:,} of {entry.target:,}. Its log: {log}")


def trained(entry: Entry, seed: int, runs: Path) -> Result:
    """Scores the last step of a run, or takes its scores from `scores.json` if nothing has changed since."""
    folder = entry.place(runs, seed)
    last, kept = folder / "last.ckpt", folder / "scores.json"
    facts = progress(last)
    conditions = {**entry.conditions, "chosen": "last", "weights": _digest(last)}
    stored = json.loads(kept.read_text()) if kept.is_file() else {}
    if stored.get("conditions") != conditions:
        print(f"scoring {folder}", file=sys.stderr, flush=True)
        stored = {"step": facts["steps"], "seed": seed, "conditions": conditions, "scores": _score(entry, last)}
        with written(kept) as file:
            file.write_text(json.dumps(stored, indent=1))
    facts["hardware"] = card_facts(folder / "export").get("hardware")
    about = {"scores": stored["scores"], "conditions": conditions, "file": last, "setting": entry.setting}
    return Result(entry.label, entry.title, seed, **facts, **about)


def card_facts(folder: Path) -> dict[str, Any]:
    """Returns the `ganzoo:` block of a checkpoint folder's card; empty if there is none."""
    card = folder / "README.md"
    return facts_of(read_text(card)) if card.is_file() else {}


def published(entry: Entry) -> Result:
    """Scores a checkpoint folder; what its card does not say of steps, images and time stays unknown."""
    weights = entry.file.parent / "model.safetensors"
    about = card_facts(weights.parent)
    conditions = {**entry.conditions, "chosen": about.get("weights"), "weights": _digest(weights)}
    facts: dict[str, Any] = {name: about.get(name) for name in ("steps", "images", "seconds", "hardware")}
    scores = _score(entry, weights.parent)
    return Result(entry.recipe, entry.title, None, **facts, scores=scores, conditions=conditions, file=weights)


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


def _check_same(entry: Entry, folder: Path) -> None:
    """Compares what both recipes name, so that a setting that is newer than the run does not count against it."""
    theirs = settings(yaml.safe_load((folder / "recipe.yaml").read_text()))
    for name, wanted in settings(yaml.safe_load(entry.recipe_text())).items():
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


def _score(entry: Entry, weights: Path) -> dict[str, float]:
    entry.evaluation.collect()
    return entry.evaluation.scores(load(weights, device=entry.evaluation.device))
