"""Scores of video: what frames show, and how they move."""

import pytest
import torch
import toys

from ganzoo.common.errors import GanzooError
from ganzoo.metrics.collection import NOTHING
from ganzoo.metrics.score import Items, ScoreContext, Setting
from ganzoo.metrics.selection import SCORES, choose_scores


def value(name, fake, real):
    score = SCORES[name]
    sides = (Items(score.keep(x, 0, None), NOTHING, NOTHING, None, NOTHING) for x in (fake, real))
    return score.measure(*sides, Setting(None)).value.item()


def clips(n, seed=0):
    return toys.Discs().draw(n, torch.Generator().manual_seed(seed)) / 127.5 - 1


def test_shuffled_frames_are_the_same_frames_and_another_motion():
    real, other = clips(60), clips(60, 1)
    shuffled = other[:, :, torch.randperm(8, generator=torch.Generator().manual_seed(0))]
    assert value("motion", real, real) == value("swd", real, real) == 0
    assert value("swd", shuffled, real) < 1.3 * value("swd", other, real)
    assert value("motion", shuffled, real) > 2 * value("motion", other, real)


def test_standing_still_is_far_from_moving():
    real = clips(60)
    still = clips(60, 1)[:, :, :1].expand(-1, -1, 8, -1, -1)
    assert value("motion", still, real) > 3 * value("motion", clips(60, 1), real)


def test_a_single_frame_does_not_move():
    data = toys.Discs()
    data.shape = (3, 1, 16, 16)
    assert SCORES["motion"].refuses(ScoreContext(data)) == "clips of one frame do not move; choose swd."
    assert choose_scores(None, None, data) == ["swd"]
    with pytest.raises(GanzooError, match="motion given, but clips of one frame do not move"):
        choose_scores(["motion"], None, data)
