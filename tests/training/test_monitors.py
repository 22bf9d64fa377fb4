"""Callbacks of the user's own that watch a score by its short name."""

import pytest
import torch
from commands import DIGITS, ganzoo
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from tiny import mlp

from ganzoo.common.errors import GanzooError
from ganzoo.training.callbacks.monitors import set_monitors

KEYS = {"is": "is[mnist,10k]", "swd": "swd[10k/test]"}


def settled(callback, *others, model=None):
    set_monitors([callback, *others], model or mlp(), KEYS, lambda name: name == "is")
    return callback


@pytest.mark.parametrize("watched", ["is", "is[mnist,10k]"])
def test_a_score_is_found_under_its_key_and_better_the_right_way(watched, caplog):
    stopping = settled(EarlyStopping(watched, min_delta=0.5))
    assert (stopping.monitor, stopping.mode, stopping.min_delta) == ("is[mnist,10k]", "max", 0.5)
    assert stopping.best_score == -torch.inf
    assert "mode is max" in caplog.text
    assert not stopping._evaluate_stopping_criteria(torch.tensor(3.0))[0]
    assert stopping.best_score == 3
    keeper = settled(ModelCheckpoint(monitor=watched))
    assert (keeper.monitor, keeper.mode, keeper.kth_value) == ("is[mnist,10k]", "max", -torch.inf)


def test_what_is_right_already_is_left_alone(caplog):
    stopping = settled(EarlyStopping("swd", mode="min", min_delta=0.5))
    assert (stopping.monitor, stopping.mode, stopping.min_delta) == ("swd[10k/test]", "min", -0.5)
    assert settled(ModelCheckpoint()).monitor is None
    assert caplog.text == ""


@pytest.mark.parametrize("watched", ["fid", "val_loss", "swd[10k/train]"])
def test_what_nobody_logs_is_told_with_what_there_is(watched):
    with pytest.raises(GanzooError, match=r"EarlyStopping monitors .*choose among is .*swd .logged as swd.10k/test."):
        settled(EarlyStopping(watched))


def test_a_callback_of_ones_own_may_log_what_another_watches():
    class Logs(Callback):
        pass

    assert settled(EarlyStopping("my_loss"), Logs()).monitor == "my_loss"


def test_the_command_stops_early_on_a_score(tmp_path):
    words = ["--trainer.callbacks", "EarlyStopping", "--trainer.callbacks.monitor", "swd"]
    words += ["--trainer.callbacks.patience", 1, "--trainer.callbacks.min_delta", 1e6]  # nothing gets so much better
    words += ["--trainer.val_check_interval", 2, "--trainer.max_steps", 100, "--runs", tmp_path]
    said = ganzoo("fit", *DIGITS, *words)
    assert said.status == 0, said.err
    assert torch.load(tmp_path / "wgan_gp_digits/version_0/last.ckpt", weights_only=True)["global_step"] == 2
    error = ganzoo("fit", *DIGITS, "--runs", tmp_path, *words[:3], "fid").error
    assert error.startswith("trainer.callbacks: EarlyStopping monitors fid")


def test_a_keeper_of_ones_own_may_watch_the_score_of_the_run(tmp_path):
    words = ["--trainer.callbacks", "ModelCheckpoint", "--trainer.callbacks.monitor", "swd", "--trainer.max_steps", 2]
    said = ganzoo("fit", *DIGITS, *words, "--runs", tmp_path)
    assert said.status == 0, said.err
    run = tmp_path / "wgan_gp_digits" / "version_0"
    assert (run / "best.ckpt").is_file()
    assert len([*run.glob("checkpoints/*.ckpt")]) == 1
