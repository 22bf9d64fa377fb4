import time

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import nn
from torch.nn import functional as F
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from ganzoo.metrics import distances
from ganzoo.metrics.distances import Reference, cubic, inception_score, kernel_sum

# What the others say of singular matrices and of features that they keep.
pytestmark = pytest.mark.filterwarnings("ignore:Matrix is singular", "ignore:Metric `Kernel", "ignore:std:UserWarning")


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def activations(n, size, seed):
    """Correlated, positive, some of them always 0: what a hidden layer gives."""
    mix = randn(size, size, seed=99) / size**0.5
    return torch.relu(randn(n, size, seed=seed) @ mix + torch.linspace(-9, 1, size))


def library(metric, real, fake, **options):
    given = nn.Identity()
    given.num_features = real.shape[1]
    metric = metric(feature=given, **options)
    metric.update(real, real=True)
    metric.update(fake, real=False)
    return metric.compute()


def test_fid_matches_closed_forms():
    a = randn(500, 6)
    a -= a.mean(0)
    shift = torch.tensor([1.0, 0, 2, 0, 0, 0])
    assert Reference(a).frechet_distance(a).item() == pytest.approx(0, abs=1e-6)
    assert Reference(a).frechet_distance(a + shift).item() == pytest.approx(5)
    # N(0, C) and N(0, 9 C): tr(C + 9 C - 2 * 3 C) = 4 tr(C)
    assert Reference(a).frechet_distance(3 * a).item() == pytest.approx(4 * a.T.cov().trace().item())


@pytest.mark.parametrize(("real", "fake"), [(400, 300), (40, 300), (400, 40), (40, 40)])  # fewer than features, too
def test_fid_equals_the_librarys_and_scipys(real, fake):
    a, b = activations(real, 64, seed=0), 1.2 * activations(fake, 64, seed=1)
    ours = Reference(a).frechet_distance(b).item()
    assert ours == pytest.approx(library(FrechetInceptionDistance, a, b).item(), rel=1e-6)
    root = scipy.linalg.sqrtm(a.T.cov().numpy() @ b.T.cov().numpy())
    trace = (a.T.cov() + b.T.cov()).trace().item() - 2 * np.trace(root).real
    assert ours == pytest.approx((a.mean(0) - b.mean(0)).square().sum().item() + trace, rel=1e-6)


@pytest.mark.parametrize("count", [60, 300])  # subset by subset, and each pair once
def test_kid_equals_the_librarys_on_the_same_subsets(count):
    a, b = activations(count, 16, seed=0), 1.2 * activations(50, 16, seed=1)
    torch.manual_seed(3)
    ours = Reference(a).kernel_distance(b, subset=20)
    torch.manual_seed(3)
    theirs, _ = library(KernelInceptionDistance, a, b, subset_size=20)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-9)


def test_kid_is_near_zero_for_one_distribution_and_grows_with_a_shift():
    a, b = randn(400, 6), randn(400, 6, seed=1)
    same, near, far = (Reference(a).kernel_distance(b + shift, subset=400).item() for shift in (0, 0.5, 1))
    assert abs(same) < 0.02 < near < far


def test_kernels_are_summed_alike_in_both_ways(monkeypatch):
    a, b = randn(23, 4), randn(17, 4, seed=1)
    draws = torch.Generator().manual_seed(0)
    rows, columns = (
        torch.stack([torch.randperm(len(x), generator=draws)[:7] for _ in range(count)])
        for x, count in ((a, 30), (b, 30))
    )
    plain = sum(((a[i] @ b[j].T / 4 + 1) ** 3).sum() for i, j in zip(rows, columns, strict=True))
    monkeypatch.setattr(distances, "BLOCK", 10)
    assert rows.shape[1] * columns.numel() > 2 * len(a) * len(b)
    torch.testing.assert_close(kernel_sum(a, b, rows, columns), plain)
    few = kernel_sum(a, b, rows[:1], columns[:1])  # 49 pairs rather than 391
    torch.testing.assert_close(few, cubic(a[rows[0]], b[columns[0]]).sum())


def test_what_depends_on_real_features_alone_is_computed_once(monkeypatch):
    counted = []
    kernel, eigh = distances.kernel_sum, torch.linalg.eigh
    monkeypatch.setattr(distances, "kernel_sum", lambda a, b, *index: counted.append(a is b) or kernel(a, b, *index))
    monkeypatch.setattr(torch.linalg, "eigh", lambda x: counted.append("eigh") or eigh(x))
    reference = Reference(activations(50, 8, seed=0))
    scores = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        scores.append((reference.kernel_distance(randn(40, 8), 30), reference.frechet_distance(randn(40, 8))))
    assert scores[0] == scores[1]
    assert scores[0][0] != scores[2][0]
    # within the real, within the generated, across; other subsets of the real ones are summed anew
    assert counted == [True, True, False, "eigh", True, False, True, True, False]


def test_kid_takes_a_fraction_of_the_librarys_time():
    a, b = randn(3000, 64), randn(500, 64, seed=1)
    reference = Reference(a)

    def seconds(score):
        torch.manual_seed(0)
        begun = time.process_time()
        score()
        return time.process_time() - begun

    theirs = seconds(lambda: library(KernelInceptionDistance, a, b, subset_size=500))
    seconds(lambda: reference.kernel_distance(b, 500))
    assert seconds(lambda: reference.kernel_distance(b, 500)) < theirs / 2  # a tenth where nothing else runs


def test_inception_score_is_the_number_of_classes_told_apart():
    logits = 100 * F.one_hot(torch.arange(1000) % 10, 10).double()
    assert inception_score(logits, splits=1)[0].item() == pytest.approx(10)
    assert inception_score(logits[::10], splits=1)[0].item() == pytest.approx(1)
    assert inception_score(torch.zeros(1000, 10).double())[0].item() == pytest.approx(1)


def test_the_distance_of_features_to_themselves_is_exactly_0_however_few_or_large():
    for n, scale in ((5, 1.0), (30, 1e-3), (30, 1e4), (200, 7.0)):
        x = scale * torch.randn(n, 128, generator=torch.Generator().manual_seed(n)).double()
        assert Reference(x).frechet_distance(x) == 0
        assert Reference(x).frechet_distance(x.flip(0)) == 0
        assert Reference(x).frechet_distance(x + 0.01 * scale) == pytest.approx(128 * (0.01 * scale) ** 2, rel=1e-2)
