"""Scores of captions: what is read of canvases, and which caption an image matches."""

from types import SimpleNamespace

import pytest
import torch
from captioned import captioned, first_stage, second_stage
from torch.nn.functional import avg_pool2d, interpolate

from ganzoo.common.errors import GanzooError
from ganzoo.data.captioned_mnist import LAYOUTS, NOTHING
from ganzoo.metrics import captions
from ganzoo.metrics.captions import STRANGE, read_canvases
from ganzoo.metrics.score import Items, ScoreContext, Setting
from ganzoo.metrics.selection import DEFAULTS, SCORES, choose_scores
from ganzoo.networks.text import Precomputed

EMPTY = torch.empty(0)


@pytest.fixture
def bars(monkeypatch):
    """A classifier that looks for the brightest part of a digit: left, middle or right."""

    def classify(x):
        columns = ((x + 1) / 2).sum((1, 2))  # (N, 28)
        return None, torch.stack([part.mean(1) for part in columns.split([12, 4, 12], 1)], 1)

    monkeypatch.setattr(captions, "digit_classifier", lambda: classify)


def canvas(*boxes, size=64):
    """A canvas with full boxes (top, left) of 20x20 on the 60x60 inside of the margin."""
    x = -torch.ones(1, 1, 64, 64)
    for top, left in boxes:
        x[:, :, top + 6 : top + 26, left + 6 : left + 26] = 1
    return torch.nn.functional.avg_pool2d(x, 64 // size)


@pytest.mark.parametrize("size", [64, 32])
@pytest.mark.parametrize("end", [0, 1])
def test_layouts_are_told_by_where_the_ink_is(bars, size, end):
    for number, layout in enumerate(LAYOUTS):
        boxes = [(place.top[end], place.left[end]) for place in layout.places]
        read = read_canvases(canvas(*boxes, size=size))[0].tolist()
        assert read[0] == number
        assert read[2] == NOTHING if len(boxes) == 1 else read[2] >= 0
    assert read_canvases(-torch.ones(2, 1, 64, 64)).eq(STRANGE).all()
    assert read_canvases(torch.ones(2, 1, 64, 64)).eq(STRANGE).all()


def test_a_digit_is_read_wherever_it_lies_and_a_missing_one_is_none(bars):
    only = read_canvases(canvas((16, 0)))[0].tolist()  # half of a pair
    assert only == [0, 1, STRANGE]


def test_shipped_digits_are_read_by_the_shipped_classifier():
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    ink = torch.zeros(100, 60, 60)
    small = torch.nn.functional.interpolate(torch.tensor(images[:100] / 16).view(-1, 1, 8, 8).float(), (20, 20))
    ink[:, 34:54, 6:26] = small[:, 0]
    x = torch.nn.functional.pad(ink, (2, 2, 2, 2))[:, None] * 2 - 1
    read = read_canvases(x)
    assert (read[:, 0] == 4).float().mean() > 0.9
    assert (read[:, 1] == torch.tensor(labels[:100])).float().mean() > 0.6


def test_shares_are_of_captions_to_train_on_and_of_unseen_ones(tmp_path):
    data = captioned(tmp_path)
    _, (stored, _, _) = data.split("test")
    said = stored[:200, 0].long()
    shown = data.meaning(said)
    shown[:50] = STRANGE  # a half of these are unseen
    items = Items(shown, EMPTY, EMPTY, said, EMPTY)
    given = SCORES["captions_right"].measure(items, items, Setting(data))
    assert {name: scored.value.item() for name, scored in given.items()} == {
        "captions_right": 0.75,
        "captions_unseen": 0.75,
    }
    assert choose_scores(["captions"], None, data) == ["captions_right", "captions_unseen"]
    with pytest.raises(GanzooError, match="it reads captions of digits in their places"):
        choose_scores(["captions_right"], None, SimpleNamespace(shape=(1, 32, 32), n_classes=0))


@pytest.fixture
def coarse(monkeypatch):
    """A classifier whose features are the brightness of 16 squares of a digit's box."""
    monkeypatch.setattr(captions, "digit_classifier", lambda: lambda x: (avg_pool2d(x, 7).flatten(1), None))


def read(x, said, data, name="digits_fid", model=None):
    """A score of canvases under captions against the data's own."""
    score, setting = SCORES[name], Setting(data, model, samples=len(said))
    kept = score.keep(x, 0, data) if x is not None else EMPTY
    nothing = Items(EMPTY, EMPTY, EMPTY, None, EMPTY)
    reference = Items(EMPTY, EMPTY, EMPTY, None, EMPTY, score.prepare(nothing, setting))
    return score.measure(Items(kept, EMPTY, EMPTY, said, EMPTY), reference, setting).value.item()


def test_digits_are_looked_at_where_captions_have_them(coarse, tmp_path):
    data = captioned(tmp_path, 64)
    stored, (captions, *_) = data.split("test")
    x, said = stored.float() / 127.5 - 1, captions[:, 0].long()
    assert len(captions) == 2000
    assert read(x, said, data) == 0
    assert read(torch.full_like(x, -1), said, data) > 1
    assert read(x.roll(1, 0), said, data) > 0.1  # under another one's caption: digits elsewhere


def test_the_first_stage_is_scored_on_what_it_hands_on(coarse, tmp_path, monkeypatch):
    data = captioned(tmp_path, 32)
    stored, (captions, *_) = data.split("test")
    x, said = stored.float() / 127.5 - 1, captions[:, 0].long()
    model = second_stage().eval()
    assert read(None, said, data, "digits_fid_stage1", model) > 1  # untrained
    shown = iter(avg_pool2d(x, 2).split(250))
    monkeypatch.setattr(model, "stage1_images", lambda points, y: next(shown))
    small = interpolate(avg_pool2d(x, 2), (32, 32), mode="bicubic").clamp(-1, 1)
    enlarged = read(None, said, data, "digits_fid_stage1", model)
    assert enlarged == pytest.approx(read(small, said, data), rel=1e-6)
    assert enlarged > 0
    assert "no first stage" in SCORES["digits_fid_stage1"].refuses(ScoreContext(data, model=first_stage()))
    assert SCORES["digits_fid_stage1"].refuses(ScoreContext(data, model=model)) is None


def test_captioned_digits_are_scored_by_their_captions_where_nothing_is_said(tmp_path):
    data = captioned(tmp_path, 32)
    usual = ["swd", "ms_ssim", "memorisation", "captions_right", "captions_unseen", "digits_fid", "digits_fid_stage1"]
    of = DEFAULTS["images"].thorough
    assert of(ScoreContext(data, model=second_stage())) == usual
    assert of(ScoreContext(data, model=first_stage())) == usual[:-1]
    assert of(ScoreContext(SimpleNamespace(shape=(1, 32, 32), n_classes=0))) == usual[:3]


class Matcher:
    """A model that knows which image shows which caption, but for the first ten."""

    device = torch.device("cpu")

    def __init__(self, wrong):
        self.encoder = SimpleNamespace(images=True, similarities=self.similarities)
        self.wrong = wrong

    def similarities(self, x, captions):
        shown = ((x.flatten(1).mean(1) + 1) * 127.5).round()
        near = -(shown[:, None] - captions[:, 0].float()).abs()
        return torch.where(shown[:, None] < self.wrong, -near, near)


@pytest.mark.parametrize("wrong", [0, 10])
def test_r_precision_is_the_share_of_images_that_are_nearest_to_their_caption(wrong):
    numbers = torch.arange(200)
    x = (numbers[:, None, None, None] / 127.5 - 1).expand(-1, 1, 64, 64)
    score = SCORES["r_precision"]
    kept = score.keep(x, 0, None)
    assert kept.shape == (200, 1, 32, 32)
    items = Items(kept, EMPTY, EMPTY, numbers[:, None], EMPTY)
    measured = score.measure(items, items, Setting(None, Matcher(wrong)))
    assert measured.value.item() == pytest.approx(1 - wrong / 200)
    # the same caption again is no rival
    twice = Items(kept[:100].repeat(2, 1, 1, 1), EMPTY, EMPTY, numbers[:100].repeat(2)[:, None], EMPTY)
    assert score.measure(twice, twice, Setting(None, Matcher(0))).value == 1


def test_models_that_match_no_captions_are_refused(tmp_path):
    model = first_stage(Precomputed(12))
    context = ScoreContext(captioned(tmp_path), model=model)
    assert "no encoder that matches" in SCORES["r_precision"].refuses(context)
    assert SCORES["r_precision"].refuses(ScoreContext(captioned(tmp_path), model=first_stage())) is None
    items = Items(EMPTY, EMPTY, EMPTY, torch.zeros(0, 1), EMPTY)
    with pytest.raises(GanzooError, match="r_precision given, but"):
        SCORES["r_precision"].measure(items, items, Setting(None, model))
