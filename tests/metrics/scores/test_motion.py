"""Scores of video: what frames show, and how they move."""

import pytest
import torch
import toys
from streams import vgan

from ganzoo.common.errors import GanzooError
from ganzoo.metrics.collection import NOTHING
from ganzoo.metrics.score import Items, ScoreContext, Setting
from ganzoo.metrics.selection import DEFAULTS, SCORES, choose_scores


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


def test_frames_change_as_much_twice_as_much_or_not_at_all():
    real = clips(60)
    assert value("frame_difference", real, real) == 1
    assert value("frame_difference", 2 * real, real) == pytest.approx(2, rel=1e-5)
    assert value("frame_difference", real, 2 * real) == pytest.approx(2, rel=1e-5)
    assert value("frame_difference", real[:, :, :1].expand(-1, -1, 8, -1, -1), real) > 1000
    backwards = real.flip(2)
    assert value("frame_difference", backwards, real) == pytest.approx(1, rel=1e-5)


class Seen(toys.Discs):
    """Discs, whose masks are known: they are brighter than the ground."""

    @staticmethod
    def true_masks(clips):
        return clips.amax(1, keepdim=True) > -0.5


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda masks: masks, 1.0),
        (lambda masks: 0 * masks, 0.0),
        (lambda masks: masks * torch.tensor([1.0, 0.0] * 4)[:, None, None], 0.5),  # every other frame
        (lambda masks: 1 - masks, 0.0),
    ],
)
def test_masks_overlap_with_what_the_data_reads_off_the_samples(change, expected):
    model = vgan()
    truth = lambda points: Seen.true_masks(model.render(points)).float()  # noqa: E731
    model.render = lambda points: clips(len(points), int(points.abs().sum() * 1000))
    model.masks = lambda points: change(truth(points))
    measured = SCORES["mask_iou"].measure(None, None, Setting(Seen(), model, samples=70))
    assert measured.value.item() == pytest.approx(expected, abs=0.02)


def test_masks_are_scored_where_both_are_known():
    assert SCORES["mask_iou"].refuses(ScoreContext(toys.Discs(), model=vgan())).startswith("the true masks")
    assert SCORES["mask_iou"].refuses(ScoreContext(Seen(), model=object())).startswith("object draws through no masks")
    assert DEFAULTS["video"].thorough(ScoreContext(Seen(), model=vgan())) == [
        *("swd", "motion", "frame_difference", "mask_iou")
    ]
    assert DEFAULTS["video"].thorough(ScoreContext(toys.Discs())) == ["swd", "motion", "frame_difference"]
    with pytest.raises(GanzooError, match="draws through no masks"):
        SCORES["mask_iou"].measure(None, None, Setting(Seen(), object()))
