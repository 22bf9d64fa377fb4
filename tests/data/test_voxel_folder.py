"""Folders of meshes and voxels, and files that must be refused."""

import zipfile

import numpy as np
import pytest
import torch

from ganzoo.common.errors import GanzooError
from ganzoo.data import Shapes, VoxelFolder, voxel_files
from ganzoo.drawing.solids import save_solids

CORNER = np.zeros((6, 6, 6), bool)
CORNER[:4, :2, :1] = True  # x long, y less, z least


def only(folder, **options):
    """The one solid of a folder, as which voxels are full (D, H, W)."""
    x, labels = VoxelFolder(str(folder), **{"size": 16} | options).split("train")
    assert (len(x), x.dtype, labels) == (1, torch.uint8, None)
    assert {*x.unique().tolist()} <= {0, 255}
    return x[0, 0] > 0


def test_what_is_drawn_can_be_read_back_from_mesh_and_array(tmp_path):
    pytest.importorskip("trimesh")
    x = Shapes(size=16, samples=8, turns=1).split("train")[0].float() / 127.5 - 1
    for place, name in ((tmp_path / "mesh", "x.obj"), (tmp_path / "array", "x.npz")):
        place.mkdir()
        save_solids(x[5:6], place / name) if name == "x.obj" else np.savez(place / name, samples=x[5:6].numpy())
    chair = x[5, 0] > 0
    assert only(tmp_path / "array").equal(chair)
    mesh = only(tmp_path / "mesh")  # as large as fits
    assert mesh[:, -1].any()  # on the floor
    spans = [mesh.flatten(0, 1).any(0), mesh.transpose(0, 1).flatten(1).any(1), mesh.flatten(1).any(1)]
    assert 13 <= max(int(span.sum()) for span in spans) <= 15
    top = mesh.any(2).any(0).float().argmax()
    assert mesh[:, top].any(1).nonzero().min() > 6  # its back is behind


@pytest.mark.parametrize("ending", [".off", ".stl", ".ply", ".glb", ".obj"])
def test_meshes_are_filled_and_stand_in_the_middle_of_the_floor(tmp_path, ending):
    trimesh = pytest.importorskip("trimesh")
    trimesh.creation.box((2, 4, 1)).export(tmp_path / f"box{ending}")
    full = only(tmp_path)
    depth, height, width = (int(full.transpose(0, axis).flatten(1).any(1).sum()) for axis in range(3))
    assert (height, width, depth) == (pytest.approx(14, abs=1), pytest.approx(7, abs=1), pytest.approx(4, abs=1))
    assert int(full.sum()) == height * width * depth  # filled
    assert full[:, -1].any()
    assert abs(float(full.nonzero()[:, 2].float().mean()) - 7.5) <= 1
    lying = only(tmp_path, up="z")
    assert int(lying.transpose(0, 1).flatten(1).any(1).sum()) <= 5  # the short axis is up then


def test_axes_of_arrays_become_those_of_the_house(tmp_path):
    np.save(tmp_path / "x.npy", CORNER)
    full = only(tmp_path, size=8, up="y")
    scaled = only(tmp_path, size=12)
    assert scaled[-2:, -4:, :8].all()  # front is z's end; every voxel eight
    assert int(scaled.sum()) == 8 * CORNER.sum()
    assert full.any()
    up_z = only(tmp_path, size=12, up="z")
    assert up_z[:4, -2:, :8].all()


def test_packed_bits_of_an_npz_file_are_classes_by_its_arrays(tmp_path):
    solids = np.random.default_rng(0).random((9, 8, 8, 8)) < 0.5
    packed = np.packbits(solids.reshape(9, -1), 1)
    np.savez(tmp_path / "two.npz", monitor=packed[:4], chair=packed[4:])
    data = VoxelFolder(str(tmp_path / "two.npz"), size=8, up="z", held_out=0.4)
    (x, y), (test, labels) = data.split("train"), data.split("test")
    assert (data.class_names, data.n_classes, data.title) == (("chair", "monitor"), 2, "two")
    assert torch.cat([y, labels]).bincount().tolist() == [5, 4]
    assert 0 < len(test) < 9
    expected = {solid.transpose(1, 2, 0)[:, ::-1].tobytes() for solid in solids}
    assert {solid.numpy().tobytes() for solid in torch.cat([x, test])[:, 0] > 0} == expected


def test_folders_are_classes_and_splits(tmp_path):
    for number, place in enumerate(("chair/train", "chair/test", "lamp/train", "lamp/train/more")):
        (tmp_path / place).mkdir(parents=True)
        np.save(tmp_path / place / "x.npy", np.ones((number + 1, 8, 8, 8), bool))
    data = VoxelFolder(str(tmp_path), size=8)
    (_, y), (_, labels) = data.split("train"), data.split("test")
    assert (data.class_names, data.reference) == (("chair", "lamp"), "test")
    assert (y.tolist(), labels.tolist()) == ([0] + [1] * 7, [0] * 2)


def bomb(path):
    """A file of a few bytes whose header promises a terabyte."""
    with zipfile.ZipFile(path, "w") as archive, archive.open("x.npy", "w") as member:
        header = {"descr": "|u1", "fortran_order": False, "shape": (10_000, 1000, 1000, 100)}
        np.lib.format.write_array_header_1_0(member, header)


HOSTILE = {
    "empty.off": (lambda p: p.write_bytes(b""), "no mesh"),
    "noise.stl": (lambda p: p.write_bytes(bytes(range(256)) * 4), "no mesh|no faces|corners|voxelised"),
    "text.obj": (lambda p: p.write_text("hello\n"), "no mesh|no faces"),
    "far.off": (lambda p: p.write_text("OFF\n3 1 0\n0 0 0\n1 0 nan\n0 1 0\n3 0 1 2\n"), "no mesh|corners"),
    "point.off": (lambda p: p.write_text("OFF\n3 1 0\n0 0 0\n0 0 0\n0 0 0\n3 0 1 2\n"), "all in one place"),
    "missing.off": (lambda p: p.write_text("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 7\n"), "no mesh|corners"),
    "cut.npy": (lambda p: (np.save(p, CORNER), p.write_bytes(p.read_bytes()[:150])), "cut off"),
    "short.npz": (lambda p: p.write_bytes(b"PK\x03\x04"), "damaged"),
    "bomb.npz": (bomb, "too large"),
    "objects.npy": (lambda p: np.save(p, np.array([{}], dtype=object), allow_pickle=True), "no numbers"),
    "flat.npy": (lambda p: np.save(p, np.ones((3, 5))), r"has shape \(3, 5\)"),
    "thin.npy": (lambda p: np.save(p, np.ones((1, 1, 2000), bool)), "sides of 1 to 512"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_damaged_empty_or_huge_is_refused_in_a_line(tmp_path, name):
    write, words = HOSTILE[name]
    write(tmp_path / name)
    with pytest.raises(GanzooError, match=words) as caught:
        VoxelFolder(str(tmp_path), size=16).split("train")
    assert str(caught.value).startswith(f"data.root: {name}")
    assert "\n" not in str(caught.value)


def test_large_meshes_are_not_opened(tmp_path, monkeypatch):
    trimesh = pytest.importorskip("trimesh")
    trimesh.creation.icosphere(2).export(tmp_path / "ball.off")
    monkeypatch.setattr(voxel_files, "MOST_FACES", 100)
    with pytest.raises(GanzooError, match="320 faces, more than 100"):
        only(tmp_path)
    monkeypatch.setattr(voxel_files, "LARGEST_FILE", 2**10)
    with pytest.raises(GanzooError, match="is larger than"):
        only(tmp_path)


def test_senseless_arguments_and_empty_folders_are_refused(tmp_path):
    for options, words in (
        ({}, "no solids in"),
        ({"root": str(tmp_path / "nothing")}, "does not exist"),
        ({"up": "x"}, "'x' given"),
        ({"held_out": 1.0}, "below 1"),
        ({"size": 4}, r"^data\.size"),
    ):
        with pytest.raises(GanzooError, match=words):
            VoxelFolder(**{"root": str(tmp_path)} | options).split("train")
