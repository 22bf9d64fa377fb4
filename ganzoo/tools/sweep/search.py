"""Search over settings of a recipe by optuna, kept in the runs folder, so that it can be stopped and continued."""

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.common import registry, vary
from ganzoo.common.errors import GanzooError, require_at_least
from ganzoo.common.files import atomic_write
from ganzoo.tools.sweep.results import Outcome, Trial
from ganzoo.tools.sweep.spaces import Space, read_spaces, suggest
from ganzoo.tools.sweep.tables import setting_text, spreadsheet
from ganzoo.training.recipe_reader import RecipeReader
from ganzoo.training.runs import recipe_name

STARTUP = 5  # trials that are trained to their end before any is stopped for being worse than half of the others
QUESTION = "question"  # attribute of a study: what it searches


@dataclass
class Sweep:
    """A recipe, what is searched in it, and where the trials lie.

    Args:
        file: the recipe.
        recipe: its name.
        spaces: by the keys of settings.
        overrides: further arguments of `ganzoo fit` for all trials.
        folder: `RUNS/RECIPE/NAME`; the runs of its trials lie beside it.

    Attributes:
        full: dotted names in the recipe by the keys.
    """

    file: Path
    recipe: str
    spaces: Mapping[str, Space]
    overrides: Sequence[str]
    folder: Path
    full: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.full = vary.full_names(self.spaces, self.file)

    def words(self, setting: Mapping[str, str]) -> list[str]:
        """Returns the arguments of `ganzoo fit` that make a setting; several GPUs are not for one trial."""
        varied = [f"--{self.full[key]}={value}" for key, value in setting.items()]
        return ["--trainer.devices=1", *self.overrides, *varied]

    def run(self, number: int) -> Path:
        """Returns the folder of a trial's run."""
        return self.folder.with_name(f"{self.folder.name}_trial_{number}")

    def monitored(self) -> tuple[str, bool]:
        """Returns the short name of the score that trials are judged by, and whether a higher one is better.

        Raises:
            GanzooError: if the recipe does not take such settings.
        """
        first = self.words({key: space.first for key, space in self.spaces.items()})
        reader = RecipeReader(self.file, first, self.recipe)
        reader.datamodule.inspect()
        reader.model.fits(reader.datamodule)
        quality = reader.config_init.quality
        name = quality.monitored(reader.datamodule, reader.model)
        return name, quality.higher_is_better(name)

    @property
    def question(self) -> str:
        """What is searched, to tell whether a study that is there is the same."""
        spaces = {self.full[key]: repr(space) for key, space in self.spaces.items()}
        return json.dumps({"spaces": spaces, "set": [*self.overrides]}, sort_keys=True)


def search(
    recipe: str,
    varied: Sequence[str],
    trials: int,
    *,
    runs: Path = Path("runs"),
    name: str = "sweep",
    sampler: str = "tpe",
    seed: int = 0,
    pruning: bool = True,
    keep_all: bool = False,
    overrides: Sequence[str] = (),
) -> Outcome:
    """Searches settings of a recipe; see `ganzoo.tools.sweep.sweep`.

    Args:
        recipe: name or file.
        varied: see `ganzoo.tools.sweep.spaces.read_spaces`.
        trials: how many in all.
        runs: folder of all runs.
        name: of the sweep.
        sampler: `tpe` or `random`.
        seed: of the choices: trial n takes the same whether the search was stopped before it or not.
        pruning: whether trials that are behind the others are stopped.
        keep_all: whether the weights of all trials stay.
        overrides: further arguments of `ganzoo fit` for all trials.

    Raises:
        GanzooError: if something does not fit, optuna is missing, or no trial came to a score.
    """
    require_at_least("--trials", trials, 1)
    if not name.replace("-", "_").isidentifier():
        raise GanzooError(f"--name: '{name}' given, but it names a folder: letters, digits and _ will do.")
    spaces = read_spaces(varied)
    optuna = _optuna()
    file = registry.find_recipe(recipe)
    title = recipe_name(file)
    sweep = Sweep(file, title, spaces, overrides, runs / title / name)
    monitor, higher = sweep.monitored()
    sweep.folder.mkdir(parents=True, exist_ok=True)
    with _alone(sweep.folder / "lock"):
        study = _study(optuna, sweep, name, higher)
        study.pruner = optuna.pruners.MedianPruner(STARTUP) if pruning else optuna.pruners.NopPruner()
        samplers = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}
        while (trial := _next(optuna, study, trials)) is not None:
            study.sampler = samplers[sampler](seed=seed + trial.number)
            _try(optuna, study, trial, sweep, trials)
            outcome = _outcome(sweep, study, monitor, higher)
            if outcome is not None and not keep_all:
                _drop_weights(sweep, outcome)
        outcome = _outcome(sweep, study, monitor, higher)
        if outcome is None:
            reasons = [trial.user_attrs.get("reason", "") for trial in study.trials]
            raise GanzooError(f"sweep: no trial came to its end. {next(filter(None, reasons), '')}")
        _write(outcome, sweep)
    return outcome


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise GanzooError("sweep: optuna is not installed; pip install 'ganzoo-lightning[sweep]'.") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Context manager: no other process is in the same sweep; where the system knows no such locks, it is believed."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with file.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise GanzooError(f"--name: a sweep is under way in '{file.parent}'; name another.") from None
        yield


def _study(optuna: Any, sweep: Sweep, name: str, higher: bool) -> Any:
    """Returns the study in a sweep's folder, a new one or that of before.

    Raises:
        GanzooError: if the one of before searches something else.
    """
    study = optuna.create_study(
        study_name=name,
        storage=f"sqlite:///{(sweep.folder / 'study.db').absolute()}",
        direction="maximize" if higher else "minimize",
        load_if_exists=True,
    )
    asked = study.user_attrs.setdefault(QUESTION, sweep.question)
    if asked != sweep.question:
        theirs, ours = json.loads(asked), json.loads(sweep.question)
        part = "spaces" if theirs["spaces"] != ours["spaces"] else "set"
        raise GanzooError(
            f"--name: '{sweep.folder}' holds a sweep with other {'--vary' if part == 'spaces' else '--set'}: "
            f"{json.dumps(theirs[part])}; name this one."
        )
    study.set_user_attr(QUESTION, sweep.question)
    return study


def _next(optuna: Any, study: Any, trials: int) -> Any:
    """Returns the trial to train: one that was stopped in the middle, else a new one; None if there are enough."""
    for frozen in study.get_trials(deepcopy=False):
        if frozen.state == optuna.trial.TrialState.RUNNING:
            return optuna.trial.Trial(study, frozen._trial_id)
    return study.ask() if len(study.trials) < trials else None


def _try(optuna: Any, study: Any, trial: Any, sweep: Sweep, trials: int) -> None:
    """Trains a trial, and tells the study how it went."""
    from ganzoo.tools.sweep.trial import train_trial

    State = optuna.trial.TrialState
    values = suggest(trial, sweep.spaces)
    label = f"trial {trial.number} of {trials}: {setting_text(trial.params)}"
    print(label, file=sys.stderr, flush=True)

    def report(step: int, score: float) -> bool:
        if step in study.trials[trial.number].intermediate_values:  # of a run that goes on
            return False
        trial.report(score, step)
        return trial.should_prune()

    try:
        words = ["--config", str(sweep.file), *sweep.words(values)]
        stopped = train_trial(words, sweep.recipe, sweep.run(trial.number), report)
    except GanzooError as error:
        trial.set_user_attr("reason", str(error))
        study.tell(trial, state=State.FAIL)
        print(f"  failed: {error}", file=sys.stderr, flush=True)
        return
    step, score = _best_step(study.trials[trial.number].intermediate_values, study.direction.name == "MAXIMIZE")
    if stopped:
        study.tell(trial, state=State.PRUNED)
    elif score is None:
        trial.set_user_attr("reason", "it was not scored")
        study.tell(trial, state=State.FAIL)
    else:
        study.tell(trial, score)
    text = "not scored" if score is None else f"{score:.4g} at step {step:,}"
    print(f"  {text}{', stopped early' if stopped else ''}", file=sys.stderr, flush=True)


def _best_step(scores: Mapping[int, float], higher: bool) -> tuple[int, float] | tuple[None, None]:
    """Returns the step with the best score, and the score."""
    if not scores:
        return None, None
    step = (max if higher else min)(sorted(scores), key=lambda step: scores[step])
    return step, scores[step]


def _outcome(sweep: Sweep, study: Any, monitor: str, higher: bool) -> Outcome | None:
    """Returns what is known so far; None if no trial is complete."""
    trials = []
    for one in study.trials:
        step, score = _best_step(one.intermediate_values, higher)
        state = {"FAIL": "failed"}.get(one.state.name, one.state.name.lower())
        seconds = one.duration.total_seconds() if one.duration is not None else None
        reason = one.user_attrs.get("reason", "")
        trials.append(Trial(one.number, one.params, state, score, step, seconds, reason))
    complete = [trial for trial in trials if trial.state == "complete"]
    if not complete:
        return None
    best = (max if higher else min)(complete, key=lambda trial: trial.score)  # type: ignore[arg-type,return-value]
    file = sweep.folder / f"{sweep.recipe}_best.yaml"
    study_file = sweep.folder / "study.db"
    return Outcome(sweep.recipe, monitor, higher, trials, best, sweep.run(best.number), file, study_file)


def _drop_weights(sweep: Sweep, outcome: Outcome) -> None:
    """Removes the weights of trials that have ended and are not the best."""
    for trial in outcome.trials:
        if trial.state != "running" and trial.number != outcome.best.number:
            for name in ("last.ckpt", "best.ckpt"):
                (sweep.run(trial.number) / name).unlink(missing_ok=True)


def _write(outcome: Outcome, sweep: Sweep) -> None:
    """Writes the table of trials, and the best one's recipe."""
    best, count = outcome.best, len(outcome.trials)
    head = f"# ganzoo fit --config {outcome.file.name}\n#\n"
    head += f"# The best settings of {count} trials of {sweep.recipe}, trial {best.number}: "
    head += f"{setting_text(best.setting)}\n"
    head += f"# {outcome.monitor} {best.score:.4g} at step {best.step:,}, the best of its validations.\n"
    recipe = (outcome.run / "recipe.yaml").read_text(encoding="utf-8")
    for file, text in ((outcome.file, head + recipe), (sweep.folder / "trials.csv", spreadsheet(outcome))):
        with atomic_write(file) as beside:
            beside.write_text(text, encoding="utf-8")
