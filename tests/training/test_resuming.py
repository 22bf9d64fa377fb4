"""Runs that are continued: by their own recipe, with what is given beside it, which is applied or refused unwritten."""

import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from commands import DIGITS, ganzoo
from PIL import Image

import ganzoo as package
from ganzoo.common import registry
from ganzoo.training import changes, resuming

NAME = "wgan_gp_digits"
QUIET = ("--trainer.enable_progress_bar", "false")


@pytest.fixture
def run(digits_run, tmp_path):
    """A copy of a run of 6 steps, whose networks, scores and critic steps are not those of its recipe."""
    copy = tmp_path / "runs" / NAME / "version_0"
    shutil.copytree(digits_run.folder, copy)
    return copy


def go_on(run, *words, command="fit", recipe=("--recipe", NAME)):
    resumed = ("--ckpt_path", "last") if command == "fit" else ()
    return ganzoo(command, *recipe, *resumed, "--runs", run.parents[1], *QUIET, *words)


def content(folder):
    """Every file of a folder, by its bytes."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def state(run, name="last.ckpt"):
    return torch.load(run / name, weights_only=True)


def recipe(folder):
    return yaml.safe_load((folder / "recipe.yaml").read_text())


def used(run, name="lr"):
    """What the optimizers step with: the critic's and the generator's."""
    return [group[name] for optimizer in state(run)["optimizer_states"] for group in optimizer["param_groups"]]


def test_a_run_goes_on_by_its_own_recipe(run):
    said = go_on(run, "--trainer.max_steps", 8)
    assert said.status == 0, said.err
    assert "6 of 8 generator steps" in said.out
    assert "swd[60/test]" in said.out
    resolved = recipe(run)
    assert resolved["model"]["init_args"]["generator"]["init_args"]["hidden"] == [16]
    assert (resolved["model"]["init_args"]["n_critic"], resolved["trainer"]["max_steps"]) == (2, 8)
    assert state(run)["global_step"] == 8
    assert not (run / "recipe.yaml").read_text().startswith("#")


def test_a_finished_run_says_that_nothing_is_left(run):
    before = content(run)
    said = go_on(run)
    assert said.status == 0, said.err
    assert (
        said.out == f"{run} has taken all its 6 steps: nothing is left to train. Raise --trainer.max_steps to go on.\n"
    )
    assert content(run) == before
    shutil.rmtree(run / "export")  # it was killed while it exported
    assert go_on(run).status == 0
    assert (run / "export" / "README.md").is_file()


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (
            "--trainer.max_steps 5",
            ["trainer.max_steps: 5", "6 steps already", "nothing is left", "--trainer.max_steps"],
        ),
        ("--model.generator.hidden [32]", ["generator.init_args.hidden: [32]", "with [16]", "does not fit"]),
        ("--model.generator.hidden [32] --model.d_lr 1e-5", ["generator.init_args.hidden: [32]", "does not fit"]),
        ("--model.optimizer torch.optim.SGD", ["model.init_args.optimizer: torch.optim.SGD", "with torch.optim.Adam"]),
        ("--model.ema null", ["model.init_args.ema: null", "does not fit"]),
        ("--data ganzoo.data.Toy2D", ["data.class_path: ganzoo.data.Toy2D", "ganzoo.data.Digits", "a new run"]),
        ("--data.size 16 --model.generator.shape [1,16,16] --model.discriminator.shape [1,16,16]", ["[1, 16, 16]"]),
        ("--seed_everything 5", ["seed_everything: 5 given, but the run was trained with 0"]),
        ("--trainer.callbacks EarlyStopping --trainer.callbacks.monitor fid", ["monitors fid"]),
        ("--quality.monitor fid", ["fid"]),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(run, words, parts):
    before = content(run)
    steps = () if "max_steps" in words else ("--trainer.max_steps", 9)
    error = go_on(run, *steps, *words.split()).error
    assert [part for part in parts if part not in error] == [], error
    assert "d_lr" not in error
    assert content(run) == before


def test_a_mistake_costs_nothing(run):
    assert "hidden" in go_on(run, "--trainer.max_steps", 7, "--model.generator.hidden", "[32]").error
    said = go_on(run, "--trainer.max_steps", 7, recipe=("--config", run / "recipe.yaml"))
    assert said.status == 0, said.err
    assert state(run)["global_step"] == 7


def test_rates_and_moments_are_set_and_said(run):
    said = go_on(run, "--trainer.max_steps", 8, "--model.g_lr", "1e-6", "--model.betas", "[0.1,0.8]")
    assert said.status == 0, said.err
    assert used(run) == [recipe(run)["model"]["init_args"]["d_lr"], 1e-6]
    assert used(run, "betas") == [(0.1, 0.8)] * 2
    line = "From step 6 on model.init_args.g_lr is 1e-06, before it was 0.0005."
    assert line in said.out
    assert (run / "recipe.yaml").read_text().startswith(f"# {line}\n")
    assert recipe(run)["model"]["init_args"]["g_lr"] == 1e-6
    ganzoo("export", run, "-o", run / "last", "--weights", "last", "--samples", 20)
    assert f"- {line}\n" in (run / "last" / "README.md").read_text()
    assert recipe(run / "last")["model"]["init_args"]["g_lr"] == 1e-6
    best = state(run, "best.ckpt")
    assert recipe(run / "export")["model"]["init_args"]["g_lr"] == (5e-4 if best["global_step"] <= 6 else 1e-6)
    assert go_on(run, "--trainer.max_steps", 9).status == 0  # and once more: it stays so
    assert used(run)[1] == 1e-6
    assert state(run)["game"]["changes"] == [
        [6, "model.init_args.g_lr", 5e-4, 1e-6],
        [6, "model.init_args.betas", [0.0, 0.9], [0.1, 0.8]],
    ]
    assert (run / "recipe.yaml").read_text().count("# From step 6 on") == 2


def test_a_rate_that_a_schedule_has_changed_keeps_its_factor(tmp_path):
    falling = ("--model.lr_factor", '{"values": [1, 0], "at": [0, 1], "kind": "linear"}')
    runs = ("--runs", tmp_path, *QUIET)
    assert ganzoo("fit", *DIGITS, *falling, "--trainer.max_steps", 4, *runs).status == 0
    run = tmp_path / NAME / "version_0"
    checkpoint = state(run)
    before = yaml.safe_load(checkpoint["game"]["recipe"])
    checkpoint["optimizer_states"][1]["param_groups"][0]["lr"] = 2.5e-4  # half way
    after = before | {"model": {**before["model"], "init_args": {**before["model"]["init_args"], "g_lr": 1e-3}}}
    changes.apply_to_checkpoint(checkpoint, yaml.safe_dump(after))
    group = checkpoint["optimizer_states"][1]["param_groups"][0]
    assert (group["lr"], group["initial_lr"]) == (5e-4, 1e-3)
    assert [schedule["base_lrs"] for schedule in checkpoint["lr_schedulers"]] == [[5e-4], [1e-3]]
    said = go_on(run, "--trainer.max_steps", 8, "--model.g_lr", "1e-3", "--model.d_lr", "2e-3")
    assert said.status == 0, said.err
    assert [schedule["base_lrs"] for schedule in state(run)["lr_schedulers"]] == [[2e-3], [1e-3]]
    assert used(run) == pytest.approx([0, 0], abs=1e-9)  # at the end
    said = go_on(run, "--trainer.max_steps", 10, "--model.lr_factor", "null")
    assert said.status == 0, said.err
    assert used(run) == [2e-3, 1e-3]
    assert state(run)["lr_schedulers"] == []


def test_the_same_in_python(run, tmp_path):
    options = {"trainer__max_steps": 8, "trainer__accelerator": "cpu", "trainer__enable_progress_bar": False}
    model, data, trainer = package.from_recipe(
        str(run / "recipe.yaml"), model__g_lr=1e-6, runs=tmp_path / "new", **options
    )
    trainer.fit(model, data, ckpt_path=run / "last.ckpt", weights_only=True)
    new = tmp_path / "new" / NAME / "version_0"
    assert used(new)[1] == 1e-6
    assert state(new)["game"]["changes"] == [[6, "model.init_args.g_lr", 5e-4, 1e-6]]
    assert recipe(new)["model"]["init_args"]["g_lr"] == 1e-6


def test_a_command_with_an_appended_class_can_be_given_again(tmp_path):
    words = ["--model.stabilisers+=ganzoo.stabilisers.InstanceNoise", "--trainer.callbacks+=EarlyStopping"]
    words += ["--trainer.callbacks.monitor", "swd", "--trainer.callbacks.patience"]
    runs = ("--runs", tmp_path, *QUIET)
    said = ganzoo("fit", *DIGITS, *words, 30, *runs, "--trainer.max_steps", 2)
    assert said.status == 0, said.err
    run = tmp_path / NAME / "version_0"
    said = ganzoo("fit", *DIGITS, *words, 30, *runs, "--trainer.max_steps", 3, "--ckpt_path", "last")
    assert said.status == 0, said.err
    assert len(recipe(run)["model"]["init_args"]["stabilisers"]) == len(recipe(run)["trainer"]["callbacks"]) == 1
    said = go_on(run, "--trainer.max_steps", 4, "--trainer.callbacks.patience", 7)
    assert said.status == 0, said.err
    (stopping,) = [kept for key, kept in state(run)["callbacks"].items() if key.startswith("EarlyStopping")]
    assert stopping["patience"] == 7  # not what the checkpoint would bring back


def pictures(folder, seed):
    folder.mkdir(parents=True)
    for number in range(20):
        pixels = np.random.default_rng([seed, number]).integers(256, size=(8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    return folder


def test_data_that_has_moved_is_taken_and_other_data_is_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = pictures(tmp_path / "here", 1)
    options = {"root": "here", "size": 8, "channels": 1, "batch_size": 10, "num_workers": 0, "title": "Noise"}
    mine = yaml.safe_load((registry.RECIPES / f"{NAME}.yaml").read_text())
    mine["data"] = {"class_path": "ganzoo.data.ImageFolder", "init_args": options}
    Path("mine.yaml").write_text(yaml.safe_dump(mine))
    said = ganzoo("fit", "--config", "mine.yaml", *DIGITS[2:], *QUIET, "--trainer.max_steps", 2)
    assert said.status == 0, said.err
    run = tmp_path / "runs" / "mine" / "version_0"
    shutil.move(here, tmp_path / "there")
    pictures(tmp_path / "other", 2)
    last = ("fit", "--config", "mine.yaml", "--ckpt_path", "last", *QUIET, "--trainer.max_steps", 3)
    before = content(run)
    error = ganzoo(*last, "--data.root", "other").error
    assert error.startswith("data.init_args.root: other given, but the run was trained with here, which is other data")
    assert content(run) == before
    said = ganzoo(*last, "--data.root", "there")
    assert said.status == 0, said.err
    assert recipe(run)["data"]["init_args"]["root"] == "there"
    assert recipe(run)["data"]["init_args"]["title"] == "Noise"
    assert state(run)["game"]["changes"] == []
    mine["trainer"]["max_steps"], mine["data"]["init_args"]["root"] = 9, "there"
    Path("mine.yaml").write_text(yaml.safe_dump(mine))
    os.utime("mine.yaml", (2**32, 2**32))  # edited after the run began
    said = ganzoo(*last[:-2], "--trainer.max_steps", 4)
    assert said.status == 0, said.err
    assert "mine.yaml differs in " in said.out.splitlines()[0]
    assert "trainer.max_steps" in said.out.splitlines()[0]
    assert state(run)["global_step"] == 4


def test_a_run_is_named_by_its_recipe_its_version_or_its_checkpoint(run, tmp_path):
    newest = run.with_name("version_1")
    shutil.copytree(run, newest)
    os.utime(newest / "last.ckpt", (2**31, 2**31))
    ganzoo_fit = ("fit", *QUIET, "--trainer.max_steps", 7, "--ckpt_path")
    assert ganzoo(*ganzoo_fit, "last", "--config", run / "recipe.yaml").status == 0
    assert [state(each)["global_step"] for each in (run, newest)] == [7, 6]
    assert ganzoo(*ganzoo_fit, newest / "last.ckpt", "--recipe", NAME).status == 0
    assert [state(each)["global_step"] for each in (run, newest)] == [7, 7]
    os.utime(newest / "last.ckpt", (2**31, 2**31))
    said = go_on(run, "--version", "version_0", "--trainer.max_steps", 8)
    assert said.status == 0, said.err
    assert [state(each)["global_step"] for each in (run, newest)] == [8, 7]
    alone = tmp_path / "kept.ckpt"
    shutil.copy(run / "last.ckpt", alone)
    said = ganzoo(
        *ganzoo_fit[:-1], "--trainer.max_steps", 9, "--ckpt_path", alone, "--recipe", NAME, "--runs", tmp_path / "new"
    )
    assert said.status == 0, said.err
    new = tmp_path / "new" / NAME / "version_0"
    assert state(new)["global_step"] == 9
    assert recipe(new)["model"]["init_args"]["n_critic"] == 2


@pytest.mark.parametrize("command", ["validate", "test", "predict"])
def test_weights_are_looked_at_by_their_runs_recipe(run, command):
    said = go_on(run, command=command)
    assert said.status == 0, said.err
    assert str(run) in said.out
    error = go_on(run, "--model.generator.hidden", "[32]", command=command).error
    assert "generator.init_args.hidden: [32]" in error
    if command != "predict":
        assert "swd[60/test]" in said.out
        assert "swd[30/test]" in go_on(run, "--quality.samples", 30, command=command).out


def test_a_run_from_before_goes_on_and_keeps_its_best_score(run):
    checkpoint, before = state(run), hashlib.sha256((run / "best.ckpt").read_bytes()).hexdigest()
    for name in ("data", "changes"):
        del checkpoint["game"][name]
    states = checkpoint["callbacks"]
    (key,) = [key for key in states if key.startswith("Best")]
    best = torch.tensor(0.5)  # no score gets better than that
    kept = states.pop(key) | {"best_model_score": best, "kth_value": best}
    kept["best_k_models"] = dict.fromkeys(kept["best_k_models"], best)
    states[f"ModelCheckpoint{key.removeprefix('Best')}"] = kept
    torch.save(checkpoint, run / "last.ckpt")
    said = go_on(run, "--trainer.max_steps", 8)
    assert said.status == 0, said.err
    assert float(state(run)["callbacks"][key]["best_model_score"]) == 0.5
    assert state(run)["callbacks"][key]["best_model_path"] == str(run / "best.ckpt")  # though the folder has moved
    assert hashlib.sha256((run / "best.ckpt").read_bytes()).hexdigest() == before


def test_options_count_wherever_they_stand(tmp_path):
    said = ganzoo("fit", "--trainer.max_steps", 2, *DIGITS, "--runs", tmp_path, *QUIET)
    assert said.status == 0, said.err
    assert state(tmp_path / NAME / "version_0")["global_step"] == 2


def test_a_notebooks_run_keeps_its_recipe(tmp_path):
    options = {"trainer__max_steps": 2, "trainer__accelerator": "cpu", "trainer__enable_progress_bar": False}
    model, data, trainer = package.from_recipe(
        "gan_toy", runs=tmp_path, quality__samples=50, model__d_lr=3e-4, **options
    )
    trainer.fit(model, data)
    run = tmp_path / "gan_toy" / "version_0"
    assert recipe(run)["model"]["init_args"]["d_lr"] == 3e-4
    said = go_on(run, "--trainer.max_steps", 3, recipe=("--recipe", "gan_toy"))
    assert said.status == 0, said.err
    assert used(run)[0] == 3e-4


def test_words_that_say_which_run(tmp_path):
    more = tmp_path / "more.yaml"
    more.write_text("runs: elsewhere\nversion: mine\n")
    files, rest = resuming.split_configs(["--config", "a.yaml", "--x", "1", "-c", str(more), "--version=other"])
    assert (files, rest) == (["a.yaml", str(more)], ["--x", "1", "--version=other"])
    assert resuming.run_selection(files, rest) == {"runs": "elsewhere", "version": "other", "ckpt_path": None}
