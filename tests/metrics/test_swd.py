import pytest
import torch
from torch.nn import functional as F

from ganzoo.common.errors import GanzooError
from ganzoo.metrics.swd import SlicedWasserstein, ascending, cut_frames, laplacian_pyramid


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def levels(a, b, **options):
    metric = SlicedWasserstein(directions=64, **options)
    return metric.levels(metric.cut(a), metric.cut(b))


def swd(a, b, **options):
    return levels(a, b, **options).mean()


def texture(n, size, channels=1, seed=0):
    return F.avg_pool2d(randn(n, channels, size + 2, size + 2, seed=seed), 3, stride=1)


@pytest.mark.parametrize(("channels", "size", "count"), [(1, 8, 1), (3, 16, 1), (1, 28, 1), (4, 33, 2), (3, 64, 3)])
def test_swd_is_zero_on_equal_sets_and_has_the_papers_levels(channels, size, count):
    x = texture(20, size, channels)
    assert swd(x, x).item() == 0
    assert levels(x, x).shape == (count,)


def test_swd_grows_with_blur():
    real, fake = texture(200, 32), texture(200, 32, seed=1)
    blurred = F.avg_pool2d(fake, 3, stride=1, padding=1)
    smeared = F.avg_pool2d(fake, 5, stride=1, padding=2)
    none, some, much = (swd(real, x).item() for x in (fake, blurred, smeared))
    assert none < some / 2 < much / 2
    # What is lost is detail: the finest level says so.
    assert levels(real, blurred)[0] > levels(real, blurred)[1]


def test_swd_does_not_depend_on_batches_and_compares_unequal_counts():
    real, fake = texture(60, 16), texture(40, 16, seed=1)
    metric, whole = SlicedWasserstein(directions=64), swd(real, fake)
    sides = [
        torch.cat([metric.cut(part, first * size) for first, part in enumerate(x.split(size))])
        for x, size in ((real, 7), (fake, 11))
    ]
    assert metric.distance(*sides) == whole
    # Every image twice is the same distribution; only the patches' places differ.
    assert swd(real, real.repeat(2, 1, 1, 1)) < whole


def test_swd_stands_constant_images_and_refuses_small_ones():
    x = texture(20, 16)
    assert torch.isfinite(swd(x, torch.zeros_like(x)))
    with pytest.raises(GanzooError, match="at least 8"):
        SlicedWasserstein().cut(torch.zeros(1, 1, 4, 4))


def test_contrast_counts_only_if_both_sides_are_normalised_alike():
    x = texture(40, 16)
    assert swd(x, 0.5 * x).item() == pytest.approx(0, abs=1e-3)
    assert swd(x, 0.5 * x, alike=True) > 100
    assert swd(x, x, alike=True) == 0


def test_frames_share_an_images_patches_and_a_clip_is_one_item():
    clips = texture(12, 16).view(3, 4, 1, 16, 16).transpose(1, 2)  # 3 of 4 frames
    patches = cut_frames(SlicedWasserstein(patches=10), clips)
    assert patches.shape == (3, 1, 4 * 2, 1, 7, 7)
    frames = SlicedWasserstein(patches=2).cut(clips[:, :, 1], 1)
    assert patches[0, :, 2:4].equal(frames[0])  # the second frame is the second image of all
    assert cut_frames(SlicedWasserstein(patches=10), clips[1:], 1).equal(patches[1:])


def test_sorting_is_sorting():
    x = randn(5, 1001)
    assert ascending(x).equal(x.sort().values)


def test_laplacian_pyramid_splits_a_flat_image_into_nothing_and_its_value():
    fine, coarse = laplacian_pyramid(torch.full((1, 2, 32, 32), 0.7))
    torch.testing.assert_close(fine, torch.zeros(1, 2, 32, 32))
    torch.testing.assert_close(coarse, torch.full((1, 2, 16, 16), 0.7))
