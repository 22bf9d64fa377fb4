"""How near images come to the training images, and whether that is nearer than unseen ones."""

from types import SimpleNamespace

import pytest
import torch
from scipy.stats import mannwhitneyu
from tiny import digits
from toys import Discs, Tunes

from ganzoo.metrics import neighbours
from ganzoo.metrics.neighbours import (
    QUANTILE,
    memorisation,
    nearest_neighbours,
    stored_images,
    training_distances,
)


def data(images, flip=False):
    return SimpleNamespace(split=lambda name: (images, None), flip=flip)


def bytes_(n, seed=0):
    return torch.randint(256, (n, 1, 4, 6), generator=torch.Generator().manual_seed(seed)).byte()


def test_distances_are_those_of_all_pairs_in_any_blocks(monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK", 7)
    train, images = bytes_(30), bytes_(20, seed=1)
    flat, others = (x.flatten(1).double() / 127.5 for x in (images, train))
    expected = torch.cdist(flat, others).min(1).values / 24**0.5
    torch.testing.assert_close(training_distances(images, data(train)).double(), expected)
    itself = torch.cdist(others, others).fill_diagonal_(torch.inf).min(1).values / 24**0.5
    torch.testing.assert_close(training_distances(train, data(train), themselves=True).double(), itself)
    assert training_distances(train.flip(0), data(train)).eq(0).all()
    assert training_distances(train.flip(3), data(train)).gt(0).all()
    assert training_distances(train.flip(3), data(train, flip=True)).eq(0).all()


def test_files_are_read_in_blocks_too(monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK", 4)
    images = bytes_(10)
    assert torch.cat([*stored_images(list(images))]).equal(images)
    assert training_distances(images, data(list(images))).eq(0).all()


def test_copies_are_flagged_and_unseen_images_are_not():
    module = digits()
    train, (held, _) = module.split("train")[0], module.split("test")
    distances = training_distances(held, module)
    order = torch.randperm(len(held), generator=torch.Generator().manual_seed(0))
    unseen, others = distances[order[:148]], distances[order[148:]]
    share, z = memorisation(unseen, others)
    assert share == pytest.approx(QUANTILE, abs=0.05)
    assert abs(z) < 3
    share, z = memorisation(training_distances(train[:200], module), distances)
    assert share == 1
    assert z < -10
    half = torch.cat([torch.zeros(len(unseen)), unseen])
    assert memorisation(half, others)[0] == pytest.approx(0.5 + 0.5 * memorisation(unseen, others)[0])
    share, z = memorisation(training_distances(255 - held, module), distances)  # nothing like a digit
    assert share == 0
    assert z > 10


def test_the_statistic_is_mann_and_whitneys():
    a, b = torch.rand(40), torch.rand(70) + 0.2
    expected = mannwhitneyu(a, b, method="asymptotic", use_continuity=False, alternative="less")
    _, z = memorisation(a, b)
    assert torch.special.ndtr(z).item() == pytest.approx(expected.pvalue, rel=1e-6)
    assert memorisation(a, a)[1] == 0


def test_neighbours_are_mirrored_where_a_mirror_changes_no_sample():
    for module, mirrored in ((digits(), True), (Discs(batch_size=64), True), (Tunes(batch_size=64), False)):
        x = next(iter(module.loader("train")))[0][:5]
        found, distances = nearest_neighbours(x, module)
        assert found.equal(x)
        assert distances.max() == pytest.approx(0, abs=1e-3)
        _, distances = nearest_neighbours(x.flip(-1), module)
        assert (distances.max() < 1e-3) == mirrored
