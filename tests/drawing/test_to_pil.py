"""Tensors to Pillow's pictures, and the bar beside what takes long."""

import io
import sys

import pytest
import torch
from tiny import conditional, mlp, recolour

import ganzoo
from ganzoo.common import progress_bar
from ganzoo.common.errors import GanzooError
from ganzoo.games.sampler import SAMPLE_BATCH


def test_every_image_becomes_a_picture():
    x = torch.tensor([-1.0, -0.5, 0.0, 1.0]).view(1, 1, 2, 2)
    (grey,) = ganzoo.to_pil(x)
    assert (grey.mode, grey.size, [*grey.getdata()]) == ("L", (2, 2), [0, 64, 128, 255])
    colours = ganzoo.to_pil(torch.stack([x, -x]).expand(-1, 3, -1, -1, -1).flatten(1, 2))
    assert [picture.mode for picture in colours] == ["RGB", "RGB"]
    assert colours[1].getpixel((1, 1)) == (0, 0, 0)
    assert ganzoo.to_pil(x[0])[0].tobytes() == grey.tobytes()
    assert ganzoo.to_pil(torch.zeros(0, 1, 8, 8)) == []
    assert len(ganzoo.to_pil(conditional().sample(3))) == 3


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_any_precision_and_gradients_are_taken(kind):
    x = torch.zeros(1, 1, 2, 3, dtype=kind, requires_grad=True)
    assert ganzoo.to_pil(x)[0].size == (3, 2)
    assert ganzoo.to_pil(1.2 * torch.ones(1, 1, 1, 1))[0].getpixel((0, 0)) == 255


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(5, 2), r"shape \(N, C, H, W\) or \(C, H, W\) with 1 or 3 channels, not \(5, 2\)"),
        (torch.zeros(5, 4, 8, 8), r"1 or 3 channels, not \(5, 4, 8, 8\)"),
        (torch.zeros(1, 1, 0, 8), "not"),
        (torch.zeros(1, 1, 2, 2, dtype=torch.uint8), "floating-point numbers in .*not uint8"),
        (torch.full((1, 1, 2, 2), float("nan")), "NaN or infinite"),
        (torch.full((1, 1, 2, 2), 255.0), "one number is 255 from 0"),
        ([1, 2], "must be a tensor .*not list"),
    ],
)
def test_what_is_no_image_is_refused_in_one_line(images, message):
    with pytest.raises(GanzooError, match=message):
        ganzoo.to_pil(images)


def test_a_bar_shows_after_a_second_and_changes_nothing(monkeypatch):
    model, n = mlp(), 2 * SAMPLE_BATCH + 5
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    plain = model.sample(n, seed=0)
    assert model.sample(n, seed=0, progress=True).equal(plain)
    assert out.getvalue() == ""  # it was too quick
    monkeypatch.setattr(progress_bar, "PATIENCE", 0.0)
    assert model.sample(n, seed=0, progress=True).equal(plain)
    assert f"{n}/{n}" in out.getvalue()
    out.truncate(0)
    model.sample(n, seed=0)
    translated = recolour().translate(torch.zeros(4, 1, 8, 8), progress=True)
    assert translated.equal(recolour().translate(torch.zeros(4, 1, 8, 8)))
    assert out.getvalue().count("4/4") == 1
    assert str(n) not in out.getvalue()
