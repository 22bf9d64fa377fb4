"""Generated solids of voxels."""

import pytest
import torch

from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import VOXELS
from ganzoo.data import Solids


@pytest.fixture(scope="module")
def solids():
    return Solids(size=24, samples=200)


def test_classes_take_turns_and_solids_stand_on_the_floor(solids):
    x, y = solids.split("train")
    assert (solids.kind, x.shape, x.dtype) == (VOXELS, (200, 1, 24, 24, 24), torch.uint8)
    assert [solids.class_names[label] for label in y[:6]] == ["box", "ball", "cylinder", "cone", "ring", "box"]
    full = x[:, 0] > 0
    assert full[:, :, -1].flatten(1)[y != 1].any(1).all()  # a ball touches the floor in a point
    assert full[:, :, -2:].flatten(1).any(1).all()
    assert not full[:, [0, -1]].any()  # and they do not reach the walls
    assert not full[..., [0, -1]].any()


def test_solids_have_the_forms_that_their_classes_say(solids):
    x, y = solids.split("train")
    full = x[:, 0] > 0
    layers = full.flatten(2).sum(2), full.sum((1, 3))  # voxels by depth, and by height
    by_height = layers[1].float()
    top = full.any(3).any(1).float().argmax(1)
    for i in range(60):
        slices = by_height[i, top[i] :]
        name = solids.class_names[int(y[i])]
        if name in ("box", "cylinder"):
            assert (slices == slices[0]).all()
        elif name == "cone":
            assert slices[-1] > 4 * slices[0]
        elif name == "ball":
            assert slices.argmax() not in (0, len(slices) - 1)
    rings, balls = (by_height[y == label].sum(1).mean() for label in (4, 1))
    assert rings < balls
    centre = full[y == 4][:, 12, :, 12]
    assert centre.any(1).float().mean() < 0.2  # the hole


def test_splits_and_seeds_differ_and_all_is_the_same_again(solids):
    x, _ = solids.split("train")
    assert torch.equal(x, Solids(size=24, samples=200).split("train")[0])
    assert not torch.equal(x[:100], Solids(size=24, samples=100, seed=1).split("train")[0])
    test, labels = solids.split("test")
    assert (len(test), labels.bincount().tolist()) == (500, [100] * 5)
    assert not torch.equal(test[:200], x)


def test_batches_are_full_at_one_and_empty_at_minus_one(solids):
    x, _ = next(iter(solids.val_dataloader()))
    assert {*x.unique().tolist()} == {-1.0, 1.0}


def test_too_small_a_room_is_refused():
    with pytest.raises(GanzooError, match=r"^data\.size"):
        Solids(size=7)
