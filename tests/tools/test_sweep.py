"""`ganzoo sweep`: settings and spaces, trials that are stopped early or continued, and the best one's recipe."""

import csv
from pathlib import Path

import pytest
from commands import ganzoo

from ganzoo.common.errors import GanzooError
from ganzoo.tools.sweep import search as searching
from ganzoo.tools.sweep import spaces, sweep, trial
from ganzoo.tools.sweep.spaces import Choice, Range, read_spaces
from ganzoo.tools.sweep.tables import report
from ganzoo.training.callbacks.keep import Last
from ganzoo.training.callbacks.quality import Quality
from ganzoo.training.recipe_reader import RecipeReader
from ganzoo.training.runs import read_progress

optuna = pytest.importorskip("optuna", reason="pip install 'ganzoo-lightning[sweep]'")

SPACE = ["g_lr=1e-4..1e-1:log", "n_critic=1,2"]
FOLDER = Path("runs/digits/sweep")


@pytest.mark.parametrize(
    ("text", "space"),
    [
        ("1e-4..1e-3:log", Range(1e-4, 1e-3, whole=False, log=True)),
        ("-0.5..0.5", Range(-0.5, 0.5, whole=False)),
        ("1..5", Range(1, 5, whole=True)),
        ("16..128:16", Range(16, 128, whole=True, step=16)),
        ("0..1:0.25", Range(0, 1, whole=False, step=0.25)),
        ("8..512:log", Range(8, 512, whole=True, log=True)),
        ("16,32,64", Choice(("16", "32", "64"))),
        ("[0,0.9],[0.5,0.999]", Choice(("[0,0.9]", "[0.5,0.999]"))),
        ("null,../data", Choice(("null", "../data"))),
    ],
)
def test_spaces_are_read_as_they_are_meant(text, space):
    assert read_spaces([f"key={text}"]) == {"key": space}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("g_lr", "must be KEY= and LOW..HIGH"),
        ("g_lr=1e-3", "leaves nothing to search"),
        ("g_lr=1e-3..", "leaves nothing to search"),
        ("g_lr=2,2", "leaves nothing to search"),
        ("g_lr=1e-3..1e-4", "from a lower to a higher"),
        ("g_lr=0..1:log", "above 0"),
        ("g_lr=1..2:3", "fit between the bounds"),
    ],
)
def test_what_is_no_space_is_refused(text, message):
    with pytest.raises(GanzooError, match=message):
        read_spaces([text])
    with pytest.raises(GanzooError, match="a is given twice"):
        read_spaces(["a=1,2", "a=3,4"])


def test_a_trials_values_lie_in_the_space_and_read_back_as_they_are():
    texts = ["rate=1e-6..1e-2:log", "width=16..128:16", "share=0..1:0.25", "kind=a,b"]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    chosen = [spaces.suggest(study.ask(), read_spaces(texts)) for _ in range(30)]
    rates = [float(one["rate"]) for one in chosen]
    assert 1e-6 <= min(rates) < 1e-5 < 1e-3 < max(rates) <= 1e-2  # of a uniform one a thousandth lies below 1e-5
    assert {one["width"] for one in chosen} == {str(width) for width in range(16, 129, 16)}
    assert {one["share"] for one in chosen} == {"0.0", "0.25", "0.5", "0.75", "1.0"}
    assert {one["kind"] for one in chosen} == {"a", "b"}


@pytest.fixture
def scripted(recipes, monkeypatch):
    """Trainings that take no time: a function of the settings gives the score at each of three validations."""

    def script(score):
        def train_trial(words, recipe, folder, report):
            values = dict(
                word.removeprefix("--model.init_args.").split("=", 1) for word in words if "init_args" in word
            )
            folder.mkdir(parents=True)
            (folder / "recipe.yaml").write_text("model: here\n")
            for name in ("last.ckpt", "best.ckpt"):
                (folder / name).touch()
            scores = score(int(folder.name.rpartition("_")[2]), values)
            return any(report(10 * step, number) for step, number in enumerate(scores, 1))

        monkeypatch.setattr(trial, "train_trial", train_trial)

    monkeypatch.setattr(searching, "STARTUP", 2)
    return script


@pytest.mark.parametrize("higher", [False, True])
def test_a_trial_behind_the_others_is_stopped_early(scripted, monkeypatch, higher):
    monkeypatch.setattr(Quality, "higher_is_better", lambda *_: higher)
    scripted(lambda number, values: [(-number if higher else number) + step / 10 for step in (0, 1, 2)])
    outcome = sweep(recipe="digits.yaml", vary=SPACE, trials=4)
    assert [one.state for one in outcome.trials] == ["complete", "complete", "pruned", "pruned"]
    assert (outcome.best.number, outcome.best.step) == (0, 30 if higher else 10)
    assert [one.step for one in outcome.trials][2:] == [10, 10]
    runs = [outcome.run.with_name(f"sweep_trial_{number}") for number in range(4)]
    assert [run for run in runs if (run / "last.ckpt").exists() or (run / "best.ckpt").exists()] == [outcome.run]
    lines = report(outcome)
    assert [line.split()[0] for line in lines[1:5]] == ["0", "1", "2", "3"]
    assert [line.endswith("stopped early") for line in lines[1:5]] == [False, False, True, True]
    everything = sweep(recipe="digits.yaml", vary=SPACE, trials=4, name="all", no_pruning=True, keep_all=True)
    assert [one.state for one in everything.trials] == ["complete"] * 4
    assert all(one.setting == other.setting for one, other in zip(outcome.trials, everything.trials, strict=True))
    assert outcome.run.with_name("all_trial_3").joinpath("last.ckpt").exists()


def test_settings_that_fail_are_named_and_left(scripted):
    def score(number, values):
        if values["n_critic"] == "2":
            raise GanzooError("n_critic: two are too many")
        return [float(values["g_lr"])]

    scripted(score)
    said = ganzoo(
        "sweep", "--recipe", "digits.yaml", "--vary", SPACE[0], "--vary", SPACE[1], "--trials", 6, "--no-pruning"
    )
    assert said.status == 0, said.err
    rows = list(csv.DictReader((FOLDER / "trials.csv").open()))
    assert {(row["n_critic"], row["state"], row["reason"]) for row in rows} == {
        ("1", "complete", ""),
        ("2", "failed", "n_critic: two are too many"),
    }
    best = min((row for row in rows if row["swd"]), key=lambda row: float(row["g_lr"]))
    assert said.out.splitlines()[1].split()[0] == best["trial"]
    scripted(lambda number, values: [])
    said = ganzoo("sweep", "--recipe", "digits.yaml", "--vary", SPACE[0], "--trials", 2, "--name", "none")
    assert said.status == 2
    assert "no trial came to its end. it was not scored" in said.err.splitlines()[-1]


def test_mistakes_are_told_before_anything_is_trained(recipes):
    said = ganzoo("sweep", "--recipe", "digits.yaml", "--vary", "n_critik=1,2")
    assert "n_critik is no argument of WGANGP or Digits. Did you mean 'n_critic'" in said.error
    said = ganzoo("sweep", "--recipe", "digits.yaml", "--vary", "g_lr=low,high")
    assert "model.g_lr: must be a float" in said.error
    assert "--vary: give the settings" in ganzoo("sweep", "--recipe", "digits.yaml").error
    assert "--name: '../x'" in ganzoo("sweep", "--recipe", "digits.yaml", "--vary", SPACE[0], "--name", "../x").error
    assert not Path("runs").exists()


def test_a_sweep_goes_on_in_the_middle_of_a_trial(recipes, monkeypatch):
    options = {"recipe": "digits.yaml", "vary": SPACE, "trials": 1, "set": ["trainer.max_steps=2"]}
    whole = sweep(name="whole", **options)
    saving = Last.on_train_batch_end

    def interrupt(self, trainer, *rest):
        self.interrupted = self.interrupted or trainer.global_step == 1
        saving(self, trainer, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(Last, "on_train_batch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            sweep(**options)
    assert read_progress(Path("runs/digits/sweep_trial_0/last.ckpt"))["steps"] == 1
    said = ganzoo(*["sweep", "--recipe", "digits.yaml", "--vary", *SPACE, "--trials", 1, "--set", *options["set"]])
    assert said.status == 0, said.err
    outcome = sweep(**options)  # nothing is left to do
    best = outcome.best
    assert (best.setting, best.score, best.step) == (whole.best.setting, whole.best.score, whole.best.step)
    assert "2 generator steps" in (outcome.run / "fit.log").read_text()
    assert not (outcome.run / "export").exists()

    assert said.out.splitlines()[0].split() == ["trial", "swd", "step", "g_lr", "n_critic", "took"]
    words = [line.split()[-1] for line in said.out.splitlines() if line.startswith("train with them")]
    assert words == [str(outcome.file)]
    arguments = RecipeReader(outcome.file, [], "best").config.model.init_args
    assert {"g_lr": arguments.g_lr, "n_critic": str(arguments.n_critic)} == best.setting

    with pytest.raises(GanzooError, match="holds a sweep with other --vary"):
        sweep(**options | {"vary": SPACE[:1]})
    with pytest.raises(GanzooError, match="holds a sweep with other --set"):
        sweep(**options | {"set": []})
    pytest.importorskip("fcntl", reason="no file locks")
    with searching._alone(FOLDER / "lock"), pytest.raises(GanzooError, match="a sweep is under way in"):
        sweep(**options)
