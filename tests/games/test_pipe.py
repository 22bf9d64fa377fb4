"""The pipe of augmentations against the authors' figures, and the probability of each part."""

import json
import math

import numpy as np
import pytest
import torch
from official import FOLDER

from ganzoo.games.pipe import Draws, Pipe, cut_out
from ganzoo.games.warping import (
    SYM6,
    doubling_matrix,
    filtered_warp,
    halving_matrix,
    rotation_matrix,
    scaling_matrix,
    translation_matrix,
    warp,
)

SAID = json.loads((FOLDER / "ada.json").read_text())
BLIT, GEOMETRY = {"xflip", "rotate90", "xint"}, {"scale", "rotate", "aniso", "xfrac"}
INVERTED = {"xint", "scale", "aniso", "xfrac"}  # the authors state what is done to images, maps here run backwards


class Percentile(Draws):
    """What the authors' code draws for a test of its own: each part's value at one percentile, of some parts alone."""

    def __init__(self, x, parts, percentile):
        super().__init__(x, 1.0)
        self.parts, self.percentile = parts, percentile

    def all_of(self, part, value, axes=0):
        value = value if part in self.parts else 0.0
        return torch.full([self.n, axes] if axes else [self.n], float(-value if part in INVERTED else value))

    def choice(self, part, options, strength=1.0):
        return self.all_of(part, math.floor(options * self.percentile))

    def uniform(self, part, reach, strength=1.0, axes=0, halved=False):
        part, value = part.removesuffix(" after"), 0.0 if part.endswith(" after") else reach
        return self.all_of(part, value * (2 * self.percentile - 1), axes)

    def normal(self, part, spread, strength=1.0, axes=0, dtype=torch.float32):
        return self.all_of(part, spread * torch.erfinv(torch.tensor(2 * self.percentile - 1)).item(), axes)

    def place(self, part, strength, otherwise):
        return torch.full((self.n, 2), self.percentile if part in self.parts else otherwise)


@pytest.mark.parametrize("case", SAID["cases"], ids=lambda case: f"{'+'.join(case['arguments'])} {case['percentile']}")
def test_it_computes_what_the_authors_code_does(case):
    x = torch.from_numpy(np.sin(0.3 * np.arange(2 * 3 * 32 * 32) + 1).astype(np.float32)).view(2, 3, 32, 32)
    out = Pipe(cutout=1.0)(x, Percentile(x, case["arguments"], case["percentile"]))
    assert out.mean().item() == pytest.approx(case["mean"], abs=1e-5)
    assert out.std(correction=0).item() == pytest.approx(case["std"], abs=1e-5)
    torch.testing.assert_close(out.flatten()[case["indices"]], torch.tensor(case["values"]), rtol=1e-5, atol=1e-5)


def test_the_wavelet_is_the_authors_and_undoes_itself():
    assert [tap / 2**0.5 for tap in SYM6] == pytest.approx(SAID["sym6, sum 1"], rel=1e-6)
    x = torch.zeros(1)
    whole = halving_matrix(9, x) @ doubling_matrix(9, 3, x)
    torch.testing.assert_close(whole, torch.eye(9), rtol=0, atol=1e-6)


def test_filtered_warps_by_whole_pixels_are_those_of_pixels():
    x = torch.randn(3, 2, 8, 12, generator=torch.Generator().manual_seed(0))
    one, zero = torch.ones(3), torch.zeros(3)
    shifted = filtered_warp(x, translation_matrix(2 * one, zero))
    torch.testing.assert_close(shifted[..., :-2], x[..., 2:], rtol=0, atol=1e-5)
    torch.testing.assert_close(shifted[..., -2:], x[..., [-2, -3]], rtol=0, atol=1e-5)  # mirrored about the last pixel
    assert torch.equal(filtered_warp(x, rotation_matrix(zero)), x)


def test_margins_that_maps_need_and_all_there_can_be_give_the_same(monkeypatch):
    x = torch.randn(6, 3, 8, 12, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    matrix = Pipe().map(x, Draws(x, 0.5))
    needed = filtered_warp(x, matrix)
    monkeypatch.setattr("ganzoo.games.warping.margins", lambda matrix, height, width: (height - 1, width - 1))
    torch.testing.assert_close(filtered_warp(x, matrix), needed)


def test_shrinking_by_half_leaves_no_trace_of_the_finest_stripes_only_if_filtered():
    stripes = torch.tensor([1.0, -1]).repeat(16).expand(1, 1, 32, 32)
    matrix = scaling_matrix(torch.tensor([2.0]), torch.tensor([2.0])) @ translation_matrix(
        torch.tensor([0.25]), torch.zeros(1)
    )
    inner = slice(12, 20)
    plain, filtered = (each(stripes, matrix)[..., inner, inner].abs().mean().item() for each in (warp, filtered_warp))
    assert filtered < 0.1 * plain


@pytest.mark.parametrize(("factor", "field"), [(0.5, "colours"), (1.0, "colours"), (0.25, "cutout"), (0.5, "geometry")])
def test_a_factor_of_a_group_is_one_of_the_probability_of_each_part(factor, field):
    x, p = torch.rand(1, 3, 8, 8).expand(4000, 3, 8, 8), 0.4
    groups = {"blit": 0.0, "geometry": 0.0, "colours": 0.0, "cutout": 0.0, field: factor}
    out = Pipe(**groups)(x, Draws(x, p))
    changed = {
        "colours": 1 - (1 - p * factor) ** 4 * (1 - p * factor / 2),  # an inversion is none every other time
        "geometry": 1 - (1 - p * factor) ** 4,  # two turns count as one
        "cutout": p * factor,
    }
    same = (out == x).flatten(1).all(1).float().mean().item()
    assert 1 - same == pytest.approx(changed[field], abs=0.03)


def test_hue_keeps_grey_and_inverted_brightness_keeps_colour():
    grey = torch.rand(50, 1, 4, 4).expand(50, 3, 4, 4)
    pipe = Pipe(blit=0, geometry=0)

    class Only(Percentile):
        def choice(self, part, options, strength=1.0):
            return self.all_of(part, 1.0)

    torch.testing.assert_close(pipe(grey, Percentile(grey, ["hue", "saturation"], 0.8)), grey)
    x = torch.rand(2, 3, 4, 4)
    out = pipe(x, Only(x, ["lumaflip"], 0.8))
    torch.testing.assert_close(out.mean(1), -x.mean(1))
    torch.testing.assert_close(out - out.mean(1, keepdim=True), x - x.mean(1, keepdim=True))


def test_a_blank_square_takes_half_the_side_as_far_as_it_lies_inside():
    x = torch.ones(2, 1, 8, 8)
    blank = (cut_out(x, torch.tensor([[0.5, 0.5], [0.0, 0.5]])) == 0).sum((1, 2, 3))
    assert blank.tolist() == [16, 8]


def test_second_derivatives_pass_filtered_warps():
    x, pipe = torch.randn(4, 3, 8, 8, requires_grad=True), Pipe(cutout=1.0)
    torch.manual_seed(0)
    (slope,) = torch.autograd.grad(pipe(x, Draws(x, 1.0)).pow(3).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(slope.square().sum(), x)
    assert second.isfinite().all()
    assert (second != 0).any()
