import pytest
import torch
from torch.nn import functional as F

from ganzoo.common.errors import GanzooError
from ganzoo.metrics.swd import SlicedWasserstein, ascending, laplacian_pyramid


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def swd(a, b, **options):
    metric = SlicedWasserstein(directions=64, **options)
    metric.update(a, real=True)
    metric.update(b, real=False)
    return metric


def texture(n, size, channels=1, seed=0):
    return F.avg_pool2d(randn(n, channels, size + 2, size + 2, seed=seed), 3, stride=1)


@pytest.mark.parametrize(("channels", "size", "levels"), [(1, 8, 1), (3, 16, 1), (1, 28, 1), (4, 33, 2), (3, 64, 3)])
def test_swd_is_zero_on_equal_sets_and_has_the_papers_levels(channels, size, levels):
    x = texture(20, size, channels)
    metric = swd(x, x)
    assert metric.compute().item() == 0
    assert metric.levels().shape == (levels,)


def test_swd_grows_with_blur():
    real, fake = texture(200, 32), texture(200, 32, seed=1)
    blurred = F.avg_pool2d(fake, 3, stride=1, padding=1)
    smeared = F.avg_pool2d(fake, 5, stride=1, padding=2)
    none, some, much = (swd(real, x).compute().item() for x in (fake, blurred, smeared))
    assert none < some / 2 < much / 2
    # What is lost is detail: the finest level says so.
    assert swd(real, blurred).levels()[0] > swd(real, blurred).levels()[1]


def test_swd_does_not_depend_on_batches_and_compares_unequal_counts():
    real, fake = texture(60, 16), texture(40, 16, seed=1)
    whole, parts = swd(real, fake), SlicedWasserstein(directions=64)
    for part in real.split(7):
        parts.update(part, real=True)
    for part in fake.split(11):
        parts.update(part, real=False)
    torch.testing.assert_close(whole.compute(), parts.compute())
    # Every image twice is the same distribution; only the patches' places differ.
    assert swd(real, real.repeat(2, 1, 1, 1)).compute() < whole.compute()


def test_swd_keeps_real_images_if_told_and_stands_constant_ones():
    x = texture(20, 16)
    metric = swd(x, x.flip(0), reset_real=False)
    metric.compute()
    metric.reset()
    metric.update(x, real=False)
    assert metric.compute() == 0
    assert torch.isfinite(swd(x, torch.zeros_like(x)).compute())
    with pytest.raises(GanzooError, match="at least 8"):
        metric.update(torch.zeros(1, 1, 4, 4), real=True)


def test_sorting_is_sorting():
    x = randn(5, 1001)
    assert ascending(x).equal(x.sort().values)


def test_laplacian_pyramid_splits_a_flat_image_into_nothing_and_its_value():
    fine, coarse = laplacian_pyramid(torch.full((1, 2, 32, 32), 0.7))
    torch.testing.assert_close(fine, torch.zeros(1, 2, 32, 32))
    torch.testing.assert_close(coarse, torch.full((1, 2, 16, 16), 0.7))
