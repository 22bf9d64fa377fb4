"""Runs that are killed, stopped, starved of disk or data: what is on the disk loads, and the rest is the very same."""

import csv
import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch
from commands import DIGITS
from forks import Fork, fork, until
from test_resume import alike

import ganzoo

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
GO_ON = [*RUN, "--ckpt_path", "last"]
HOME = Path("runs/wgan_gp_digits")


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
    go_on = "continue with: ganzoo fit --recipe wgan_gp_digits --ckpt_path last"
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
    said = fork(tmp_path, *RUN, "--trainer.max_time", "00:00:00:01").answer()
    assert said.status == 0, said.err
    assert "continue with: ganzoo fit --recipe wgan_gp_digits --ckpt_path last" in said.out
    assert 0 < state(the_run(tmp_path) / "last.ckpt")["global_step"] < 30
    again = fork(tmp_path, *GO_ON, "--trainer.max_time", "00:00:00:01").answer()
    assert "trainer.max_time" in again.error
    assert fork(tmp_path, *GO_ON).answer().status == 0
    assert alike(state(the_run(tmp_path) / "last.ckpt"), state(whole[0] / "last.ckpt"))
    logged = rows(whole[0])  # without the scores of where it stopped
    assert [row for row in rows(the_run(tmp_path)) if row in logged] == logged


def test_a_full_disk_stops_a_run_in_one_line_and_the_last_save_stays(tmp_path, whole):
    run = fork(tmp_path, *RUN)
    last = tmp_path / HOME / "version_0" / "last.ckpt"
    run.wait_for(last)
    run.limit(2000)  # by now metrics.csv may have grown beyond it, or not
    said = run.answer().error
    kept = state(last)["global_step"]
    assert said.startswith("File too large 'runs/wgan_gp_digits/version_0/"), said
    assert f"last.ckpt holds step {kept}; continue with: ganzoo fit" in said
    require_loadable(last.parent)
    assert fork(tmp_path, *GO_ON).answer().status == 0  # there is room again
    require_same(last.parent, whole[0])
