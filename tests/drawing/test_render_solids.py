"""Renderings and meshes of voxels."""

import pytest
import torch
from PIL import Image
from readers import is_closed, read_obj, volume

from ganzoo.drawing.solids import render_solids, save_solids


def solid(*slices):
    x = -torch.ones(1, 1, 4, 5, 6)  # D, H, W
    x[(0, 0, *slices)] = 1
    return x


BOX = (slice(1, 3), slice(2, 4), slice(1, 5))  # 2 x 2 x 4


def test_a_mesh_is_closed_and_holds_the_voxels(tmp_path):
    one, two = solid(*BOX), solid(0, 0, 0)
    two[0, 0, 1, 1, 1] = 0.5  # meets the other voxel in a corner only
    save_solids(torch.cat([one, two]), tmp_path / "two.obj")
    corners, objects = read_obj(tmp_path / "two.obj")
    box, pair = objects.values()
    assert [*objects] == ["sample_0000", "sample_0001"]
    assert is_closed(box)
    assert is_closed(pair)
    assert (volume(corners, box), len(box)) == (16, 2 * (4 + 8 + 8))
    assert (volume(corners, pair), len(pair)) == (2, 12)
    assert (
        len(corners) == 3 * 3 * 5 - 1 * 1 * 3 + 15
    )  # none twice: the one inside the box is none, the shared one is one
    assert Image.open(tmp_path / "two.png").size == (2 * 128 + 2, 128)


def test_axes_are_right_up_and_to_the_front(tmp_path):
    save_solids(solid(0, 0, 5), tmp_path / "corner.obj")  # front, top, right
    corners, _ = read_obj(tmp_path / "corner.obj")
    assert [(min(axis), max(axis)) for axis in zip(*corners, strict=True)] == [(5, 6), (4, 5), (3, 4)]


def test_a_rendering_shows_where_the_solid_is_and_lights_its_top():
    place = {
        name: render_solids(solid(*where))[0]
        for name, where in {
            "left": (slice(None), slice(None), slice(0, 2)),
            "right": (slice(None), slice(None), slice(4, 6)),
            "top": (slice(None), slice(0, 2), slice(None)),
            "nothing": (slice(0, 0), 0, 0),
        }.items()
    }
    blue = {name: (image[2] - image[0] > 0.2).nonzero().float() for name, image in place.items()}
    assert len(blue["nothing"]) == 0
    assert blue["left"][:, 1].mean() < 55 < 73 < blue["right"][:, 1].mean()
    image = place["top"].mean(0)
    rows, columns = blue["top"].long().T
    light = image[rows, columns]
    bright, dark = (rows[half].float().mean() for half in (light > light.median(), light <= light.median()))
    assert bright < dark - 5  # the top is in the light, sides are in the shade
    assert -1 <= float(place["left"].min()) < float(place["left"].max()) == pytest.approx(1)


def test_the_floor_lies_in_the_shadow_of_what_is_above_it():
    empty, full = render_solids(-torch.ones(1, 1, 8, 8, 8))[0], render_solids(solid(*BOX))[0]
    assert empty.max() == 1
    assert 0.9 < empty.min() < 1  # the floor alone
    grey = (full.max(0).values - full.min(0).values < 1e-4) & (full[0] < 0.85)
    assert grey.sum() > 100
