"""Scores of predicted frames on the pixels that move: by hand, against copying, and what blur does to them."""

import math

import pytest
import torch
from clips import Squares, next_squares
from torch.nn.functional import avg_pool2d

from ganzoo.common.errors import GanzooError
from ganzoo.data import Digits
from ganzoo.metrics.frames import psnr_where, sharpness_where, ssim_where
from ganzoo.metrics.pairs import psnr, ssim
from ganzoo.metrics.score import ScoreContext
from ganzoo.metrics.scoring import score
from ganzoo.metrics.selection import refuses
from ganzoo.metrics.translations import Baseline

NAMES = ["moving_psnr", "moving_gain", "moving_ssim", "sharpness"]


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).clamp(-3, 3) / 3


def everywhere(x):
    return torch.ones_like(x[:, :1], dtype=torch.bool)


def test_over_all_pixels_they_are_the_usual_ones():
    x, y = randn(3, 3, 16, 16), randn(3, 3, 16, 16, seed=1)
    torch.testing.assert_close(psnr_where(x, y, everywhere(x)), psnr(x, y))
    assert psnr_where(y, y, everywhere(y)).tolist() == [100] * 3
    torch.testing.assert_close(ssim_where(x, y, everywhere(x)), ssim(x, y), atol=1e-5, rtol=0)


def test_still_pixels_count_for_nothing():
    x, y, where = randn(2, 1, 16, 16), randn(2, 1, 16, 16, seed=1), everywhere(randn(2, 1, 16, 16)).clone()
    where[..., 4:] = False
    by_hand = -10 * ((x - y)[..., :4] / 2).square().flatten(1).mean(1).log10()
    torch.testing.assert_close(psnr_where(x, y, where), by_hand)
    changed = torch.where(where, x, y)
    torch.testing.assert_close(psnr_where(changed, y, where), by_hand)
    assert psnr_where(x, y, where & False).isnan().all()


def test_sharpness_is_that_of_the_papers_script():
    truth = torch.zeros(1, 1, 5, 5)
    made = truth + torch.arange(5) / 10  # steps of a tenth in rows, none in columns
    wanted = 10 * math.log10(255**2 / (128**2 * 0.1))
    assert sharpness_where(made, truth, everywhere(truth)).item() == pytest.approx(wanted, abs=1e-4)
    assert sharpness_where(made.mT, truth, everywhere(truth)).item() == pytest.approx(wanted, abs=1e-4)
    assert sharpness_where(truth - made, made, everywhere(truth)).item() == pytest.approx(
        10 * math.log10(255**2 / 1e-4), abs=1e-2
    )


def test_blur_lowers_sharpness_and_noise_the_ratio():
    checks = ((torch.arange(32)[:, None] // 2 + torch.arange(32) // 2) % 2).float()[None, None] * 0.2
    truth = checks + torch.linspace(-0.5, 0.5, 32)
    blurred = avg_pool2d(truth, 5, 1, 2, count_include_pad=False)
    shifted = truth + 0.1  # as far from the truth as blur, and as sharp
    where = everywhere(truth)
    assert psnr_where(blurred, truth, where) == pytest.approx(psnr_where(shifted, truth, where).item(), abs=1)
    assert sharpness_where(blurred, truth, where) < sharpness_where(shifted, truth, where) - 10


def test_predictions_are_scored_beside_the_last_frame():
    data = next_squares()
    copied = score(Baseline(lambda x: x[:, -1:]), data, metrics=NAMES)
    perfect = score(
        Baseline(lambda x: torch.cat([x[:, -1:, :, :1], x[:, -1:, :, :1], x[:, -1:, :, :-2]], 3)), data, metrics=NAMES
    )
    better = score(Baseline(lambda x: 0.75 * torch.roll(x[:, -1:], 2, 3) + 0.25 * x[:, -1:]), data, metrics=NAMES)
    assert copied.keys() == {f"{name}[test]" for name in NAMES}
    assert copied["moving_gain[test]"] == 0
    # of 24 pixels that move in either step, 4 columns and 3 of them move in the last: 4 x 4 out of 4 x 8 are wrong
    assert copied["moving_psnr[test]"] == pytest.approx(-10 * math.log10((128 / 255) ** 2 * 16 / 32), abs=1e-3)
    assert perfect["moving_psnr[test]"] == 100
    assert perfect["moving_ssim[test]"] == pytest.approx(1, abs=1e-5)
    assert better["moving_gain[test]"] == pytest.approx(20 * math.log10(4), abs=1e-3)
    assert better["moving_psnr[test]"] - copied["moving_psnr[test]"] == pytest.approx(
        better["moving_gain[test]"], abs=1e-3
    )
    assert copied["sharpness[test]"] < better["sharpness[test]"] < perfect["sharpness[test]"]


class Still(Squares):
    """The same, but that nothing moves in the first half of them, or anywhere."""

    def __init__(self, moving=12):
        super().__init__()
        self.moving = moving

    def load(self, split):
        clips, _ = super().load(split)
        clips[self.moving :] = clips[self.moving :, :, :1]
        return clips, None


def test_frames_in_which_nothing_moves_are_left_out():
    copying = Baseline(lambda x: x[:, -1:])
    from ganzoo.data.next_frame import NextFrame

    whole, half = (score(copying, NextFrame(clips), metrics=NAMES) for clips in (Squares(), Still()))
    assert half["moving_psnr[test]"] == pytest.approx(whole["moving_psnr[test]"])
    with pytest.raises(GanzooError, match="nothing moves"):
        score(copying, NextFrame(Still(0)), metrics=["moving_psnr"])


@pytest.mark.parametrize("name", NAMES)
def test_they_need_earlier_frames(name):
    digits = Digits()
    digits.source_shape = digits.shape
    reason = refuses(name, ScoreContext(digits, output="translations"))
    assert reason.startswith(f"{name} given, but what is translated has no two earlier frames")
    assert refuses(name, ScoreContext(next_squares(), output="translations")) is None
    assert refuses(name, ScoreContext(next_squares(frames=1), output="translations"))
