"""Averages of weights against closed forms, and what they do in a run that is interrupted."""

import pytest
import torch
from commands import ganzoo
from equality import alike
from short_recipes import TOY
from tiny import conv, digits, fit, mlp, points, trainer
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.games.ema import Average, Averaging
from ganzoo.games.schedules import Schedule
from ganzoo.training.callbacks.keep import Last


class Number(nn.Module):
    """One parameter, a buffer of floating point and a count."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([start]))
        self.register_buffer("mean", torch.tensor([start]))
        self.register_buffer("count", torch.tensor(int(start)))

    def become(self, number: float) -> None:
        with torch.no_grad():
            self.weight.fill_(number)
            self.mean.fill_(number)
            self.count.fill_(int(number))


def test_a_number_is_a_decay_that_begins_low():
    kept = [Averaging(0.999).kept(n, 0, 64, 0.0) for n in (1, 10, 8989, 8990, 10**6)]
    assert kept == pytest.approx([2 / 11, 11 / 20, 8990 / 8999, 0.999, 0.999])


def test_a_half_life_is_what_it_says():
    """With the weights at 1, of an average that began at 0 half is missing after so many images."""
    live, average = Number(0.0), Average(Number(0.0), Averaging(half_life=640, ramp_up=None))
    live.become(1.0)
    for update in range(20):
        average.update(live, update + 1, images=64 * update, batch=64)
        assert average.module.weight.item() == pytest.approx(1 - 0.5 ** (64 * (update + 1) / 640), rel=1e-5)
    assert average.module.weight.item() == pytest.approx(0.75, rel=1e-5)


def test_the_half_life_of_stylegan2_ramps_up_with_the_images_seen():
    """Its settings for CIFAR-10: batches of 64, a half-life of 500,000 images, 5% of the images seen before that."""
    by = Averaging(half_life=500_000)
    assert by.kept(1, 0, 64, 0.0) == 0  # the first average is the live network
    assert by.kept(2, 64, 64, 0.0) == pytest.approx(0.5 ** (1 / 0.05))
    assert by.kept(1000, 1_000_000, 64, 0.0) == pytest.approx(0.5 ** (64 / 50_000))
    for images in (10_000_000, 10**8):
        assert by.kept(1000, images, 64, 0.0) == pytest.approx(0.5 ** (64 / 500_000))


def test_a_half_life_may_follow_a_schedule():
    by = Averaging(half_life=Schedule([0, 5e6], [0, 0.5], "linear"), ramp_up=None)
    assert [by.kept(9, 10**9, 512, p) for p in (0, 0.25, 0.5, 1)] == pytest.approx(
        [0, 0.5 ** (512 / 2.5e6), 0.5 ** (512 / 5e6), 0.5 ** (512 / 5e6)]
    )


def test_before_its_start_an_average_is_the_live_network():
    live, average = Number(0.0), Average(Number(5.0), Averaging(0.75, start=3))
    for update, number in enumerate([1.0, 2.0, 4.0, 4.0], 1):
        live.become(number)
        average.update(live, update)
        assert average.module.weight.item() == {1: 1.0, 2: 2.0, 3: 2.5, 4: 2.875}[update]


@pytest.mark.parametrize("buffers", [False, True])
def test_buffers_are_copied_or_averaged_and_counts_are_copied(buffers):
    live, average = Number(0.0), Average(Number(0.0), Averaging(0.75, start=1, buffers=buffers))
    live.become(8.0)
    average.update(live, 1)
    assert average.module.weight.item() == 2
    assert average.module.mean.item() == (2 if buffers else 8)
    assert average.module.count.item() == 8


def test_averaged_statistics_of_batches_follow_slowly_in_a_run(tmp_path):
    copied, averaged = conv(ema=Averaging(0.9, start=1)), conv(ema=Averaging(0.9, start=1, buffers=True))
    for model in (copied, averaged):
        fit(tmp_path, model, digits(), 4)
    names = [name for name, _ in averaged.generator.named_buffers() if name.endswith("running_mean")]
    assert names
    of = lambda module: dict(module.named_buffers())  # noqa: E731
    for name in names:
        assert torch.equal(of(copied.averaged("generator"))[name], of(copied.generator)[name])
        slow, fast = of(averaged.averaged("generator"))[name], of(averaged.generator)[name]
        assert 0 < slow.norm() < fast.norm()


@pytest.mark.parametrize("n_critic", [1, 2])
def test_a_run_counts_the_images_of_each_update(tmp_path, monkeypatch, n_critic):
    calls = []
    monkeypatch.setattr(Averaging, "kept", lambda self, *numbers: calls.append(numbers) or 0.5)
    fit(tmp_path, mlp(ema=Averaging(half_life=100), n_critic=n_critic), points(), 4)
    each = 32 * n_critic
    assert [call[:3] for call in calls] == [(n, each * (n - 1), each) for n in (1, 2, 3, 4)]
    assert [call[3] for call in calls] == [0.25, 0.5, 0.75, 1]


def test_an_average_by_images_resumes_exactly(tmp_path):
    parts = ("global_step", "state_dict", "optimizer_states", "game")

    def train(folder, ckpt_path=None, **more):
        model = conv(ema=Averaging(half_life=Schedule([100, 5000], [0, 1], "linear"), buffers=True), n_critic=2)
        trainer(folder, Last(), **{"max_steps": 8} | more).fit(model, digits(), ckpt_path=ckpt_path)
        checkpoint = torch.load(folder / "last.ckpt", weights_only=True)
        return {key: checkpoint[key] for key in parts}

    whole = train(tmp_path / "whole")
    part = train(tmp_path / "part", max_epochs=1, limit_train_batches=7)  # after a move of the discriminator alone
    assert part["game"]["images_before"] < part["game"]["images"]
    assert alike(train(tmp_path / "rest", tmp_path / "part" / "last.ckpt"), whole)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "either a decay or a half_life"),
        ({"decay": 0.9, "half_life": 100}, "either a decay or a half_life"),
        ({"decay": 1.0}, r"must be in \[0, 1\)"),
        ({"half_life": -1}, r"model\.ema\.half_life: must be at least 0, not -1"),
        ({"decay": 0.9, "start": -1}, r"model\.ema\.start: must be at least 0"),
        ({"half_life": 10, "ramp_up": -0.1}, r"model\.ema\.ramp_up: must be at least 0"),
    ],
)
def test_rules_that_make_no_sense_are_refused(options, complaint):
    with pytest.raises(GanzooError, match=complaint):
        Averaging(**options)


def test_a_recipe_names_a_half_life_and_its_checkpoint_loads(tmp_path):
    (tmp_path / "toy.yaml").write_text(TOY)
    words = [
        "--recipe",
        tmp_path / "toy.yaml",
        "--runs",
        tmp_path / "runs",
        "--model.ema={half_life: 500, ramp_up: null}",
    ]
    answer = ganzoo("fit", *words)
    assert answer.status == 0, answer.err
    last = torch.load(tmp_path / "runs" / "toy" / "version_0" / "last.ckpt", weights_only=True)
    assert last["game"]["images_before"] == 4 * 64
    assert "half_life: 500" in last["game"]["recipe"]
    answer = ganzoo("sample", tmp_path / "runs" / "toy" / "version_0", "-o", tmp_path / "points.npz")
    assert answer.status == 0, answer.err
