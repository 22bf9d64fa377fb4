"""The speedrun: snapshots at their times, their scores, and seconds to a mark."""

import time

import pytest
import torch
from benchmark import TREE, load_benchmark
from commands import ganzoo
from idx import write_mnist

from ganzoo import list_recipes
from ganzoo.common.registry import find_recipe


@pytest.fixture
def speedrun(monkeypatch):
    """The benchmark, whose neighbours can be imported."""
    monkeypatch.syspath_prepend(str(TREE / "benchmarks"))
    return load_benchmark("speedrun")


@pytest.fixture
def snapshots(tmp_path, monkeypatch, speedrun):
    """Trains for six updates with snapshots at 0 and 1,000 s; returns the folder of what was written."""
    monkeypatch.setenv("GANZOO_DATA", str(write_mnist(tmp_path, 64)))
    folder = tmp_path / "snapshots"
    folder.mkdir()
    callback = ["--trainer.callbacks+=clock.Snapshots", f"--trainer.callbacks.folder={folder}"]
    callback += [f"--trainer.callbacks.begun={time.time()}", "--trainer.callbacks.at=[0,1000]"]
    words = [
        "--recipe",
        "infogan_mnist",
        "--trainer.max_steps",
        "6",
        "--data.batch_size",
        "8",
        "--quality.samples",
        "16",
    ]
    answer = ganzoo("fit", *words, "--trainer.accelerator", "cpu", "--runs", str(tmp_path / "runs"), *callback)
    assert answer.status == 0, answer.err
    return folder


def test_snapshots_are_the_average_at_their_time_and_at_the_end(snapshots, speedrun):
    first, last = (torch.load(file, weights_only=True) for file in sorted(snapshots.glob("*.pt")))
    assert (first["updates"], last["updates"]) == (1, 6)
    assert 0 < first["seconds"] < last["seconds"]
    model, _ = speedrun.network_of("infogan_mnist")
    assert {*first["state"]} == {*model.averaged("generator").state_dict()}
    assert not all(torch.equal(first["state"][name], last["state"][name]) for name in last["state"])


def test_a_curve_ends_with_the_first_snapshot_that_reaches_the_last_mark(snapshots, speedrun):
    def marks(*values):
        return speedrun.Track("digits", "mnist", values, {})

    whole = list(speedrun.curve("infogan_mnist", snapshots, marks(0.0), samples=32))
    assert [point["updates"] for point in whole] == [1, 6]
    assert all(point["fid"] > 0 for point in whole)
    assert list(speedrun.curve("infogan_mnist", snapshots, marks(1e9), samples=32)) == whole[:1]


def test_times_grow_by_a_fifth_up_to_the_limit(speedrun):
    assert speedrun.times(15.0) == [10.0, 12.0, 14.4, 15.0]
    assert speedrun.times(5.0) == [5.0]


def test_a_mark_is_reached_at_the_first_point_that_is_no_worse(speedrun):
    points = [{"seconds": 10, "fid": 3.0}, {"seconds": 12, "fid": 1.9}, {"seconds": 14, "fid": 2.1}]
    assert speedrun.reached(points, (2.0, 1.9, 1.0)) == {"2.0": 12, "1.9": 12, "1.0": None}


def test_seconds_of_seeds_that_did_not_all_arrive_are_no_mean(speedrun):
    assert speedrun.seconds_text([10.0, 14.0]) == "12 ± 3"
    assert speedrun.seconds_text([10.0]) == "10"
    assert speedrun.seconds_text([10.0, None, 12.0]) == "2 of 3 seeds"
    assert speedrun.seconds_text([None, None]) == "not reached"


def test_entrants_are_recipes_or_the_tutorial(speedrun):
    for track in speedrun.TRACKS.values():
        assert track.marks == tuple(sorted(track.marks, reverse=True))
        assert {*track.entrants} - {speedrun.TUTORIAL} <= {*list_recipes()}
    assert find_recipe(speedrun.TUTORIAL_TASK.recipe).is_file()
