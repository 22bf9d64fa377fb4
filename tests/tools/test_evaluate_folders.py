"""`ganzoo evaluate` of folders of solids, tunes and clips: what is in them, how it is compared, and what is refused."""

import json

import numpy as np
import pytest
import torch
from commands import ganzoo
from PIL import Image

from ganzoo.common.kinds import IMAGES, MUSIC, VIDEO, VOXELS
from ganzoo.data import Shapes
from ganzoo.data.folders import kind_of_folder
from ganzoo.drawing.save import write_samples

BRIEF = ("--bootstrap", 0)


def scores(*words, out):
    """The scores of a command by their names, and its conditions."""
    said = ganzoo("evaluate", *words, *BRIEF, "-o", out)
    assert said.status == 0, said.err
    report = json.loads(out.read_text())
    return {key.partition("[")[0]: value for key, value in report["scores"].items()}, report["conditions"]


def solids(split, count, size=16):
    return Shapes(size=size).split(split)[0][:count].float() / 127.5 - 1


def clips(count, speed, start=0):
    """Clips of a bright bar that moves so many pixels a frame, on grey."""
    x = torch.zeros(count, 3, 8, 32, 32)
    for number in range(count):
        for time in range(8):
            left = (start + 3 * number + speed * time) % 28
            x[number, :, time, :, left : left + 4] = 1
    return x


def test_solids_in_files_are_compared_with_others(tmp_path):
    for name, split in (("made", "train"), ("real", "test")):
        np.save(tmp_path / f"{name}.npy", solids(split, 12).numpy())
    values, conditions = scores(
        tmp_path / "made.npy", "--data", tmp_path / "real.npy", "--size", 16, out=tmp_path / "a.json"
    )
    assert set(values) == {"jsd", "mmd_iou", "cov_iou", "one_piece", "volume"}
    assert conditions["subject"] == {"kind": "solids", "makes": "12 solids", "sizes": {}}
    assert conditions["reference"]["shape"] == [1, 16, 16, 16]
    same, _ = scores(tmp_path / "real.npy", "--data", tmp_path / "real.npy", "--size", 16, out=tmp_path / "b.json")
    assert (same["jsd"], same["mmd_iou"], same["cov_iou"], same["volume"]) == (0, 0, 1, 0)
    assert values["mmd_iou"] > 0


def test_samples_written_as_meshes_are_solids(tmp_path):
    pytest.importorskip("trimesh")
    write_samples(solids("test", 3), tmp_path / "meshes", kind=VOXELS)
    assert kind_of_folder(tmp_path / "meshes") is VOXELS  # although pictures lie beside the meshes
    values, _ = scores(tmp_path / "meshes", "--data", "shapes", "--size", 16, out=tmp_path / "a.json")
    assert (values["one_piece"], values["jsd"] < 1, values["mmd_iou"] < 1) == (1, True, True)


def test_tunes_are_compared_by_notes_and_chords(tmp_path):
    pytest.importorskip("pretty_midi")
    random = torch.Generator().manual_seed(0)
    for name, low, high in (("made", 60, 84), ("real", 60, 84), ("low", 60, 64)):
        pitches = torch.randint(low, high, (6, 64), generator=random)
        rolls = 2.0 * torch.nn.functional.one_hot(pitches, 128)[:, None] - 1
        write_samples(rolls, tmp_path / name, kind=MUSIC)
    alike, conditions = scores(tmp_path / "made", "--data", tmp_path / "real", out=tmp_path / "a.json")
    apart, _ = scores(tmp_path / "low", "--data", tmp_path / "real", out=tmp_path / "b.json")
    assert {"pitch_histogram", "note_lengths", "chord_notes"} <= set(alike)
    assert alike["pitch_histogram"] < apart["pitch_histogram"]
    assert conditions["samples"] == 24  # bars, four of each tune


def test_clips_are_compared_by_how_they_move(tmp_path):
    for name, speed, start in (("made", 2, 1), ("real", 2, 0)):
        write_samples(clips(8, speed, start), tmp_path / name, kind=VIDEO)
    write_samples(clips(8, speed=0), tmp_path / "still.npz", kind=VIDEO)
    moving, conditions = scores(
        tmp_path / "made", "--data", tmp_path / "real", "--metrics", "motion", out=tmp_path / "a.json"
    )
    still, _ = scores(
        tmp_path / "still.npz", "--data", tmp_path / "real", "--metrics", "motion", out=tmp_path / "b.json"
    )
    assert moving["motion"] < still["motion"]
    assert conditions["reference"]["shape"] == [3, 8, 32, 32]


def test_folders_of_two_kinds_are_not_compared(tmp_path):
    np.save(tmp_path / "solids.npy", solids("test", 2).numpy())
    write_samples(clips(2, 1), tmp_path / "clips", kind=VIDEO)
    error = ganzoo("evaluate", tmp_path / "solids.npy", "--data", tmp_path / "clips").error
    assert error.startswith("--data: both must hold samples of one kind")
    error = ganzoo("evaluate", tmp_path / "solids.npy", "--data", "mnist").error
    assert error.startswith("--data: there is no 'mnist'; it must be one of shapes, solids")


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((4, 16, 16, 16), VOXELS),
        ((4, 512), VOXELS),  # bits
        ((4, 1, 16, 16, 16), VOXELS),
        ((4, 3, 8, 16, 16), VIDEO),
        ((8, 16, 16, 3), VIDEO),
    ],
)
def test_arrays_are_solids_where_their_axes_are_equal(tmp_path, shape, kind):
    np.save(tmp_path / "x.npy", np.zeros(shape, np.uint8))
    assert kind_of_folder(tmp_path) is kind


def test_a_folder_is_of_the_kind_of_most_of_its_files(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    assert kind_of_folder(tmp_path) is IMAGES  # who reads pictures says that there are none
    Image.new("L", (4, 4)).save(tmp_path / "still.gif")
    assert kind_of_folder(tmp_path) is IMAGES
    Image.new("L", (4, 4)).save(tmp_path / "moving.gif", save_all=True, append_images=[Image.new("L", (4, 4), 255)])
    assert kind_of_folder(tmp_path) is VIDEO
    for name in ("a.png", "b.png", "c.png"):
        Image.new("L", (4, 4)).save(tmp_path / name)
    assert kind_of_folder(tmp_path) is IMAGES
    for name in "defg":
        (tmp_path / f"{name}.mid").write_bytes(b"")
    assert kind_of_folder(tmp_path) is MUSIC
