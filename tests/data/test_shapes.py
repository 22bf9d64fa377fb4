"""Generated shapes of voxels by classes."""

import pytest
import torch
from scipy.ndimage import label

from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import VOXELS
from ganzoo.data import Shapes


@pytest.fixture(scope="module")
def data():
    return Shapes(size=32, samples=128)


def full(data, name, split="train"):
    """Which voxels of a class's shapes are full, (N, D, H, W)."""
    x, y = data.split(split)
    return x[y == data.class_names.index(name), 0] > 0


def test_classes_take_turns_among_bytes_of_full_and_empty_voxels(data):
    x, y = data.split("train")
    assert (data.kind, x.shape, x.dtype) == (VOXELS, (128, 1, 32, 32, 32), torch.uint8)
    assert data.class_names == ("box", "ball", "cylinder", "cone", "ring", "chair", "table", "lamp")
    assert y[:9].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0]
    assert {*x.unique().tolist()} == {0, 255}


@pytest.mark.parametrize(("size", "turns"), [(16, 4), (32, 0), (32, 4)])
def test_every_shape_is_in_one_piece_stands_on_the_floor_and_keeps_from_the_walls(size, turns):
    shapes = Shapes(size=size, samples=160, turns=turns).split("train")[0][:, 0] > 0
    assert {label(shape.numpy())[1] for shape in shapes} == {1}  # by faces
    assert shapes[:, :, -1].flatten(1).any(1).float().mean() > 0.95  # a ball may touch it in a point
    assert shapes[:, :, -2].flatten(1).any(1).all()
    assert not shapes[:, [0, -1]].any()
    assert not shapes[..., [0, -1]].any()


def test_furniture_has_the_parts_that_its_class_says():
    data = Shapes(size=32, samples=320, turns=1)
    chairs, tables, lamps = (full(data, name) for name in ("chair", "table", "lamp"))
    heights = lambda shapes: shapes.flatten(3).sum((1, 3))  # noqa: E731  # voxels of each layer from the top down
    for chair in chairs:
        top = chair.any(2).any(0).float().argmax()
        assert chair[:, top].any(1).nonzero().min() > 15  # the back is behind, D runs from front to back
        assert chair[:16].any(2).any(0).float().argmax() >= top + 2  # seat and arms, in front of it, are lower
    for table, layers in zip(tables, heights(tables), strict=True):
        top = int(table.any(2).any(0).float().argmax())
        assert layers[top] == layers.max()  # the plate is the widest of all
        assert layers[top + 5 : -4].max() < layers[top] / 3  # over thin legs
    for lamp, layers in zip(lamps, heights(lamps), strict=True):
        top = int(lamp.any(2).any(0).float().argmax())
        shade = layers[top : top + 5]
        assert (shade[1:] >= shade[:-1]).all()  # wider below
        assert layers[20:26].min() <= 16  # a thin pole


def test_chairs_have_four_legs_or_one(data):
    feet = [label(shape[:, -2].numpy())[1] for shape in full(Shapes(32, 320, 1), "chair")]
    assert {*feet} == {1, 4}
    assert 0.1 < feet.count(1) / len(feet) < 0.5


def test_quarter_turns_are_exact_and_angles_are_free():
    still, turned = (full(Shapes(32, 320, turns), "chair") for turns in (1, 4))
    found = set()
    for one, other in zip(still, turned, strict=True):
        quarters = [k for k in range(4) if torch.rot90(one, k, (0, 2)).ne(other).sum() <= 0.1 * one.sum()]
        assert quarters
        found |= {*quarters}
    assert found == {0, 1, 2, 3}
    free = full(Shapes(32, 320, 0), "chair")
    assert any(
        all(torch.rot90(a, k, (0, 2)).ne(b).sum() > 0.3 * a.sum() for k in range(4))
        for a, b in zip(still, free, strict=True)
    )


def test_shapes_are_the_same_by_seed_and_their_own_whatever_their_number(data):
    x, _ = data.split("train")
    assert torch.equal(x, Shapes(size=32, samples=128).split("train")[0])
    assert torch.equal(x[:40], Shapes(size=32, samples=40).split("train")[0])
    assert not torch.equal(x, Shapes(size=32, samples=128, seed=1).split("train")[0])


def test_the_test_split_holds_fresh_shapes_of_all_classes():
    data = Shapes(size=16, samples=600)
    (x, y), (test, labels) = data.split("train"), data.split("test")
    assert labels.bincount().tolist() == [75] * 8
    assert not torch.equal(test, x)
    volume = lambda shapes, of: shapes[of == 5].gt(0).float().mean().item()  # noqa: E731
    assert volume(test, labels) == pytest.approx(volume(x, y), rel=0.1)


@pytest.mark.parametrize(
    ("options", "field"), [({"size": 15}, "size"), ({"samples": 0}, "samples"), ({"turns": -1}, "turns")]
)
def test_senseless_numbers_are_refused(options, field):
    with pytest.raises(GanzooError, match=rf"^data\.{field}"):
        Shapes(**options)
