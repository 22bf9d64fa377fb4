"""Intervals by resampling, against closed forms and against resamples made by hand."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from ganzoo.common.errors import GanzooError
from ganzoo.metrics import bootstrap
from ganzoo.metrics.bootstrap import Bootstrap, Replicates, counts
from ganzoo.metrics.collection import NOTHING
from ganzoo.metrics.distances import Reference
from ganzoo.metrics.score import Items, Setting
from ganzoo.metrics.selection import SCORES
from ganzoo.metrics.swd import SlicedWasserstein


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def drawn(seed=0, resamples=3):
    """A source of indices that gives the same ones again after being made again."""
    generator = torch.Generator().manual_seed(seed)
    return lambda n: torch.randint(n, (resamples, n), generator=generator)


def test_a_means_interval_is_the_textbooks():
    items = randn(400)
    found = Bootstrap(2000).interval(items.mean().item(), bootstrap.of_mean(items, "samples"))
    half = 1.96 * items.std().item() / 20
    assert (found.low, found.high) == pytest.approx(
        (items.mean().item() - half, items.mean().item() + half), abs=0.1 * half
    )
    assert found.of == "samples"
    assert Bootstrap(2000).interval(items.mean().item(), bootstrap.of_mean(items, "samples")) == found
    assert Bootstrap(2000, seed=1).interval(items.mean().item(), bootstrap.of_mean(items, "samples")) != found
    narrow = Bootstrap(2000, level=0.5).interval(items.mean().item(), bootstrap.of_mean(items, "samples"))
    assert found.low < narrow.low < narrow.high < found.high
    # what cannot vary has no width, and nothing leaves its range
    constant = Bootstrap(20).interval(1.0, bootstrap.of_mean(torch.ones(9), "samples"))
    assert (constant.low, constant.high) == (1, 1)
    shares = Bootstrap(200).interval(0.98, bootstrap.of_mean((torch.arange(50) > 0).double(), "samples"))
    assert 0.9 < shares.low < 0.98 <= shares.high <= 1


def test_a_mean_over_nothing_is_no_number_without_an_interval():
    scored = bootstrap.mean_of(torch.empty(0), "samples")
    assert (scored.value.isnan().item(), scored.replicates) == (True, None)


def test_intervals_are_about_the_score_even_if_resamples_are_biased():
    real, fake = randn(60, 8), randn(60, 8, seed=1)
    fid = Reference(real).frechet_distance(fake).item()
    replicates = bootstrap.of_fid(real, fake)
    found = Bootstrap(100).interval(fid, replicates)
    assert replicates.again(drawn(resamples=20)).min() > fid  # percentiles alone would leave it out
    assert 0 <= found.low < fid < found.high
    assert Bootstrap(50).interval(-1e-9, bootstrap.of_fid(real, real)).low == -1e-9
    # 95 of 100 draws of this size from the same distributions would give such an interval; their own spread says so
    others = [Reference(randn(60, 8, seed=s)).frechet_distance(randn(60, 8, seed=s + 50)).item() for s in range(2, 42)]
    assert found.high - found.low == pytest.approx(4 * torch.tensor(others).std().item(), rel=0.5)


def test_kernel_distances_are_those_of_resamples_made_by_hand(monkeypatch):
    real, fake = randn(30, 4), 1.3 * randn(20, 4, seed=1)
    monkeypatch.setattr(bootstrap, "BLOCK", 7)
    found = bootstrap.of_kid(real, fake).again(drawn())
    pick = drawn()
    for value, i, j in zip(found, pick(30), pick(20), strict=True):
        a, b = real[i], fake[j]
        within = [((x @ x.T / 4 + 1) ** 3).fill_diagonal_(0).sum() / (len(x) * (len(x) - 1)) for x in (a, b)]
        torch.testing.assert_close(
            value, within[0] + within[1] - 2 * ((a @ b.T / 4 + 1) ** 3).mean(), rtol=1e-5, atol=1e-6
        )


def test_sliced_distances_of_the_sets_themselves_are_the_metrics():
    real, fake = (F.avg_pool2d(randn(24, 1, 34, 34, seed=s), 3, 1).float() for s in (0, 1))
    metric = SlicedWasserstein(directions=16, limit=700)  # of 1,536 patches: every third
    patches = [metric.cut(x) for x in (real, fake)]
    value = metric.distance(*patches).item()
    for often in (1, 2):  # each image twice is the same set
        (same,) = metric.resampled(*patches, torch.full((1, 24), often), torch.ones(1, 24)).tolist()
        assert same == pytest.approx(value, rel=1e-4)
    found = Bootstrap(20).interval(value, bootstrap.of_swd(metric, *patches))
    assert 0 <= found.low < value < found.high


def points(name, data, fake, real):
    """Returns a score of points, and its interval."""
    items = (Items(x, NOTHING, NOTHING, None, NOTHING) for x in (fake, real))
    scored = SCORES[name].measure(*items, Setting(data))
    return scored, Bootstrap(50).interval(scored.value.item(), scored.replicates)


def test_points_and_logits_have_intervals_too():
    data = SimpleNamespace(centres=torch.tensor([[0.0, 0], [1, 1]]), std=0.1)
    fake, real = 0.2 * randn(60, 2).float(), 0.1 * randn(60, 2, seed=1).float()
    for name in ("modes", "good", "wasserstein"):
        scored, found = points(name, data, fake, real)
        assert 0 <= found.low <= scored.value <= found.high
        assert found.of == ("samples and reference" if name == "wasserstein" else "samples")
    logits = randn(100, 5)
    assert Bootstrap(20).interval(2.0, bootstrap.of_inception_score(logits)).low < 2


def test_points_intervals_stay_where_the_scores_can_go():
    centres = 3 * torch.eye(2).repeat(6, 1).cumsum(0)
    data = SimpleNamespace(centres=centres, std=0.1)  # each centre once: a resample misses a third of them
    modes, interval = points("modes", data, centres, centres)
    assert modes.value == 12
    assert interval.low < 12 == interval.high
    good, interval = points("good", data, centres, centres)
    assert (good.value, interval.low, interval.high) == (1, 1, 1)
    roll, _ = points("good", SimpleNamespace(std=0.1), centres, centres)  # how near real points are
    assert (roll.replicates.of, roll.replicates.most) == ("samples and reference", 1)
    logits = 50 * torch.eye(3).repeat(2, 1)
    assert Bootstrap(50).interval(3.0, bootstrap.of_inception_score(logits)).high == 3


def test_scores_of_sums_are_resampled_item_by_item():
    real, fake = randn(30, 2), randn(20, 2, seed=1)

    def gap(a, b):
        return (a / 30 - b / 20).abs().sum(1)

    scored = bootstrap.of_sums(real, fake, gap, least=0)
    assert scored.value == pytest.approx((real.mean(0) - fake.mean(0)).abs().sum().item())
    pick = drawn()
    for value, i, j in zip(scored.replicates.again(drawn()), pick(30), pick(20), strict=True):
        assert value == pytest.approx((real[i].mean(0) - fake[j].mean(0)).abs().sum().item())


def test_counts_and_options():
    assert counts(torch.tensor([[0, 2, 2], [1, 1, 1]])).tolist() == [[1, 0, 2], [0, 3, 0]]
    assert Bootstrap(4).interval(5.0, Replicates("x", lambda pick: torch.zeros(4))).high == 5
    for options, told in (({"resamples": 1}, "--bootstrap: 1"), ({"level": 1.0}, "--level: 1.0")):
        with pytest.raises(GanzooError, match=told):
            Bootstrap(**options)
