"""How many CPU threads compute, and that idle ones sleep."""

import os
import re
import subprocess
import sys

import pytest
import torch
from commands import DIGITS, ganzoo
from tiny import conv, digits, trainer

from ganzoo.common import threads
from ganzoo.models.dcgan import DCGAN
from ganzoo.training.rehearsal import Rehearsal, rehearse


@pytest.fixture
def free(monkeypatch):
    """Two threads, and an environment that leaves their number open."""
    monkeypatch.delenv("OMP_NUM_THREADS")
    torch.set_num_threads(2)


def speeds(one: float, two: float):
    """Returns a part of work that takes so many seconds on one thread and on two, as it says itself."""
    return lambda: one if torch.get_num_threads() == 1 else two


class Clock:
    """Seconds that pass only where somebody spends them."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def spend(self, one: float, two: float):
        """Returns work whose items take so long on one thread and on two."""

        def part(items: int = 1) -> None:
            self.parts += 1
            self.now += items * speeds(one, two)()

        self.parts = 0
        return part


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(threads, "time", clock)
    return clock


@pytest.mark.parametrize(
    ("one", "two", "chosen"),
    [(1.0, 0.5, 2), (1.0, 0.74, 2), (1.0, 0.76, 1), (1.0, 1.0, 1), (1.0, 50.0, 1)],
)
def test_one_thread_computes_unless_all_are_worth_a_third_more(free, monkeypatch, one, two, chosen):
    monkeypatch.setattr(threads, "SECONDS", 0.0)
    assert threads.choose_threads(speeds(one, two)) == (one if chosen == 1 else two)
    assert torch.get_num_threads() == chosen


def test_a_comparison_is_over_in_seconds_even_where_threads_are_in_each_other_s_way(free, clock):
    part = clock.spend(0.1, 30.0)
    threads.choose_threads(lambda: _timed(clock, part))
    assert clock.parts == 3  # the warm-up, and one round
    assert torch.get_num_threads() == 1


def test_short_steps_are_compared_over_many_rounds(free, clock):
    part = clock.spend(0.001, 0.001)
    threads.choose_threads(lambda: _timed(clock, part))
    assert threads.SECONDS < clock.now < threads.SECONDS + 0.01


def _timed(clock, part) -> float:
    begun = clock.now
    part()
    return clock.now - begun


def test_a_choice_takes_a_small_part_of_the_work(free, clock):
    for items in (600, 60_000):
        clock.now = 0.0
        torch.set_num_threads(2)
        threads.adapt_threads(clock.spend(0.01, 0.01), items)
        assert clock.now < 0.2 * 0.01 * items


@pytest.mark.parametrize(
    ("items", "one", "two", "chosen", "seconds"),
    [(400, 0.01, 0.001, 1, 0.05), (40_000, 0.01, 0.006, 2, 5.0), (40_000, 0.01, 0.009, 1, 5.0)],
)
def test_drawing_takes_one_thread_unless_it_takes_long_and_gains(free, clock, items, one, two, chosen, seconds):
    threads.adapt_threads(clock.spend(one, two), items)
    assert torch.get_num_threads() == chosen
    assert clock.now <= seconds + 1e-9


def test_drawing_takes_as_many_threads_as_the_user_says(free, clock, monkeypatch):
    part = clock.spend(1.0, 0.1)
    threads.adapt_threads(part, 100, requested=1)
    assert torch.get_num_threads() == 1
    torch.set_num_threads(2)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    threads.adapt_threads(clock.spend(1.0, 0.1), 100)
    assert torch.get_num_threads() == 2
    assert clock.parts == 0


def test_a_rehearsal_leaves_no_trace(tmp_path):
    model, data = conv(DCGAN, dropout=0.4, augment="color", ema=0.9), digits(flip=True)
    run = trainer(tmp_path, max_steps=4)
    data.setup("fit")
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random_state, modes = torch.get_rng_state(), [module.training for module in model.modules()]
    assert rehearse(model, data, run) > 0
    assert Rehearsal(model, data, run).seconds() > 0
    assert torch.equal(torch.get_rng_state(), random_state)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.generator.parameters())
    assert model.notes.totals == {}


def test_a_training_by_rehearsal_ends_in_the_weights_of_one_without(tmp_path, free, monkeypatch):
    torch.set_num_threads(2)
    chosen = fit(tmp_path / "chosen")
    number = torch.load(chosen, weights_only=True)["game"]["threads"]
    asked = fit(tmp_path / "asked", "--threads", number)
    left, right = (torch.load(file, weights_only=True)["state_dict"] for file in (chosen, asked))
    assert all(torch.equal(tensor, right[name]) for name, tensor in left.items())


def test_a_resumed_run_computes_with_as_many_threads_as_before(tmp_path, free, monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 2)
    last = fit(tmp_path, "--threads", 2)
    for more, number in (([], 2), (["--threads", 1], 1), ([], 1)):
        torch.set_num_threads(1)
        fit(tmp_path, "--ckpt_path", "last", *more)
        assert torch.get_num_threads() == torch.load(last, weights_only=True)["game"]["threads"] == number


class Strategy:
    root_device = torch.device("cpu")


class Trainer:
    """As much of a trainer as the number of threads depends on."""

    strategy = Strategy()

    def __init__(self, processes: int = 1) -> None:
        self.world_size = self.num_devices = processes


def test_what_the_number_of_threads_of_a_training_depends_on(free, monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 2)
    before = {"last.ckpt": 1, "of a larger machine": 64, "of an earlier version": None}
    monkeypatch.setattr(threads, "stored_threads", before.get)
    for asked, checkpoint, free, number in (
        (None, None, True, 2),
        (3, None, False, 3),
        (None, "last.ckpt", False, 1),
        (2, "last.ckpt", False, 2),
        (None, "of a larger machine", True, 2),
        (None, "of an earlier version", True, 2),
    ):
        torch.set_num_threads(2)
        assert threads.settle_threads(asked, checkpoint, Trainer()) == free
        assert torch.get_num_threads() == number
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert not threads.settle_threads(None, "of a larger machine", Trainer())
    assert torch.get_num_threads() == 2
    assert not threads.settle_threads(None, "last.ckpt", Trainer())
    assert torch.get_num_threads() == 1


def test_several_processes_share_the_cores(free, monkeypatch):
    monkeypatch.setattr(os, "environ", {})
    assert not threads.settle_threads(None, None, Trainer(processes=2))
    assert torch.get_num_threads() == 1
    assert os.environ["OMP_NUM_THREADS"] == "1"  # else Lightning would choose anew


def fit(runs, *more):
    """Trains on the digits for two updates more; returns the checkpoint."""
    files = list(runs.glob("*/*/last.ckpt"))
    steps = 2 + (torch.load(files[0], weights_only=True)["global_step"] if files else 0)
    said = ganzoo("fit", *DIGITS, "--trainer.max_steps", steps, "--runs", runs, *more)
    assert said.status == 0, said.err
    assert f"CPU | {threads.threads_text(torch.get_num_threads())} |" in said.out
    return next(runs.glob("*/*/last.ckpt"))


@pytest.mark.parametrize("number", [0, -1, 5000])
def test_a_number_of_threads_that_is_none_is_refused(tmp_path, number):
    for words in (["fit", *DIGITS, "--runs", tmp_path], ["sample", "gan-mnist", "-o", tmp_path / "x.png"]):
        said = ganzoo(*words, "--threads", number)
        assert said.error == f"--threads: {number} given, but it must lie between 1 and 1024."
    assert not any(tmp_path.iterdir())


def test_idle_threads_sleep_unless_the_user_wants_them_to_spin():
    environment: dict[str, str] = {}
    threads.sleep_when_idle(environment)
    assert environment == {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0"}
    for name, value in (("OMP_WAIT_POLICY", "active"), ("GOMP_SPINCOUNT", "100"), ("KMP_BLOCKTIME", "1")):
        environment = {name: value}
        threads.sleep_when_idle(environment)
        assert environment == {name: value}


def test_idle_threads_of_a_process_that_imports_ganzoo_before_torch_do_not_spin():
    env = {name: value for name, value in os.environ.items() if name not in threads.WAITING}
    code = "import ganzoo, torch"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env | {"OMP_DISPLAY_ENV": "verbose"}
    )
    assert done.returncode == 0, done.stderr
    spinning = re.findall(r"(?:GOMP_SPINCOUNT|KMP_BLOCKTIME)\s*=\s*'(\d+)", done.stderr)  # GNU's runtime, LLVM's
    assert spinning, done.stderr
    assert set(spinning) == {"0"}
