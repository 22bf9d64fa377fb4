"""Warnings of a generator that repeats itself and of a discriminator that has won; silence where all is well."""

import pytest
import torch
from conditioned import Directed, Drawer, Judge, Mixed, Worded
from equality import alike
from tiny import digits, fit, mlp, points

import ganzoo
from ganzoo.common.curves import read_metrics
from ganzoo.common.errors import GanzooError
from ganzoo.data import DataModule
from ganzoo.models.gan import VanillaGAN
from ganzoo.networks.mlp import MLPGenerator
from ganzoo.training.callbacks.collapse import Collapse, evenly_spread_items, mean_distance
from ganzoo.training.callbacks.progress import TermLogger
from ganzoo.training.csvlog import AppendingCSVLogger


class Same(MLPGenerator):
    """Ignores its latent vectors."""

    def forward(self, z):
        return super().forward(0 * z)


class Far(MLPGenerator):
    """Draws where no data is."""

    def forward(self, z):
        return 10 + super().forward(z)


def game(generator, **options):
    """A game in which this generator plays."""
    model = mlp(ema=None, **options)
    model.generator = generator([2], latent_dim=4, hidden=(16,), squash=False)
    return model


def said(caplog):
    """The warnings."""
    return [record.getMessage() for record in caplog.records if record.name == "ganzoo.training.callbacks.collapse"]


def watched(folder, model, steps, caplog, data=None, **options):
    """Trains, and returns what was said and the curve of the diversity."""
    callback = Collapse(**{"every": 2, "updates": 10**9} | options)
    table = AppendingCSVLogger(folder, name="", version="")
    fit(folder, model, data or points(), steps, TermLogger(), callback, logger=table, log_every_n_steps=2)
    return said(caplog), read_metrics(folder / "metrics.csv").get("diversity")


def test_spread_is_the_mean_distance_of_pairs_of_one_class():
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])
    assert mean_distance(x).item() == pytest.approx(10 / 3)  # 5, 0 and 5
    assert mean_distance(x, torch.tensor([0, 0, 1])).item() == pytest.approx(5)
    assert mean_distance(x, torch.tensor([0, 1, 0])).item() == 0
    assert mean_distance(x, torch.tensor([0, 1, 2])).item() == pytest.approx(10 / 3)  # nothing to compare within
    images = torch.randn(20, 1, 8, 8)
    assert mean_distance(3 * images[torch.randperm(20)]).item() == pytest.approx(3 * mean_distance(images).item())


def test_real_items_are_of_all_classes():
    data = digits()
    data.setup()
    x, y = evenly_spread_items(data, 50)
    assert (x.shape, x.min().item()) == ((50, 1, 8, 8), -1)
    assert len(y.unique()) == 10


@pytest.mark.parametrize("data", [Directed, Worded, Mixed])
def test_samples_under_conditions_that_are_no_classes_are_compared_all_with_all(tmp_path, caplog, data):
    model = VanillaGAN(Drawer(data.condition), Judge(data.condition))
    _, curve = watched(tmp_path, model, 2, caplog, data(batch_size=32), every=1)
    assert len(curve.values) == 2
    assert all(value > 0 for value in curve.values)


def test_a_generator_that_ignores_its_latent_vectors_is_told_once(tmp_path, caplog):
    told, curve = watched(tmp_path, game(Same), 12, caplog)
    assert len(told) == 1
    assert told[0].startswith("step 6: samples are 0.00 times as different from one another as real ones (diversity)")
    assert "ModeSeeking" in told[0]
    assert curve.steps.tolist() == [2, 4, 6, 8, 10, 12]
    assert curve.values == pytest.approx(0, abs=1e-3)


def test_a_discriminator_that_is_always_right_is_told_once(tmp_path, caplog):
    told, _ = watched(tmp_path, game(Far, g_lr=1e-9, d_lr=0.05), 60, caplog, low=0.0, updates=20)
    assert len(told) == 1
    assert "D has judged 100.0% rightly for 20 steps" in told[0]
    assert "InstanceNoise" in told[0]


class Drawn(DataModule):
    """Digits like MNIST's, which not every machine has: another model's."""

    shape = (1, 32, 32)

    def load(self, split):
        return ganzoo.load("cgan-mnist").sample(80, seed=1).add(1).mul(127.5).to(torch.uint8), None


def test_a_good_model_goes_unmentioned(tmp_path, caplog):
    told, curve = watched(
        tmp_path, ganzoo.load("dcgan-mnist"), 3, caplog, Drawn(16), every=1, patience=1, low=0.9, updates=1
    )
    assert not told
    assert curve.values == pytest.approx(1, abs=0.1)


def test_training_does_not_notice(tmp_path, caplog):
    left, right = mlp(), mlp()
    watched(tmp_path / "watched", left, 8, caplog)
    fit(tmp_path / "alone", right, points(), 8)
    assert alike(left.state_dict(), right.state_dict())


def test_a_resumed_run_warns_when_an_uninterrupted_one_would_have(tmp_path, caplog):
    before = Collapse(every=2)
    fit(tmp_path, game(Same), points(), 4, TermLogger(), before)
    after = Collapse(every=2)
    after.load_state_dict(before.state_dict())
    fit(tmp_path, game(Same), points(), 2, TermLogger(), after)
    assert [message.split(":")[0] for message in said(caplog)] == ["step 2"]  # the third look in a row


def test_logging_every_0_steps_is_never(tmp_path, caplog):
    table = AppendingCSVLogger(tmp_path, name="", version="")
    fit(tmp_path, mlp(), points(), 3, TermLogger(), Collapse(every=1), logger=table, log_every_n_steps=0)
    assert read_metrics(tmp_path / "metrics.csv").keys() == {"diversity"}


def test_what_cannot_be_is_refused():
    with pytest.raises(GanzooError, match="samples at least 2, not 200 and 1"):
        Collapse(samples=1)
