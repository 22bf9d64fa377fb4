"""Standing statistics against means over batches that are worked out, and through the commands."""

import numpy as np
import pytest
import torch
from commands import ganzoo
from idx import write_mnist
from tiny import conditional, conv, mlp
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.common.seeding import mix
from ganzoo.games.standing import keep_standing_statistics, random_conditions
from ganzoo.models.gan import VanillaGAN
from ganzoo.networks.mlp import MLPDiscriminator


class Tail(nn.Module):
    """Generator of 64 normalised numbers: a matrix, then BatchNorm."""

    latent_dim, shape = 3, (1, 8, 8)

    def __init__(self):
        super().__init__()
        self.matrix, self.norm = nn.Linear(3, 64), nn.BatchNorm1d(64, affine=False)

    def forward(self, z):
        return self.norm(self.matrix(z)).view(-1, 1, 8, 8)


def test_they_are_means_over_batches_of_each_batchs_own():
    model = VanillaGAN(Tail(), MLPDiscriminator((1, 8, 8), [8]), ema=0.9)
    network = model.averaged("generator")
    network.norm.running_mean.fill_(7)
    keep_standing_statistics(model, 5, batch_size=10, seed=3)
    with torch.no_grad():
        batches = [network.matrix(model.latent(10, mix(3, k))) for k in range(5)]
    mean = torch.stack([h.mean(0) for h in batches]).mean(0)
    variance = torch.stack([h.var(0) for h in batches]).mean(0)
    torch.testing.assert_close(network.norm.running_mean, mean)
    torch.testing.assert_close(network.norm.running_var, variance)
    assert network.norm.momentum == 0.1
    assert not network.norm.training
    assert model.generator.norm.running_mean.eq(0).all()  # the live network is left alone


def test_they_are_the_same_each_time_and_leave_the_weights_and_the_random_numbers(tmp_path):
    model = conv()
    weights = {name: p.clone() for name, p in model.averaged("generator").named_parameters()}
    torch.manual_seed(0)
    keep_standing_statistics(model, 4)
    drawn = torch.rand(1)
    first = model.sample(3, seed=0)
    keep_standing_statistics(model, 4)
    assert torch.equal(model.sample(3, seed=0), first)
    torch.manual_seed(0)
    assert torch.equal(torch.rand(1), drawn)
    assert all(torch.equal(p, weights[name]) for name, p in model.averaged("generator").named_parameters())


def test_classes_are_random():
    model = conditional()
    labels = random_conditions(model, 300, 0)
    assert labels.bincount().tolist() == pytest.approx([300 / model.n_classes] * model.n_classes, abs=30)
    assert not torch.equal(labels, torch.arange(300) % model.n_classes)
    before = model.sample(2, seed=0)
    keep_standing_statistics(model, 2)
    assert not torch.equal(model.sample(2, seed=0), before)


def test_without_batchnorm_or_with_no_batch_they_are_refused():
    with pytest.raises(GanzooError, match="--standing-statistics: what VanillaGAN draws with has no BatchNorm"):
        keep_standing_statistics(mlp(), 16)
    with pytest.raises(GanzooError, match="must be at least 1"):
        keep_standing_statistics(conv(), -1)


def test_commands_draw_and_score_with_them(tmp_path):
    for name, words in (("plain", ()), ("standing", ("--standing-statistics", 2))):
        answer = ganzoo("sample", "dcgan-mnist", "-n", 4, "--npz", tmp_path / f"{name}.npz", *words)
        assert answer.status == 0, answer.err
    plain, standing = (next(iter(np.load(tmp_path / f"{name}.npz").values())) for name in ("plain", "standing"))
    assert plain.shape == standing.shape
    assert not np.array_equal(plain, standing)
    assert np.abs(plain.astype(float) - standing).mean() < 20  # of 255: the running ones are near
    write_mnist(tmp_path, 64, 64, False)
    words = ("--root", tmp_path, "--metrics", "swd", "--samples", 50, "--bootstrap", 0, "-o", tmp_path / "scores.json")
    answer = ganzoo("evaluate", "dcgan-mnist", "--standing-statistics", 2, *words)
    assert answer.status == 0, answer.err
    assert "with BatchNorm's statistics of 2 batches" in (tmp_path / "scores.json").read_text()
