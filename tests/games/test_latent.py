"""Ways between latent vectors, sums of them, and the commands that draw these."""

import sys
from math import pi

import numpy as np
import pytest
import torch
from commands import ganzoo
from PIL import Image
from tiny import conditional, conv, mlp
from torch import tensor
from torch.testing import assert_close

from ganzoo import GanzooError
from ganzoo.drawing import movies
from ganzoo.games.interpolation import (
    INTERPOLATIONS,
    combine,
    interpolate,
    latents_of_seeds,
    lerp,
    slerp,
    walk,
)
from ganzoo.tools.arguments import seed_list

T = torch.linspace(0, 1, 9)


def angles(z, a):
    """Angles between vectors (N, T, D) and (N, D)."""
    z, a = z.double(), a.double()[:, None].expand_as(z)
    return torch.atan2(
        (z / z.norm(dim=2, keepdim=True) - a / a.norm(dim=2, keepdim=True)).norm(dim=2) / 2,
        (z / z.norm(dim=2, keepdim=True) + a / a.norm(dim=2, keepdim=True)).norm(dim=2) / 2,
    ).mul(2)


@pytest.mark.parametrize("mode", INTERPOLATIONS)
def test_a_way_begins_and_ends_where_it_is_to_and_can_be_gone_back(mode):
    a, b = torch.randn(2, 5, 7)
    between = INTERPOLATIONS[mode](a, b, T)
    assert between.shape == (5, 9, 7)
    assert_close(between[:, 0], a)
    assert_close(between[:, -1], b)
    assert_close(INTERPOLATIONS[mode](b, a, T).flip(1), between)
    maps = INTERPOLATIONS[mode](a.view(5, 1, 7, 1), b.view(5, 1, 7, 1), T)
    assert_close(maps.flatten(2), between)


def test_a_straight_way_is_gone_at_a_constant_rate():
    a, b = torch.randn(2, 5, 7)
    assert_close(lerp(a, b, tensor([0.25]))[:, 0], 0.75 * a + 0.25 * b)


def test_an_arc_turns_and_grows_at_constant_rates():
    a, b = torch.randn(2, 5, 7)
    arc = slerp(a, b, T)
    assert_close(arc.norm(dim=2), lerp(a.norm(dim=1), b.norm(dim=1), T))
    whole = angles(b[:, None], a)
    assert_close(angles(arc, a), whole * T.double(), atol=1e-6, rtol=1e-5)


def test_between_vectors_of_one_length_an_arc_is_whites_formula():
    a, b = torch.nn.functional.normalize(torch.randn(2, 5, 7), dim=2) * 3
    omega = torch.acos((a * b).sum(1, keepdim=True) / 9)[:, None]
    t = T[:, None]
    formula = (torch.sin((1 - t) * omega) * a[:, None] + torch.sin(t * omega) * b[:, None]) / torch.sin(omega)
    assert_close(slerp(a, b, T), formula, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("nudge", [0.0, 1e-9, 1e-5, 1e-3])
def test_between_opposite_vectors_the_arc_is_half_a_circle(nudge):
    a = torch.randn(5, 7)
    b = -2 * a + nudge * torch.randn(5, 7)
    arc = slerp(a, b, T)
    assert_close(arc[:, -1], b, atol=1e-5, rtol=1e-5)
    assert_close(arc.norm(dim=2), lerp(a.norm(dim=1), b.norm(dim=1), T))
    assert_close(angles(arc, a)[:, 4], torch.full((5,), pi / 2).double(), atol=1e-2, rtol=0)
    assert_close(slerp(b, a, T).flip(1), arc, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("factor", [0.0, 1.0, 2.5])
def test_between_parallel_vectors_or_with_a_zero_vector_the_arc_is_straight(factor):
    a = torch.randn(5, 7)
    assert_close(slerp(a, factor * a, T), lerp(a, factor * a, T))
    assert_close(slerp(factor * a, a, T), lerp(factor * a, a, T))
    one = tensor([[1.0], [0.0], [2.0]])
    assert_close(slerp(one, -one, T), lerp(one, -one, T))  # one dimension has no room for an arc
    assert slerp(0 * a, 0 * a, T).eq(0).all()


def test_a_seed_stands_for_the_first_image_that_it_draws():
    model = conv()
    z = latents_of_seeds(model, [3, 14, 3])
    assert z[0].equal(z[2])
    assert_close(model.render(z[:1]), model.sample(1, seed=3))
    assert_close(latents_of_seeds(model, [3], 0.5), 0.5 * z[:1])


def test_images_between_others_keep_their_labels():
    model = conditional()
    a, b = model.latent(4, seed=1).split(2)
    between = interpolate(model, a, b, 5, y=tensor([2, 0]))
    assert between.shape == (2, 5, 1, 8, 8)
    assert_close(between[:, 0], model.render(a, tensor([2, 0])))
    assert_close(between[:, -1], model.render(b, tensor([2, 0])))
    assert_close(interpolate(model, a, b, 5), interpolate(model, a, b, 5, "spherical", tensor([0, 1])))


def test_a_walk_goes_from_stop_to_stop_and_back_if_asked():
    model = conditional()
    stops, z = model.space.raw(3, seed=1), model.latent(3, seed=1)
    there = walk(model, stops, 4, y=tensor([2, 0]))
    assert_close(there, interpolate(model, z[:2], z[1:], 4, y=tensor([2, 0])))
    loop = walk(model, stops, 4, "linear", truncation=0.5, loop=True)
    assert_close(loop, interpolate(model, 0.5 * z, 0.5 * z.roll(-1, 0), 4, "linear"))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"steps": 1}, "at least 2"), ({"mode": "cubic"}, "linear, spherical"), ({"y": [0, 1]}, "labels")],
)
def test_ways_that_cannot_be_gone(wrong, told):
    model = conv()
    with pytest.raises(GanzooError, match=told):
        interpolate(model, model.latent(2), model.latent(2), **wrong)


def test_a_sum_of_means_is_the_papers():
    plus, minus, base = tensor([[1.0, 2.0], [3.0, 4.0]]), tensor([[1.0, 1.0]]), tensor([[10.0, 0.0], [20.0, 0.0]])
    assert combine(plus, minus, base).tolist() == [[16.0, 2.0]]
    assert combine(plus, minus).tolist() == [[1.0, 2.0]]
    assert_close(combine(plus, plus, base), base.mean(0, keepdim=True))  # what is added and taken away changes nothing


@pytest.mark.parametrize(
    ("text", "seeds"), [("3", [3]), ("0-3", [0, 1, 2, 3]), ("1,4-6,2", [1, 4, 5, 6, 2]), ("7-7", [7])]
)
def test_seeds_may_be_ranges(text, seeds):
    assert seed_list([text]) == seeds


def draw(digits_run, *words):
    said = ganzoo(words[0], digits_run.folder / "export", *words[1:])
    assert (said.status, said.err) == (0, "")
    return Image.open(said.out.strip())


def test_interpolate_draws_a_row_for_each_pair(digits_run, tmp_path):
    strip = draw(digits_run, "interpolate", "--seeds", "0-2", 7, "--steps", 5, "-o", tmp_path / "strip.png")
    assert strip.size == (5 * 66 - 2, 3 * 66 - 2)
    looped = draw(digits_run, "interpolate", "--seeds", "0-2", 7, "--steps", 5, "--loop", "-o", tmp_path / "loop.png")
    assert looped.size == (5 * 66 - 2, 4 * 66 - 2)
    pixels = np.asarray(looped)
    assert np.array_equal(pixels[: strip.height], np.asarray(strip))
    assert np.array_equal(pixels[-64:, -64:], pixels[:64, :64])  # it ends where it began
    assert np.array_equal(pixels[:64, -64:], pixels[66:130, :64])  # a row goes on where the last one ended


def test_interpolate_starts_from_the_images_that_sample_draws(digits_run, tmp_path):
    strip = np.asarray(draw(digits_run, "interpolate", "-n", 3, "--seed", 5, "-o", tmp_path / "strip.png"))
    row = np.asarray(draw(digits_run, "sample", "-n", 4, "--seed", 5, "-o", tmp_path / "grid.png"))
    assert np.array_equal(strip[:64, :64], row[:64, :64])
    assert np.array_equal(strip[:64, -64:], row[:64, 66:])


def test_a_gif_goes_round(digits_run, tmp_path):
    words = ["interpolate", "--seeds", "0-2", "--steps", 4, "--fps", 10]
    movie = draw(digits_run, *words, "--loop", "-o", tmp_path / "loop.gif")
    assert (movie.n_frames, movie.size, movie.info["loop"], movie.info["duration"]) == (12, (64, 64), 0, 100)
    there = draw(digits_run, *words, "-o", tmp_path / "there.gif")
    assert there.n_frames == 9
    strip = np.asarray(draw(digits_run, *words[:3], "--steps", 5, "-o", tmp_path / "strip.png"))
    for frame in range(5):  # the first leg, whose end is the next one's start
        there.seek(frame)
        assert np.array_equal(np.asarray(there.convert("L")), strip[:64, 66 * frame : 66 * frame + 64])


def test_an_mp4_shows_the_same_frames(tmp_path):
    from imageio_ffmpeg import read_frames

    shades = [40, 120, 200]
    path = tmp_path / "movie.mp4"
    movies.save_movie([Image.new("L", (63, 64), shade) for shade in shades], path, fps=5)
    about, *frames = read_frames(str(path))
    assert (about["size"], about["fps"], len(frames)) == ((64, 64), 5, 3)
    for shade, frame in zip(shades, frames, strict=True):
        pixels = np.frombuffer(frame, np.uint8).reshape(64, 64, 3)
        assert abs(pixels[:, :60].astype(float) - shade).max() < 8


def test_an_mp4_without_its_package_is_told_in_one_line(digits_run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    error = ganzoo("interpolate", digits_run.folder / "export", "-o", tmp_path / "a.mp4").error
    assert "pip install imageio-ffmpeg" in error
    assert not (tmp_path / "a.mp4").exists()


def test_classes_stand_side_by_side_in_a_movie_and_take_turns_in_a_picture(tmp_path, monkeypatch):
    model = conditional()
    monkeypatch.setattr("ganzoo.checkpoints.loading.load", lambda *_, **__: model)
    movie = Image.open(ganzoo("interpolate", "x", "-n", 2, "--steps", 3, "-o", tmp_path / "a.gif").out.strip())
    assert (movie.n_frames, movie.size) == (4, (3 * 66 - 2, 64))
    rows = ganzoo("interpolate", "x", "-n", 3, "--steps", 3, "--labels", 2, "-o", tmp_path / "a.png").out.strip()
    z = model.latent(3, seed=0)
    first = model.render(z, torch.full((3,), 2))[0, 0, 0, 0]
    assert np.asarray(Image.open(rows))[0, 0] == round((float(first) + 1) * 127.5)
    assert "0 to 2" in ganzoo("interpolate", "x", "--labels", 3, "-o", tmp_path / "b.gif").error


def test_a_sum_has_a_row_for_each_term(digits_run, tmp_path):
    words = ["arithmetic", "--plus", "1-3", "--minus", 4, "5"]
    without = draw(digits_run, *words, "-o", tmp_path / "a.png")
    whole = draw(digits_run, *words, "--base", 6, "-o", tmp_path / "b.png")
    assert whole.height > without.height
    nothing = np.asarray(
        draw(digits_run, "arithmetic", "--plus", 1, "--minus", 1, "--base", 6, "-o", tmp_path / "c.png")
    )
    top, bottom = nothing[24:88, -88:-24], nothing[-88:-24, -88:-24]
    assert np.array_equal(top, bottom)  # the base itself
    assert top.std() > 0


def test_truncation_factors_make_a_sheet_and_seeds_name_files(digits_run, tmp_path):
    sheet = draw(digits_run, "sample", "-n", 3, "--truncation", 0, 0.5, 1, "-o", tmp_path / "sheet.png")
    pixels = np.asarray(sheet)
    images = [pixels[24:88, sheet.width - 24 - 64 - 66 * i :][:, :64] for i in range(3)]
    assert np.array_equal(images[0], images[1])  # at 0 all are alike
    assert np.array_equal(images[0], images[2])
    array = tmp_path / "a.npz"
    assert ganzoo("sample", digits_run.folder / "export", "-n", 3, "--truncation", 0, 1, "--npz", array).status == 0
    assert np.load(array)["samples"].shape == (6, 8, 8, 1)
    assert ganzoo("sample", digits_run.folder / "export", "--seeds", "3,12000", "-o", tmp_path / "by seed").status == 0
    assert sorted(path.name for path in (tmp_path / "by seed").iterdir()) == ["00003.png", "12000.png"]
    one = draw(digits_run, "sample", "-n", 1, "--seed", 3, "-o", tmp_path / "one.png").resize((8, 8), 0)
    assert np.array_equal(np.asarray(one), np.asarray(Image.open(tmp_path / "by seed" / "00003.png")))


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["interpolate", "--seeds", "3"], ["--seeds", "at least 2 stops"]),
        (["interpolate", "-n", "1"], ["-n", "at least 2 stops"]),
        (["interpolate", "--steps", "1"], ["steps", "at least 2"]),
        (["interpolate", "--fps", "0", "-o", "a.gif"], ["--fps", "above 0"]),
        (["interpolate", "--mode", "round"], ["--mode", "spherical"]),
        (["interpolate", "--seeds", "5-3"], ["--seeds", "'5-3'"]),
        (["interpolate", "--seeds", "1-2", "--seed", "3"], ["not allowed with"]),
        (["interpolate", "--labels", "3"], ["labels: ", "unconditional"]),
        (["interpolate", "-o", "a.webm"], ["a.webm"]),
        (["arithmetic", "--plus", "1"], ["--minus"]),
        (["arithmetic", "--plus", "1", "--minus", "2", "--label", "1"], ["--label: ", "unconditional"]),
    ],
)
def test_what_cannot_be_drawn(digits_run, tmp_path, monkeypatch, words, parts):
    monkeypatch.chdir(tmp_path)
    error = ganzoo(words[0], digits_run.folder / "export", *words[1:]).error
    assert [part for part in parts if part not in error] == [], error
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    "words", [["interpolate"], ["arithmetic", "--plus", "1", "--minus", "2"], ["factorise", "--directions", "2"]]
)
def test_points_are_no_images(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ganzoo.checkpoints.loading.load", lambda *_, **__: mlp())
    assert "for images" in ganzoo(words[0], "x", *words[1:]).error
    assert [*tmp_path.iterdir()] == []
