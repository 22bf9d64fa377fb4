"""Precision, recall, density and coverage on the toy cases of their papers."""

import pytest
import torch

from ganzoo.common.errors import GanzooError
from ganzoo.metrics import prdc as module
from ganzoo.metrics.prdc import exact_squared_distances, expected_coverage, prdc, squared_radii


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def means(real, fake, k=5):
    return {name: items.mean().item() for name, items in vars(prdc(real, fake, k)).items()}


def by_definition(real, fake, k):
    """Item by item, as the papers write it."""

    def radius(x, i):
        return sorted((x - x[i]).norm(dim=1).tolist())[k]

    inside = torch.tensor([[(r - f).norm().item() < radius(real, i) for f in fake] for i, r in enumerate(real)])
    recalled = torch.tensor([[(r - f).norm().item() < radius(fake, j) for j, f in enumerate(fake)] for r in real])
    return {
        "precision": inside.any(0).double().mean().item(),
        "recall": recalled.any(1).double().mean().item(),
        "density": inside.sum(0).double().mean().item() / k,
        "coverage": inside.any(1).double().mean().item(),
    }


@pytest.mark.parametrize("k", [1, 3])
def test_the_definition_is_met_exactly_and_in_blocks(monkeypatch, k):
    real, fake = randn(40, 6), 0.9 * randn(30, 6, seed=1) + 0.3
    found = means(real, fake, k)
    assert found == pytest.approx(by_definition(real, fake, k), rel=1e-12)
    monkeypatch.setattr(module, "BLOCK", 7)
    assert means(real, fake, k) == found


def test_one_distribution_has_the_coverage_of_the_closed_form():
    assert expected_coverage(10_000, 10_000) == pytest.approx(1 - 1 / 2**5, abs=1e-3)
    assert expected_coverage(3, 1, 1) == pytest.approx(1 - 2 / 3)
    assert expected_coverage(50, 0, 3) == 0
    trials = [means(randn(200, 8, seed=s), randn(100, 8, seed=100 + s)) for s in range(30)]
    covered = sum(trial["coverage"] for trial in trials) / len(trials)
    assert covered == pytest.approx(expected_coverage(200, 100), abs=0.01)
    # equally many of one distribution: a density of 1, too
    same = means(randn(2000, 8), randn(2000, 8, seed=1))
    assert same["density"] == pytest.approx(1, abs=0.05)
    assert same["precision"] == pytest.approx(same["recall"], abs=0.05)


def test_a_real_outlier_fools_precision_and_not_density():
    real, poor = randn(500, 16), randn(500, 16, seed=1) + 3
    outlier = torch.full((1, 16), 4.0, dtype=torch.float64)
    without, fooled = means(real, poor), means(torch.cat([real, outlier]), poor)
    assert without["precision"] < 0.05
    assert fooled["precision"] > 0.9
    assert fooled["density"] < 0.25
    assert fooled["coverage"] - without["coverage"] < 0.01


def test_a_generated_outlier_fools_recall_and_not_coverage():
    real, fake = randn(500, 16) + 3, randn(500, 16, seed=1)
    outlier = torch.full((1, 16), 4.0, dtype=torch.float64)
    without, fooled = means(real, fake), means(real, torch.cat([fake, outlier]))
    assert without["recall"] < 0.05
    assert fooled["recall"] > 0.9
    assert fooled["coverage"] < 0.25


def test_dropped_modes_lower_coverage_and_recall_but_not_precision():
    centres = 20 * torch.eye(10, dtype=torch.float64)
    real = centres.repeat(60, 1) + randn(600, 10)
    found = [means(real, centres[:modes].repeat(60 // modes * 10, 1) + randn(600, 10, seed=1)) for modes in (10, 5, 2)]
    assert [round(f["coverage"], 1) for f in found] == [1.0, 0.5, 0.2]
    assert found[0]["recall"] > 0.6 > found[1]["recall"] > found[2]["recall"]
    assert all(f["precision"] > 0.6 for f in found)


def test_density_exceeds_one_where_samples_crowd():
    crowded = means(randn(500, 16), 0.1 * randn(500, 16, seed=1))
    assert crowded["density"] > 2
    assert crowded["precision"] == 1


def test_a_set_against_itself_scores_one_even_if_it_repeats_itself():
    x = 100 + randn(60, 5)
    for other in (x, x.flip(0)):
        assert means(x, other) == {"precision": 1, "recall": 1, "density": 1, "coverage": 1}
    x = x.repeat(12, 1)  # each has more equals than neighbours that count
    found = means(x, x.flip(0))
    assert (found["precision"], found["recall"], found["coverage"]) == (1, 1, 1)


def test_distances_are_exact_far_from_the_origin_and_too_few_images_are_refused():
    a, b = randn(20, 3), randn(30, 3, seed=1)
    torch.testing.assert_close(exact_squared_distances(a, b), torch.cdist(a, b).square())
    assert exact_squared_distances(1000 + a, 1000 + a).diagonal().eq(0).all()
    line = torch.arange(5.0).double()[:, None] ** 2  # 0 1 4 9 16
    assert squared_radii(line, 1).tolist() == [1, 1, 9, 25, 49]
    assert squared_radii(line, 2).tolist() == [16, 9, 16, 49, 144]
    for real, fake, told in ((a[:5], b, "more than 5 reference images, not 5"), (a, b[:2], "generated images, not 2")):
        with pytest.raises(GanzooError, match=told):
            prdc(real, fake)
