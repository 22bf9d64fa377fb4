"""Folders and zips of clips, and files that must be refused."""

import struct
import zipfile
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import VIDEO
from ganzoo.data import ClipFolder, clip_files, clip_folder
from ganzoo.data.clip_files import read_clip
from ganzoo.drawing.movies import save_movie


def frames_of(count, width=24, height=16, start=0):
    """Frames whose red counts them, and whose green runs from left to right."""
    frames = np.zeros((count, height, width, 3), np.uint8)
    frames[..., 0] = 8 * (start + np.arange(count))[:, None, None]
    frames[..., 1] = 10 * np.arange(width)
    return frames


def write_frames(folder, frames):
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{number}.png")  # 10.png comes after 9.png


def numbers(clip):
    """Which frames a clip (C, T, H, W) is made of."""
    return (clip[0, :, 0, 0].long() // 8).tolist()


def clips(root, split="train", **options):
    return ClipFolder(str(root), **{"size": 16, "frames": 4} | options).split(split)[0]


def test_folders_of_frames_animations_movies_and_arrays_are_clips(tmp_path):
    frames = frames_of(12)
    write_frames(tmp_path / "a", frames)
    save_movie([Image.fromarray(frame) for frame in frames], tmp_path / "b.gif")
    np.savez(tmp_path / "c.npz", samples=frames.transpose(3, 0, 1, 2)[None] / np.float32(127.5) - 1, labels=np.ones(1))
    np.save(tmp_path / "d.npy", frames)
    data = ClipFolder(str(tmp_path), size=16, frames=12)
    stored, labels = data.split("train")
    assert (data.kind, data.shape, len(stored), labels) == (VIDEO, (3, 12, 16, 16), 4, None)
    a, b, c, d = (stored[index] for index in range(4))
    assert a.shape == (3, 12, 16, 16)
    assert torch.equal(a, torch.from_numpy(frames[:, :, 4:20]).permute(3, 0, 1, 2))  # the middle square
    assert torch.equal(a, c)
    assert torch.equal(a, d)
    assert (a.float() - b.float()).abs().max() <= 12  # of 256 colours


def test_movies_are_read_and_a_damaged_one_is_refused(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "x.mp4"
    save_movie([Image.fromarray(frame) for frame in frames_of(9, 64, 48).repeat(2, 1).repeat(2, 2)], path)
    clip = read_clip(path, side=48)
    assert clip.shape == (9, 3, 48, 64)
    assert (clip[:, 0].float().mean((1, 2)) - 8 * torch.arange(9)).abs().max() < 6
    path.write_bytes(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n" * 9)
    with pytest.raises(GanzooError, match="no movie that ffmpeg reads"):
        read_clip(path)


def test_a_zip_gives_the_clips_of_the_folder(tmp_path):
    write_frames(tmp_path / "in" / "a", frames_of(8))
    write_frames(tmp_path / "in" / "b", frames_of(5))
    np.save(tmp_path / "in" / "c.npy", frames_of(4))
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("README.txt", "about them")
        for path in (tmp_path / "in").rglob("*.*"):
            archive.write(path, path.relative_to(tmp_path / "in").as_posix())
    one, other = clips(tmp_path / "in"), clips(tmp_path / "in.zip")
    assert [numbers(one[index]) for index in range(4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [0, 1, 2, 3], [0, 1, 2, 3]]
    assert one.signature() == other.signature()
    assert one.signature() != clips(tmp_path / "in", frames=3).signature()


def test_training_begins_anywhere_and_takes_one_square_of_all_frames(tmp_path):
    np.save(tmp_path / "x.npy", frames_of(20))
    stored = clips(tmp_path, stride=2, frames=3)
    assert len(stored) == 4  # of a reach of five frames each
    seen = [stored.seeded(seed)[index] for seed in range(30) for index in range(4)]
    places = {int(clip[1, 0, 0, 0]) // 10 for clip in seen}
    assert places == {*range(9)}
    for clip in seen:
        assert torch.equal(clip[1, 0], clip[1, 2])
        first, second, third = numbers(clip)
        assert (second - first, third - second) == (2, 2)
    assert {numbers(clip)[0] for clip in seen} == {*range(16)}
    assert torch.equal(stored.seeded(3)[1], stored.seeded(3)[1])


def test_scale_leaves_room_around_a_clip(tmp_path):
    np.save(tmp_path / "x.npy", frames_of(4, 48, 32))
    assert clips(tmp_path, size=8, scale=2.0).videos[0].shape == (4, 3, 16, 24)
    assert clips(tmp_path, size=8, channels=1)[0].shape == (1, 4, 8, 8)


def test_videos_are_held_out_by_folders_or_by_their_share(tmp_path):
    for number, place in enumerate(("a", "b", "c", "d", "e")):
        write_frames(tmp_path / "free" / place, frames_of(4, start=4 * number))
        write_frames(
            tmp_path / "parted" / ("test" if place == "e" else "train") / place, frames_of(4, start=4 * number)
        )
    data = ClipFolder(str(tmp_path / "free"), size=16, frames=4, held_out=0.4)
    (train, _), (test, _) = data.split("train"), data.split("test")
    assert (len(train), len(test), data.reference) == (3, 2, "test")
    firsts = [numbers(split[index])[0] for split in (train, test) for index in range(len(split))]
    assert sorted(firsts) == [0, 4, 8, 12, 16]
    parted = ClipFolder(str(tmp_path / "parted"), size=16, frames=4)
    assert numbers(parted.split("test")[0][0])[0] == 16
    assert len(parted.split("train")[0]) == 4
    for number, name in enumerate(("train", "test")):  # of one video each, whose frames lie in them
        write_frames(tmp_path / "two" / name, frames_of(4, start=4 * number))
    two = ClipFolder(str(tmp_path / "two"), size=16, frames=4)
    assert [numbers(two.split(split)[0][0])[0] for split in ("train", "test")] == [0, 4]
    assert two.reference == "test"


def test_a_single_video_cannot_be_held_out(tmp_path):
    write_frames(tmp_path / "only", frames_of(4))
    with pytest.raises(GanzooError, match=r"^data\.held_out: 0\.1 given, but of 1 video\(s\) none is left to train"):
        clips(tmp_path, held_out=0.1)
    assert len(clips(tmp_path, held_out=0)) == 1


def test_what_is_short_or_damaged_is_left_out_and_named(tmp_path, caplog):
    write_frames(tmp_path / "good", frames_of(4))
    write_frames(tmp_path / "short", frames_of(3))
    (tmp_path / "bad.gif").write_bytes(b"GIF89a")
    assert len(clips(tmp_path)) == 1
    assert "left out short with fewer than 4 frames" in caplog.text
    assert "left out 1 clip(s): bad.gif cannot be read" in caplog.text


def png_of(width, height):
    """A PNG of a few bytes whose header promises a huge picture."""
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))  # noqa: E731
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


HOSTILE = {
    "empty.gif": (b"", "is empty"),
    "noise.gif": (bytes(range(256)) * 4, "no picture"),
    "huge.gif": (
        b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b",\0\0\0\0\1\0\1\0\0\2",
        "too many pixels",
    ),
    "0.png": (png_of(60_000, 60_000), "too many pixels"),
    "2.png": (png_of(9000, 9000), "9000x9000 pixels"),
    "1.png": (b"\x89PNG\r\n\x1a\nxx", "cannot be read"),
    "short.npz": (b"PK\x03\x04", "is damaged"),
    "cut.npy": (b"\x93NUMPY\x01\x00", "is damaged"),
    "empty.mp4": (b"", "is empty|ffmpeg"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_damaged_empty_or_huge_is_refused_in_a_line(tmp_path, name):
    if name.endswith(".mp4"):
        pytest.importorskip("imageio_ffmpeg")
    content, words = HOSTILE[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GanzooError, match=words) as caught:
        clips(tmp_path)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.ones((3, 5)), "holds no clip"),
        (np.full((1, 3, 4, 16, 16), np.nan, np.float32), "finite"),
        (np.ones((2, 4, 16, 16, 7), np.uint8), "holds no clip"),
        (np.ones((0, 4, 16, 16, 3), np.uint8), "is empty"),
    ],
)
def test_arrays_that_are_no_clips_are_refused(tmp_path, array, words):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(GanzooError, match=words):
        clips(tmp_path)


def test_long_and_large_files_are_not_read_to_their_end(tmp_path, monkeypatch):
    save_movie([Image.fromarray(frame) for frame in frames_of(9)], tmp_path / "x.gif")
    monkeypatch.setattr(clip_files, "MOST_FRAMES", 5)
    with pytest.raises(GanzooError, match="more than 5 frames"):
        clips(tmp_path)
    monkeypatch.setattr(clip_files, "LARGEST_FILE", 100)
    with pytest.raises(GanzooError, match="larger than"):
        clips(tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(clip_folder, "RESIDENT_BYTES", 1000)
    with pytest.raises(GanzooError, match=r"take more than .*Lower --data\.size"):
        clips(tmp_path)


def test_senseless_arguments_and_empty_folders_are_refused(tmp_path):
    for options, words in (
        ({}, "no clips in"),
        ({"root": None}, "not given"),
        ({"root": str(tmp_path / "nothing")}, "does not exist"),
        ({"frames": 0}, r"^data\.frames"),
        ({"scale": 0.5}, r"^data\.scale"),
        ({"channels": 2}, r"^data\.channels"),
        ({"held_out": 1.0}, "below 1"),
    ):
        with pytest.raises(GanzooError, match=words):
            ClipFolder(**{"root": str(tmp_path)} | options).split("train")
    with pytest.raises(GanzooError, match="does not exist"):
        read_clip(tmp_path / "nothing")
    with pytest.raises(GanzooError, match="no clip in"):
        read_clip(tmp_path)
