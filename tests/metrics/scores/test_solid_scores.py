"""Scores of voxel grids, against values found by hand."""

import math

import pytest
import torch
from scipy.stats import wasserstein_distance

from ganzoo.data import Shapes
from ganzoo.metrics import solids
from ganzoo.metrics.bootstrap import Bootstrap
from ganzoo.metrics.collection import NOTHING
from ganzoo.metrics.score import Items, Setting
from ganzoo.metrics.selection import SCORES


def grid(*full):
    """Solids of 2x2x2 voxels, full at these places."""
    voxels = -torch.ones(len(full), 8)
    for solid, places in zip(voxels, full, strict=True):
        solid[list(places)] = 1
    return voxels.view(-1, 1, 2, 2, 2)


def scored(name, fake, real):
    score = SCORES[name]
    sides = (Items(score.keep(x, 0, None), NOTHING, NOTHING, None, NOTHING) for x in (fake, real))
    return score.measure(*sides, Setting(None))


def value(name, fake, real):
    return scored(name, fake, real).value.item()


def test_occupancy_divergence_is_in_bits():
    one, other = grid([0, 1]), grid([2, 3])
    assert value("jsd", one, one) == 0
    assert value("jsd", one, other) == pytest.approx(1)
    # places (1/2, 1/2, 0) and (0, 1/2, 1/2): the middle is (1/4, 1/2, 1/4), of 1.5 bits, either side of 1
    assert value("jsd", grid([0, 1]), grid([1, 2])) == pytest.approx(0.5)
    # how many solids there are does not matter, only where they are full
    assert value("jsd", grid([0, 1]), grid([0, 1], [0, 1])) == pytest.approx(0, abs=1e-9)
    empty = grid([])
    assert [value("jsd", *pair) for pair in ((empty, one), (one, empty), (empty, empty))] == [1, 1, 0]


def test_matching_is_by_intersection_over_union():
    real = grid([0, 1], [4, 5, 6, 7])
    fake = grid([0, 1], [0], [4, 5])
    # the first is there; of the second half is
    assert value("mmd_iou", fake, real) == pytest.approx((0 + 0.5) / 2)
    assert value("cov_iou", fake, real) == 1
    assert value("cov_iou", fake[:2], real) == 0.5  # both are nearest to the first
    assert value("mmd_iou", real, real) == 0
    assert value("mmd_iou", grid([2]), grid([3])) == 1
    assert value("mmd_iou", grid([]), grid([])) == 0


def test_blocks_and_limits_change_no_match(monkeypatch):
    real, fake = (torch.randn(n, 1, 4, 4, 4, generator=torch.Generator().manual_seed(n)) for n in (23, 17))
    sides = [solids.keep_full(x, 0, None) for x in (real, fake)]
    whole = solids.best_matches(*sides)
    monkeypatch.setattr(solids, "BLOCK", 5)
    assert all(a.equal(b) for a, b in zip(whole, solids.best_matches(*sides), strict=True))
    a, b = (x.bool() for x in sides)
    by_hand = [[float((p & q).sum() / (p | q).sum()) for q in b] for p in a]
    assert whole[0].tolist() == pytest.approx([1 - max(row) for row in by_hand])
    monkeypatch.setattr(solids, "LIMIT", 10)
    assert len(solids.picked(sides[0])) == 10


def test_intervals_hold_the_scores():
    real, fake = (torch.randn(n, 1, 4, 4, 4, generator=torch.Generator().manual_seed(n)) for n in (40, 30))
    for name in ("jsd", "mmd_iou", "cov_iou", "volume"):
        result = scored(name, fake, real)
        interval = Bootstrap(30).interval(result.value.item(), result.replicates)
        assert 0 <= interval.low <= result.value <= interval.high <= 1
        assert interval.low < interval.high
        assert math.isfinite(result.value)


def test_pieces_are_connected_by_faces():
    whole, apart, by_an_edge, empty = [0, 1, 3], [0, 7], [0, 3], []
    assert SCORES["one_piece"].keep(grid(whole, apart, by_an_edge, empty), 0, None).tolist() == [1, 0, 0, 0]
    assert value("one_piece", grid(whole, whole, whole, apart), grid()) == pytest.approx(0.75)
    two = torch.cat([grid([0]), grid([1])], 1)  # channels that touch each other
    assert SCORES["one_piece"].keep(two, 0, None).tolist() == [1]
    shapes = Shapes(size=16, samples=16).split("train")[0].float() - 1
    assert value("one_piece", shapes, shapes) == 1
    assert value("one_piece", torch.randn(4, 1, 8, 8, 8), shapes) == 0


def test_volumes_are_compared_by_their_distribution():
    real = grid([0], [0, 1], [0, 1, 2, 3])
    assert value("volume", grid([3], [5, 6], [4, 5, 6, 7]), real) == 0  # wherever they are
    assert value("volume", grid([], []), real) == pytest.approx(1)
    assert value("volume", grid([0, 1], [0, 1], [0, 1]), real) == pytest.approx((1 + 0 + 2) / 7)  # of 7 voxels
    fakes, reals = (torch.randint(0, 9, (n,), generator=torch.Generator().manual_seed(n)) for n in (30, 41))
    some = [grid(*(range(int(k)) for k in numbers)) for numbers in (fakes, reals)]
    expected = wasserstein_distance(fakes.numpy(), reals.numpy()) / reals.float().mean().item()
    assert value("volume", *some) == pytest.approx(expected)
