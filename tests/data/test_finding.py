"""Which files are pictures, in folders and zips, and what is said of those that are not."""

import io
import os
import shutil
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from commands import ganzoo
from PIL import Image

from ganzoo.common.errors import GanzooError
from ganzoo.data import MNIST, ImageFolder
from ganzoo.data.finding import find_files, suffixes


def paint(file: Path, form: str | None = None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), "red").save(file, form)


def test_whatever_pillow_reads_is_a_picture(tmp_path):
    for ending, form in (
        ("jfif", "JPEG"), ("JPE", "JPEG"), ("pbm", "PPM"), ("tga", "TGA"), ("j2k", "JPEG2000"), ("ico", "ICO"),
        ("Png", "PNG"),
    ):  # fmt: skip
        paint(tmp_path / f"a.{ending}", form)
    assert len(ImageFolder(str(tmp_path), 8).split("train")[0]) == 7


def test_what_runs_other_programs_or_cannot_be_decoded_is_none():
    assert not {".eps", ".ps", ".pdf", ".mpg", ".h5", ".wmf", ".grib"} & {*suffixes()}
    assert {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".jp2"} <= {*suffixes()}


def test_pictures_that_cannot_be_read_are_counted_and_named(tmp_path, caplog):
    paint(tmp_path / "a.jpg")
    for name in ("b.heic", "c.HEIC", "d.svg", "notes.txt"):
        (tmp_path / name).write_bytes(b"something")
    ImageFolder(str(tmp_path), 8).inspect()
    assert caplog.messages == [
        f"{tmp_path.name}: left out 2 .heic, 1 .svg, which cannot be read: b.heic, c.HEIC, d.svg; convert them to JPEG "
        "or PNG"
    ]
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(GanzooError, match=r"no pictures in .* It holds 2 \.heic, 1 \.txt, 1 \.svg\."):
        ImageFolder(str(tmp_path)).inspect()


def test_folders_that_may_not_be_read_are_named(tmp_path, monkeypatch, caplog):
    paint(tmp_path / "cat" / "a.jpg")
    paint(tmp_path / "dog" / "a.jpg")
    scan = os.scandir

    def guarded(path):
        if str(path).endswith("dog"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", guarded)
    assert len(ImageFolder(str(tmp_path), 8).split("train")[0]) == 1
    assert caplog.messages == [f"{tmp_path.name}: left out 1 folder(s) that may not be read: dog"]
    with pytest.raises(GanzooError, match=r"no pictures in .*dog\. 1 folder\(s\) may not be read: \."):
        find_files(tmp_path / "dog")


def test_thumbnails_of_disks_and_systems_are_no_pictures(tmp_path):
    for name in ("a.jpg", "@eaDir/a.jpg/thumb.jpg", ".thumbnails/a.jpg", "__MACOSX/._a.jpg"):
        paint(tmp_path / name)
    assert find_files(tmp_path).names == ["a.jpg"]


# zips


def packed(folder: Path, **names: bytes) -> Path:
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        for i in range(6):
            file = io.BytesIO()
            Image.new("RGB", (40, 40), (40 * i, 0, 0)).save(file, "PNG")
            archive.writestr(f"{'ab'[i % 2]}/{i}.png", file.getvalue())
    return folder / "x.zip"


def test_a_zip_with_backslashes_has_folders(tmp_path):
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        for name in ("cat\\1.png", "dog\\1.png"):
            file = io.BytesIO()
            Image.new("RGB", (8, 8)).save(file, "PNG")
            info = zipfile.ZipInfo("x")
            info.filename = name
            archive.writestr(info, file.getvalue())
        info = zipfile.ZipInfo("x")
        info.filename = "dog\\"
        archive.writestr(info, b"")
    data = ImageFolder(str(tmp_path / "w.zip"), 8)
    assert data.split("train")[1].tolist() == [0, 1]
    assert data.class_names == ("cat", "dog")


def test_a_cut_off_zip_is_called_damaged_and_so_is_one_with_a_broken_list(tmp_path):
    path = packed(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    error = ganzoo("fit", "--recipe", "dcgan_faces", "--data.root", path, "--runs", tmp_path / "runs").error
    assert error.startswith(f"data.root: {path} is a damaged zip: its end is missing")
    start = whole.index(b"PK\x01\x02")
    path.write_bytes(whole[:start] + b"XX" + whole[start + 2 :])
    with pytest.raises(GanzooError, match=r"x\.zip is a damaged zip \(.*\)\. Fetch or copy it again"):
        ImageFolder(str(path)).inspect()


def test_a_damaged_picture_in_a_zip_is_named(tmp_path, caplog):
    path = packed(tmp_path)
    whole = bytearray(path.read_bytes())
    whole[whole.index(b"IDAT") + 8] ^= 255
    path.write_bytes(whole)
    assert len(ImageFolder(str(path), 8).split("train")[0]) == 5
    assert caplog.messages == ["x.zip: skipped 1 of 6 pictures that cannot be read: a/0.png (damaged in the zip)"]


@pytest.mark.parametrize(("content", "message"), [
    (b"", "is empty"),
    (b"\x1f\x8b\x08", "is a gzip archive. Unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive"),
    (b"Rar!\x1a", "is a rar archive"),
    (bytes(257) + b"ustar\x00", "is a tar archive"),
    (b"<!DOCTYPE html><html>404", "is a web page"),
    (b"version https://git-lfs.github.com/spec/v1", "is a Git LFS pointer"),
    (b"something", "is neither a folder nor a zip"),
])  # fmt: skip
def test_files_that_are_no_zip_are_called_what_they_are(tmp_path, content, message):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(GanzooError, match=rf"data\.root: .*x\.zip {message}"):
        ImageFolder(str(tmp_path / "x.zip")).inspect()


def test_a_zip_with_a_password_and_a_single_picture_are_refused(tmp_path):
    path = packed(tmp_path)
    whole = bytearray(path.read_bytes())
    for start in (i for i in range(len(whole)) if whole[i : i + 4] == b"PK\x01\x02"):
        whole[start + 8] |= 1
    path.write_bytes(whole)
    with pytest.raises(GanzooError, match=r"x\.zip is protected by a password"):
        ImageFolder(str(path)).inspect()
    paint(tmp_path / "one.jfif", "JPEG")
    with pytest.raises(GanzooError, match=r"one\.jfif is one picture\. Give the folder"):
        ImageFolder(str(tmp_path / "one.jfif")).inspect()


# where they are looked for


@pytest.mark.parametrize("root", ["", "  "])
def test_an_empty_root_is_refused_and_never_everything(tmp_path, monkeypatch, root):
    paint(tmp_path / "a.jpg")
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path))
    assert "data.root: it is empty" in ganzoo("fit", "--recipe", "dcgan_faces", "--data.root", root).error
    with pytest.raises(GanzooError, match=r"data\.root: it is empty"):
        MNIST(root)


def test_a_missing_root_is_told_what_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GANZOO_DATA", raising=False)
    paint(tmp_path / "photos" / "a.jpg")
    with pytest.raises(GanzooError, match=r"fotos does not exist .* Did you mean 'photos'\?"):
        ImageFolder("fotos").inspect()
    shutil.make_archive("holidays", "zip", "photos")
    with pytest.raises(GanzooError, match=r"holidays does not exist .* There is 'holidays\.zip'"):
        ImageFolder("holidays").inspect()


def test_a_title_is_the_whole_name_of_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert ImageFolder(".").title == tmp_path.name
    assert [ImageFolder(name).title for name in ("a/photos.v2", "a/b.zip", "a/b.ZIP")] == ["photos.v2", "b", "b"]


# pixels


def one(folder: Path, **options):
    """The only picture of a folder."""
    (picture,) = ImageFolder(str(folder), 4, **options).split("train")[0]
    return picture


@pytest.mark.parametrize(
    ("values", "expected"), [([0, 255], 255), ([0, 65535], 255), ([0, 100 * 257], 100), ([3, 3], 3)]
)
def test_32_bit_greys_keep_their_values(tmp_path, values, expected):
    pixels = np.full((4, 4), values[0], dtype=np.int32)
    pixels[2:] = values[1]
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    picture = one(tmp_path)
    assert picture.shape == (1, 4, 4)
    assert (picture[0, 3] == expected).all()


@pytest.mark.parametrize("value", [-1, 65536])
def test_32_bit_greys_without_a_known_range_are_skipped_and_named(tmp_path, value, caplog):
    Image.fromarray(np.full((4, 4), value, dtype=np.int32)).save(tmp_path / "a.tif")
    Image.fromarray(np.full((4, 4), 9, dtype=np.int32)).save(tmp_path / "b.tif")
    assert (one(tmp_path) == 9).all()
    assert "skipped 1 of 2 pictures that cannot be read: a.tif (32-bit integer pixels beyond 16 bits" in caplog.text


def test_16_bit_colours_are_read(tmp_path):
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + struct.pack(">3H", 200 * 257, 100 * 257, 50 * 257) * 4 for _ in range(4))
    header = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    assert one(tmp_path)[:, 0, 0].tolist() == [200, 100, 50]
