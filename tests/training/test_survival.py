"""Runs that are killed, stopped, starved of disk or data: what is on the disk loads, and the rest is the very same."""

import csv
import ctypes
import os
import random
import re
import signal
import time
from pathlib import Path

import pytest
import torch
import yaml
from commands import DIGITS
from equality import alike
from forks import Fork, fork, slowly, until
from PIL import Image

import ganzoo
from ganzoo.common import registry
from ganzoo.data import image_folder

# All that has to come back: an order of flipped images, noise, augmentation, two optimizers, falling learning rates, a
# critic that moves less and less often, averaged weights, scores.
RUN = [
    *("fit", *DIGITS),
    *("--model.n_critic", '{"values": [3, 2, 1], "at": [0, 0.3, 0.6]}'),
    *("--model.lr_factor", '{"values": [1, 0], "at": [0, 1], "kind": "linear"}'),
    *("--model.augment", "color,translation,cutout"),
    *("--data.flip", "true", "--data.batch_size", "150"),
    *("--trainer.max_steps", "30", "--trainer.val_check_interval", "10", "--save_every", "1"),
    *("--grid.every", "10", "--trainer.enable_progress_bar", "false"),
]
SMALL = [*DIGITS[2:], "--save_every", "1", "--trainer.enable_progress_bar", "false"]
GO_ON = [*RUN, "--ckpt_path", "last"]
HOME = Path("runs/wgan_gp_digits")
PAGE = (Path(__file__).parents[2] / "docs" / "surviving.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder and the seconds of a run that nothing disturbed."""
    home = tmp_path_factory.mktemp("whole")
    run = fork(home, *RUN)
    run.wait_for(home / HOME / "version_0" / "last.ckpt")
    begun = time.monotonic()
    said = run.answer()
    assert said.status == 0, said.err
    return home / HOME / "version_0", time.monotonic() - begun


def rows(folder):
    """What a run has logged, but for the time that it took."""
    with (folder / "metrics.csv").open(newline="") as file:
        return [{key: cell for key, cell in row.items() if "time" not in key} for row in csv.DictReader(file)]


def state(file):
    """What a training checkpoint holds, but for times, places and Lightning's own counters."""
    checkpoint = torch.load(file, weights_only=True)
    order = checkpoint["loops"]["fit_loop"]["state_dict"]
    return {key: part for key, part in checkpoint.items() if key not in {"callbacks", "epoch", "loops", "rows"}} | order


def require_same(folder, whole):
    """Compares what a run has left with what an undisturbed one has left, bit by bit."""
    for name in ("last.ckpt", "best.ckpt"):
        ours, theirs = state(folder / name), state(whole / name)
        assert ours.keys() == theirs.keys()
        if name == "best.ckpt":  # an epoch's end and the next one's beginning are one place in the data
            del ours["combined_loader"]
        for key in ours:
            assert alike(ours[key], theirs[key]), f"{name}: {key}"
    assert rows(folder) == rows(whole)
    weights = Path("export", "model.safetensors")
    assert (folder / weights).read_bytes() == (whole / weights).read_bytes()
    assert not list(folder.glob(".*"))  # nothing half written is left


def require_loadable(folder):
    """Loads every checkpoint that is there."""
    for file in folder.rglob("*.ckpt"):
        assert state(file)["global_step"] >= 0
        assert ganzoo.load(file).sample(2).shape == (2, 1, 8, 8)
    if (folder / "export" / "README.md").is_file():
        assert ganzoo.load(folder / "export").sample(2).shape == (2, 1, 8, 8)


def survives(home, whole, moment):
    """Kills a run after its first save, at this share of the time that was left; goes on until the end; compares."""
    while True:
        run = fork(home, *RUN, "--version", moment)
        folder = home / HOME / str(moment)
        run.wait_for(folder / "last.ckpt")
        time.sleep(moment * whole[1])
        run.process.kill()
        if run.answer().status == -signal.SIGKILL:
            break
        moment /= 2  # the machine was faster this time: that run has ended
    require_loadable(folder)
    rest = fork(home, *GO_ON).answer()
    assert rest.status == 0, rest.err
    require_same(folder, whole[0])


@pytest.mark.parametrize("number", range(3))
def test_a_killed_run_ends_as_an_undisturbed_one(tmp_path, whole, number):
    survives(tmp_path, whole, random.Random(number).random())


@pytest.mark.slow
@pytest.mark.parametrize("number", range(3, 23))
def test_killed_runs_end_as_an_undisturbed_one(tmp_path, whole, number):
    survives(tmp_path, whole, random.Random(number).random())


def stopped(home, number, env=None, steps=5) -> Fork:
    """Starts a run, and sends it a signal when it has saved so many steps."""
    run = fork(home, *RUN, env=env)
    until(lambda: not run.process.is_alive() or len(list(home.glob("runs/*/*/metrics.csv"))))
    until(lambda: not run.process.is_alive() or steps <= max((int(r["step"]) for r in rows(the_run(home))), default=0))
    run.send(number)
    return run


def the_run(home):
    """The folder of the only run."""
    (folder,) = (home / HOME).iterdir()
    return folder


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_run_that_has_to_leave_saves_says_where_and_goes_on(tmp_path, whole, number):
    said = stopped(tmp_path, number).answer()
    assert said.status == 128 + signal.SIGTERM, said.err
    assert "Traceback" not in said.err
    folder = the_run(tmp_path)
    step = state(folder / "last.ckpt")["global_step"]
    line = said.out.splitlines()[-1]
    last = HOME / "version_0" / "last.ckpt"
    go_on = f"continue with: ganzoo fit --config {HOME / 'version_0' / 'recipe.yaml'} --ckpt_path last"
    assert line == f"stopped by a signal; {last} holds step {step}; {go_on}"
    assert not (folder / "export").exists()  # who takes a machine back does not wait for scores
    assert fork(tmp_path, *GO_ON).answer().status == 0
    require_same(folder, whole[0])


def test_slurm_requeues_and_the_job_goes_on_by_itself(tmp_path, whole):
    (tmp_path / "bin").mkdir()
    scontrol = tmp_path / "bin" / "scontrol"
    scontrol.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    scontrol.chmod(0o755)
    facts = {"NTASKS": 1, "JOB_ID": 4321, "JOB_NAME": "gan", "NODELIST": "localhost", "PROCID": 0, "LOCALID": 0}
    slurm = {f"SLURM_{name}": str(fact) for name, fact in facts.items()}
    slurm["PATH"] = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    said = stopped(tmp_path, signal.SIGUSR1, slurm).answer()
    assert said.status == 128 + signal.SIGTERM, said.err
    assert (tmp_path / "asked").read_text() == "requeue 4321\n"
    folder = the_run(tmp_path)
    assert sorted(file.name for file in folder.glob("*.ckpt")) in (["best.ckpt", "last.ckpt"], ["last.ckpt"])
    rest = fork(tmp_path, *RUN, env=slurm | {"SLURM_RESTART_COUNT": "1"}).answer()  # the very same command
    assert rest.status == 0, rest.err
    assert the_run(tmp_path).name == "job_4321"
    require_same(folder, whole[0])


def test_the_time_that_was_given_is_kept_to_and_the_rest_can_follow(tmp_path, whole):
    said = fork(tmp_path, *RUN, "--trainer.max_time", "00:00:00:01", prepare=slowly).answer()
    assert said.status == 0, said.err
    recipe = HOME / "version_0" / "recipe.yaml"
    assert f"continue with: ganzoo fit --config {recipe} --trainer.max_time null --ckpt_path last" in said.out
    assert 0 < state(the_run(tmp_path) / "last.ckpt")["global_step"] < 30
    again = fork(tmp_path, *GO_ON, "--trainer.max_time", "00:00:00:01").answer()
    assert again.error.startswith("trainer.max_time: the run's")
    assert again.error in PAGE
    assert fork(tmp_path, *GO_ON).answer().status == 0
    assert alike(state(the_run(tmp_path) / "last.ckpt"), state(whole[0] / "last.ckpt"))
    logged = rows(the_run(tmp_path))  # with the scores of where it stopped, which may be a step that has some anyway
    places = [logged.index(row) for row in rows(whole[0])]
    assert places == sorted(places)


def test_a_full_disk_stops_a_run_in_one_line_and_the_last_save_stays(tmp_path, whole):
    run = fork(tmp_path, *RUN)
    last = tmp_path / HOME / "version_0" / "last.ckpt"
    run.wait_for(last)
    run.limit(2000)  # by now metrics.csv may have grown beyond it, or not
    said = run.answer().error
    kept = state(last)["global_step"]
    assert said.startswith("File too large 'runs/wgan_gp_digits/version_0/"), said
    assert f"last.ckpt holds step {kept}; continue with: ganzoo fit" in said
    general = re.sub(r"'.*?'", "'RUN/last.ckpt'", said).replace(
        f"--config {HOME}/version_0/recipe.yaml", "--recipe NAME"
    )
    assert re.sub(r"stopped; .*? holds step \d+", "stopped; RUN/last.ckpt holds step 1,500", general) in PAGE
    require_loadable(last.parent)
    assert fork(tmp_path, *GO_ON).answer().status == 0  # there is room again
    require_same(last.parent, whole[0])


def obey():
    """Has permissions count for root, too, as they do for anyone else."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE: of what is run from here on
        ctypes.CDLL(None).syscall(126, (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())  # capset: none


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "runs").mkdir(mode=0o555)
    said = fork(tmp_path, *RUN, prepare=obey).answer().error
    place = HOME / "version_0"
    assert said == f"--runs: cannot write to '{place}' (Permission denied); name another folder, or make room."
    assert not list((tmp_path / "runs").iterdir())
    assert said.replace(str(place), "RUN") in PAGE


def unheld():
    """Has pictures read batch by batch, as those are that memory cannot hold."""
    image_folder.RESIDENT_BYTES = 0


def of_pictures(folder, workers):
    """Makes 40 pictures and a recipe; returns the words of an endless run on them, whose workers read them."""
    (folder / "pictures").mkdir()
    for number in range(40):
        Image.new("L", (8, 8), 6 * number).save(folder / "pictures" / f"{number}.png")
    recipe = yaml.safe_load((registry.RECIPES / "wgan_gp_digits.yaml").read_text())
    options = {"root": "pictures", "size": 8, "channels": 1, "batch_size": 8, "num_workers": workers}
    recipe["data"] = {"class_path": "ganzoo.data.ImageFolder", "init_args": options}
    (folder / "mine.yaml").write_text(yaml.safe_dump(recipe))
    return ["fit", "--config", "mine.yaml", *SMALL, "--trainer.max_steps", 10**6]


@pytest.mark.parametrize("workers", [0, 1])
def test_pictures_that_disappear_are_named_and_the_last_save_stays(tmp_path, workers):
    pictures = tmp_path / "pictures"
    fit = of_pictures(tmp_path, workers)
    run = fork(tmp_path, *fit, prepare=unheld)
    last = tmp_path / "runs" / "mine" / "version_0" / "last.ckpt"
    run.wait_for(last)
    pictures.rename(tmp_path / "elsewhere")
    kept = "the last checkpoint is kept; bring them back, and go on with --ckpt_path last."
    assert run.answer().err.splitlines()[-1] == f"ganzoo: error: data.root: pictures has disappeared; {kept}"
    require_loadable(last.parent)
    (tmp_path / "elsewhere").rename(pictures)
    (pictures / "3.png").unlink()
    said = fork(tmp_path, *fit, "--ckpt_path", "last", prepare=unheld).answer().err.splitlines()[-1]
    assert said.startswith("ganzoo: error: data: the run began with 40 items to train on, and now there are 39")
    assert said.removeprefix("ganzoo: error: ") in PAGE
    assert f"pictures has disappeared; {kept}" in PAGE


def leading():
    """Has pictures read batch by batch, in a process group of its own."""
    os.setpgid(0, 0)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup the tests themselves have it ignored
    unheld()


@pytest.mark.parametrize(("number", "status"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 0)])
def test_a_signal_to_the_whole_group_leaves_the_workers_reading(tmp_path, number, status):
    rarely = ("--save_every", 10**6, "--trainer.val_check_interval", 10**6)
    run = fork(tmp_path, *of_pictures(tmp_path, 2), *rarely, prepare=leading)
    folder = tmp_path / "runs" / "mine" / "version_0"
    until(lambda: not run.process.is_alive() or len(rows(folder) if (folder / "metrics.csv").is_file() else []) > 4)
    os.killpg(run.pid, getattr(signal, number))
    said = run.answer()
    assert said.status == status, said.err
    assert "Traceback" not in said.err
    assert f"{state(folder / 'last.ckpt')['global_step']}" in said.out
    assert "continue with: ganzoo fit" in said.out
