"""Runs: their folders, what they say, how they are stopped and continued, and how a notebook makes one."""

import csv
import gc
import re
import shlex
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
import torch
from commands import DIGITS, ganzoo, process
from tiny import Each

import ganzoo as package
from ganzoo.common import registry
from ganzoo.common.errors import GanzooError
from ganzoo.training import runs
from ganzoo.training.callbacks.progress import TermLogger
from ganzoo.training.notebook import flags


def test_fit_says_in_one_line_what_it_is_about_to_do(digits_run):
    line = digits_run.said.out.splitlines()[0]
    for part in (
        "CPU | 1 thread |",
        "generator",
        "discriminator",
        "parameters",
        "6 generator steps, about",
        "version_0",
    ):
        assert part in line


def test_fit_shows_a_bar_that_counts_generator_updates(digits_run):
    last = digits_run.said.err.replace("\r", "\n").strip().splitlines()[-1]
    for part in ("100%", "6/6", "d/adv ", "d/gp ", "g/adv "):
        assert part in last


def test_every_run_has_a_folder_of_its_own(tmp_path):
    fit = ["fit", *DIGITS, "--trainer.max_steps", "1", "--runs", tmp_path]
    assert [ganzoo(*fit).status, ganzoo(*fit).status, ganzoo(*fit, "--version", "mine").status] == [0, 0, 0]
    home = tmp_path / "wgan_gp_digits"
    assert sorted(path.name for path in home.iterdir()) == ["mine", "version_0", "version_1"]
    assert "--version" in ganzoo(*fit, "--version", "mine").error
    newest = ganzoo("validate", *DIGITS, "--runs", tmp_path)
    assert newest.out.splitlines()[0] == str(home / "mine" / "best.ckpt")


def test_runs_that_start_together_do_not_share_a_folder(tmp_path):
    start = Barrier(8)

    def begin(_):
        start.wait()
        return runs.make_run_folder(tmp_path / "runs" / "toy")

    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(begin, range(8)))
    assert {folder.name for folder in folders} == {f"version_{number}" for number in range(8)}
    (tmp_path / "runs" / "toy" / "version_3" / "metrics.csv").touch()
    for folder in folders:
        runs.discard_run_folder(folder)
    assert [path.name for path in (tmp_path / "runs" / "toy").iterdir()] == ["version_3"]  # which has begun


@pytest.mark.parametrize("rank", ["RANK", "NODE_RANK", "SLURM_PROCID"])
def test_further_processes_of_a_run_make_no_folder(tmp_path, monkeypatch, rank):
    monkeypatch.setenv(rank, "1")
    assert not runs.make_run_folder(tmp_path / "toy").exists()


def test_what_trains_nothing_leaves_no_folder(tmp_path):
    def begin(home):
        return package.from_recipe("gan_toy", runs=home, trainer__accelerator="cpu")[2]

    one, other = begin(tmp_path / "runs"), begin(tmp_path / "runs")
    assert {Path(trainer.log_dir).name for trainer in (one, other)} == {"version_0", "version_1"}
    del one, other
    gc.collect()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("my_toy.yaml", "my_toy"),
        ("runs/toy/version_0/recipe.yaml", "toy"),
        ("runs/toy/version_0/export/recipe.yaml", "toy"),
        ("checkpoints/gan-mnist/recipe.yaml", "gan_mnist"),
        ("export/recipe.yaml", "export"),
    ],
)
def test_runs_are_kept_under_the_recipes_name(tmp_path, file, name):
    (tmp_path / "runs" / "toy" / "version_0").mkdir(parents=True)
    (tmp_path / "runs" / "toy" / "version_0" / "last.ckpt").touch()
    assert runs.split_recipe(["--config", str(tmp_path / file)])[0] == name
    assert runs.split_recipe([f"--config={tmp_path / file}"])[0] == name


def test_a_resolved_recipe_is_a_recipe_and_files_come_before_flags(digits_run, tmp_path):
    more = tmp_path / "more.yaml"
    more.write_text("trainer: {max_steps: 4}\nquality: {samples: 30}\n")
    resolved = digits_run.folder / "recipe.yaml"
    said = ganzoo("fit", "--config", resolved, "--config", more, "--trainer.max_steps", 1, "--runs", tmp_path / "runs")
    assert said.status == 0, said.err
    run = tmp_path / "runs" / "wgan_gp_digits" / "version_0"
    assert torch.load(run / "last.ckpt", weights_only=True)["global_step"] == 1
    assert "swd[30/test]" in said.out
    assert "swd[60/test]" not in said.out


@pytest.mark.parametrize("command", ["validate", "test"])
def test_weights_are_scored_as_their_card_says(digits_run, command):
    said = ganzoo(command, *DIGITS, "--runs", digits_run.folder.parents[1])
    assert said.status == 0, said.err
    weights, score = said.out.splitlines()
    assert weights == str(digits_run.folder / "best.ckpt")
    name, number = score.split()
    assert f"| `{name}` | {number} |" in (digits_run.folder / "export" / "README.md").read_text()


def test_predict_draws_as_many_as_the_reference_split_holds(digits_run):
    said = ganzoo("predict", *DIGITS, "--runs", digits_run.folder.parents[1])
    assert said.status == 0, said.err
    assert said.out.strip() == str(digits_run.folder / "predictions.npz")
    samples = np.load(said.out.strip())["samples"]
    assert (samples.shape, samples.dtype) == ((297, 8, 8, 1), np.uint8)
    assert len(np.unique(samples.reshape(297, -1), axis=0)) == 297


def test_plot_draws_curves(digits_run, tmp_path):
    said = ganzoo("plot", digits_run.folder, "-o", tmp_path / "curves.pdf")
    assert said.out.strip() == str(tmp_path / "curves.pdf")
    assert (tmp_path / "curves.pdf").read_bytes().startswith(b"%PDF")


def test_export_writes_a_checkpoint_and_says_its_scores(digits_run, tmp_path):
    out = tmp_path / "my-digits"
    said = ganzoo("export", digits_run.folder, "-o", out, "--weights", "last", "--samples", 20)
    assert said.status == 0, said.err
    assert said.out.startswith(f"{out}  swd[20/test] ")
    assert ganzoo("info", out).out.startswith("# my-digits")


def test_nan_stops_a_run_with_one_line_and_keeps_the_last_good_checkpoint(tmp_path):
    words = ["--trainer.max_steps", 50, "--save_every", 1, "--trainer.log_every_n_steps", 1, "--runs", tmp_path]
    words += ["--model.lr_factor", '{"values": [1, 1.0e38], "at": [0, 0.1]}', "--trainer.enable_progress_bar", "false"]
    said = ganzoo("fit", *DIGITS, *words)
    assert said.error.endswith("train with --trainer.precision 32-true.")
    state = torch.load(tmp_path / "wgan_gp_digits" / "version_0" / "last.ckpt", weights_only=True)["state_dict"]
    assert all(tensor.isfinite().all() for tensor in state.values())


def steps(folder):
    """The steps in a run's log, in the order of its rows."""
    with (folder / "metrics.csv").open(newline="") as file:
        return [int(row["step"]) for row in csv.DictReader(file)]


def test_ctrl_c_saves_and_last_goes_on_in_place(tmp_path):
    home = tmp_path / "runs" / "wgan_gp_digits"
    run = home / "version_0"
    fit = ["-m", "ganzoo", "fit", *DIGITS]
    child = process(*fit, "--trainer.max_steps", 100_000, cwd=tmp_path)
    try:
        deadline = time.monotonic() + 240
        while not (run / "metrics.csv").is_file() or len(steps(run)) < 4:
            assert child.poll() is None, child.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=240)
    finally:
        child.kill()
    assert child.returncode == 0, err
    assert "Traceback" not in err
    go_on = shlex.split(re.search(r"continue with: (.*)\n", out)[1])
    assert go_on[1:] == shlex.split("-m ganzoo fit --config runs/wgan_gp_digits/version_0/recipe.yaml --ckpt_path last")
    before = steps(run)
    done = torch.load(run / "last.ckpt", weights_only=True)["global_step"]
    assert before[-1] <= done < 100_000
    assert package.load(run / "last.ckpt").sample(2).shape == (2, 1, 8, 8)

    child = process(*go_on[1:], "--trainer.max_steps", done + 10, cwd=tmp_path)
    out, err = child.communicate(timeout=240)
    assert child.returncode == 0, err
    assert f"{done:,} of {done + 10:,} generator steps" in out
    assert [path.name for path in home.iterdir()] == ["version_0"]
    assert torch.load(run / "last.ckpt", weights_only=True)["global_step"] == done + 10
    after = steps(run)
    assert after[: len(before)] == before
    assert after == sorted(after)
    assert set(after[len(before) :]) >= set(range(done + 2 - done % 2, done + 10, 2))
    assert (run / "metrics.csv").read_text().count("step") == 1  # one header


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--recipe gan_toy", "--recipe gan_toy --ckpt_path last"),
        (
            "--recipe gan_toy --data.samples 512 --trainer.max_time 00:01:00:00",
            "--config runs/gan_toy/version_0/recipe.yaml --trainer.max_time null --ckpt_path last",
        ),
        (
            "--config 'my toy.yaml' --runs 'else where'",
            "--config 'else where/my toy/version_0/recipe.yaml' --ckpt_path last --runs 'else where'",
        ),
        (
            "--config=other/recipe.yaml --version mine",
            "--config runs/other/mine/recipe.yaml --ckpt_path last --version mine",
        ),
    ],
)
def test_a_stopped_run_says_the_command_that_goes_on(tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    toy = (registry.RECIPES / "gan_toy.yaml").read_text()
    Path("my toy.yaml").write_text(toy)
    Path("runs/other/version_0").mkdir(parents=True)
    Path("runs/other/version_0/last.ckpt").touch()  # another run
    Path("other").mkdir()
    Path("other/recipe.yaml").write_text(toy)
    log = TermLogger.on_train_batch_end

    def interrupted(self, trainer, *args):
        log(self, trainer, *args)
        if trainer.global_step == 3:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(TermLogger, "on_train_batch_end", interrupted)
        said = ganzoo("fit", *shlex.split(words))
    assert said.status == 0, said.err
    assert said.out.splitlines()[-1].partition(" continue with: ")[2] == f"ganzoo fit {told}"
    again = ganzoo("fit", *shlex.split(told), "--trainer.max_steps", 5)
    assert again.status == 0, again.err
    assert "3 of 5 generator steps" in again.out


def test_a_notebook_goes_on_after_ctrl_c(tmp_path):
    options = {"max_steps": 12, "accelerator": "cpu", "enable_progress_bar": False, "log_every_n_steps": 1}
    options = {f"trainer__{name}": value for name, value in options.items()}
    model, data, trainer = package.from_recipe("gan_toy", runs=tmp_path, quality__samples=50, **options)
    trainer.callbacks.insert(0, Each(lambda t, _: signal.raise_signal(signal.SIGINT) if t.global_step == 5 else None))
    trainer.fit(model, data)
    assert trainer.global_step == 5
    time.sleep(0.5)  # which is no training
    trainer.fit(model, data)
    assert trainer.global_step == 12
    with (tmp_path / "gan_toy" / "version_0" / "metrics.csv").open(newline="") as file:
        clock = {int(row["step"]): float(row["time"]) for row in csv.DictReader(file) if row["time"]}
    assert [*clock] == list(range(1, 13))
    assert 0 < clock[6] - clock[5] < 0.5


def test_from_recipe_gives_what_a_notebook_needs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, data, trainer = package.from_recipe(
        "gan-toy",
        trainer__max_steps=2,
        trainer__accelerator="cpu",
        trainer__enable_progress_bar=False,
        data__samples=512,
        data__kind="swiss_roll",
        model__ema=None,
        quality__samples=50,
        runs=Path("runs"),
    )
    trainer.fit(model, data)
    assert (trainer.global_step, data.curve) == (2, "swiss_roll")
    assert model.sample(5, seed=0).shape == (5, 2)
    assert torch.load("runs/gan_toy/version_0/last.ckpt", weights_only=True)["global_step"] == 2


def test_from_recipe_says_what_does_not_fit():
    with pytest.raises(GanzooError, match="Did you mean 'gan_toy'"):
        package.from_recipe("gan_tyo")
    with pytest.raises(GanzooError, match=r"trainer\.max_stepz: .*Did you mean 'trainer\.max_steps'"):
        package.from_recipe("gan_toy", trainer__max_stepz=3)
    with pytest.raises(GanzooError, match=r"model\.d_lr: must be a float, not fast"):
        package.from_recipe("gan_toy", model__d_lr="fast")
    words = {"data.class_path": "ganzoo.data.Digits", "data.init_args.root": [Path("a"), {"b": Path("c")}]}
    assert flags(words)[1] == '--data.init_args.root=["a", {"b": "c"}]'
