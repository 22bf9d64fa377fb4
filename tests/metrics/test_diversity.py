"""MS-SSIM between samples."""

import torch

from ganzoo.metrics.diversity import LEAST, MOST_PAIRS, pairwise_ms_ssim, scales


def noise(n, size=32, channels=1, seed=0):
    return torch.randint(256, (n, channels, size, size), generator=torch.Generator().manual_seed(seed)).byte()


def test_equal_images_have_one_and_unlike_ones_less():
    image = noise(1)
    torch.testing.assert_close(pairwise_ms_ssim(image.repeat(20, 1, 1, 1)), torch.ones(10))
    few = torch.cat([image, image.flip(3)]).repeat(50, 1, 1, 1)  # half of the pairs are equal
    assert 0.3 < pairwise_ms_ssim(few).mean() < 0.7
    assert pairwise_ms_ssim(noise(100)).mean() < 0.1


def test_pairs_are_seeded_disjoint_and_at_most_so_many():
    brightness = torch.arange(0, 250, 5).byte().view(-1, 1, 1, 1).expand(-1, 1, 12, 12)
    found = pairwise_ms_ssim(brightness, batch_size=4)
    assert found.equal(pairwise_ms_ssim(brightness, batch_size=100))
    assert not found.equal(pairwise_ms_ssim(brightness, seed=1))
    assert len(found) == len(found.unique()) == 25
    assert len(pairwise_ms_ssim(noise(2 * MOST_PAIRS + 9, size=11))) == MOST_PAIRS


def test_every_size_has_scales_that_the_library_takes():
    assert [scales((1, side, 300)) for side in (11, 28, 32, 64, 128, 175, 176)] == [1, 2, 2, 3, 4, 4, 5]
    for side in (LEAST, 21, 22, 40, 41, 44, 88, 90, 91, 171):
        assert 0 <= pairwise_ms_ssim(noise(2, side)).item() <= 1
