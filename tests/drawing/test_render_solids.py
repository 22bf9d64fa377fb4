"""Renderings and meshes of voxels."""

import pytest
import torch
from PIL import Image
from readers import is_closed, read_obj, volume

from ganzoo.drawing import solids as drawing
from ganzoo.drawing.solids import AZIMUTH, TURNS, render_solids, save_solids, save_turning


def solid(*slices):
    x = -torch.ones(1, 1, 4, 5, 6)  # D, H, W
    x[(0, 0, *slices)] = 1
    return x


BOX = (slice(1, 3), slice(2, 4), slice(1, 5))  # 2 x 2 x 4


@pytest.fixture
def blocky(monkeypatch):
    """A machine without scikit-image."""
    monkeypatch.setattr(drawing, "find_spec", lambda name: None)


def test_a_mesh_is_closed_and_holds_the_voxels(tmp_path, blocky):
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


def test_axes_are_right_up_and_to_the_front(tmp_path, blocky):
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


def test_a_smooth_mesh_is_closed_goes_between_voxels_and_looks_outwards(tmp_path):
    pytest.importorskip("skimage")
    box, soft, nothing = solid(*BOX), solid(*BOX), -torch.ones(1, 1, 4, 5, 6)
    box[0, 0, 0, 0, 0] = 0.5  # at the edge of the room
    soft[soft < 0] = -0.5  # from 1 to -0.5 the way to 0 is longer
    save_solids(torch.cat([box, soft, nothing]), tmp_path / "three.obj")
    corners, objects = read_obj(tmp_path / "three.obj")
    sharp, wide, empty = objects.values()
    assert not empty
    assert is_closed(sharp)
    assert is_closed(wide)
    assert all(len(face) == 3 for face in sharp)
    assert 0.7 * 16 < volume(corners, sharp) < 16.5  # with its corners cut off
    assert volume(corners, wide) > 1.2 * volume(corners, sharp)
    place = [corners[index] for face in sharp for index in face]
    low, high = zip(*((min(axis), max(axis)) for axis in zip(*place, strict=True)), strict=True)
    # the box is at x 1 to 5, y 1 to 3 and z 1 to 3, and the voxel on its own at x 0 to 1, y 4 to 5, z 3 to 4
    assert low == pytest.approx((0.5 - 1 / 3, 1, 1), abs=0.01)
    assert high == pytest.approx((5, 4.5 + 1 / 3, 3.5 + 1 / 3), abs=0.01)


def test_a_turning_solid_is_seen_from_all_sides_in_one_light(tmp_path):
    flag = solid(slice(1, 2), slice(None), slice(0, 3))  # in front at the left
    save_turning(flag, tmp_path / "turn.gif")
    with Image.open(tmp_path / "turn.gif") as movie:
        assert movie.n_frames == TURNS
        assert movie.size == (96, 96)
    column = []
    for quarter in range(4):
        image = render_solids(flag, 96, AZIMUTH + quarter * torch.pi / 2)[0]
        column.append((image[2] - image[0] > 0.2).nonzero()[:, 1].float().mean().item())
    assert max(column) - min(column) > 10  # it goes round
    cube = solid(slice(0, 4), slice(0, 4), slice(1, 5))[..., :4, 1:5]
    views = [render_solids(cube, 64, AZIMUTH + quarter * torch.pi / 2) for quarter in range(4)]
    assert all((view - views[0]).abs().mean() < 0.02 for view in views)  # all of a cube's sides look alike
