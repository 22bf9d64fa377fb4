import logging
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.common.errors import GanzooError
from ganzoo.data import ImageFolder, LowResolution, image_folder
from ganzoo.data.decoding import Pictures
from ganzoo.data.finding import find_pictures


def same(left, right) -> bool:
    """Whether two sequences of batches are equal, image by image."""
    left, right = list(left), list(right)
    return len(left) == len(right) > 0 and all(
        torch.equal(x, u) and torch.equal(y, v) for (x, y), (u, v) in zip(left, right, strict=True)
    )


def paint(
    path: Path, colour: object = (255, 0, 0), size: tuple[int, int] = (20, 20), mode: str = "RGB", **save
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path, **save)
    return path


def pack(folder: Path, prefix: str = "") -> Path:
    target = folder.with_suffix(".zip")
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, prefix + file.relative_to(folder).as_posix())
    return target


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """Three cats, red, and two dogs, blue, some of them not pictures that training can use as they are."""
    folder = tmp_path / "animals"
    for name in ("a.png", "b.JPG", "deep/c.gif"):
        paint(folder / "cat" / name, (255, 0, 0))
    for name in ("a.png", "b.webp"):
        paint(folder / "dog" / name, (0, 0, 255))
    (folder / "cat" / "notes.txt").write_text("not a picture")
    (folder / "dog" / ".hidden.png").write_text("neither is this")
    (folder / "__MACOSX" / "dog").mkdir(parents=True)
    (folder / "__MACOSX" / "dog" / "._a.png").write_text("nor this")
    (folder / ".DS_Store").write_text("nor this")
    return folder


@pytest.mark.parametrize("kind", ["folder", "zip", "wrapped zip"])
def test_subfolders_are_classes_in_folders_and_zips(animals, kind):
    root = animals if kind == "folder" else pack(animals, "animals/" if kind == "wrapped zip" else "")
    module = ImageFolder(root=str(root), size=8, batch_size=5)
    module.setup()
    assert (module.title, module.reference, module.licence) == ("animals", "train", "unknown")
    assert (module.class_names, module.n_classes) == (("cat", "dog"), 2)
    x, y = next(iter(module.val_dataloader()))
    assert y.tolist() == [0, 0, 0, 1, 1]
    assert (x[:3, 0].mean(), x[3:, 2].mean()) == (pytest.approx(1, abs=0.05), pytest.approx(1, abs=0.05))
    assert x[:3, 2].mean() == pytest.approx(-1, abs=0.05)
    with pytest.raises(GanzooError, match="no test split"):
        module.fingerprint("test")


def test_pictures_without_subfolders_have_no_labels(tmp_path):
    folder = tmp_path / "flat"
    for i in range(3):
        paint(folder / f"{i}.png")
    module = ImageFolder(root=str(folder), size=8, batch_size=3)
    module.setup()
    assert module.n_classes == 0
    assert next(iter(module.train_dataloader()))[1] is None
    paint(folder / "more" / "3.png")  # a mix of both is no labelling either
    module = ImageFolder(root=str(folder), size=8)
    module.setup()
    assert (module.n_classes, len(module.split("train")[0])) == (0, 4)


def test_lazy_and_resident_folders_give_equal_batches(animals, monkeypatch):
    root = str(pack(animals))
    options = {"size": 8, "batch_size": 2, "flip": True}
    resident = ImageFolder(root=root, **options)
    resident.setup()
    monkeypatch.setattr(image_folder, "RESIDENT_BYTES", 100)
    for workers in (0, 2):
        lazy = ImageFolder(root=root, num_workers=workers, **options)
        lazy.setup()
        assert isinstance(lazy.split("train")[0], Pictures)
        assert same(resident.train_dataloader(), lazy.train_dataloader())
        loader = lazy.train_dataloader()
        loader.load_state_dict({"epoch": 0, "position": 1})
        assert same(list(resident.train_dataloader())[1:], loader)
    before = lazy.fingerprint("train")
    paint(animals / "dog" / "b.webp", (0, 255, 0))
    pack(animals)
    assert ImageFolder(root=root, **options).fingerprint("train") != before


def picture(path: Path, **options) -> torch.Tensor:
    """The only picture in a folder, as uint8 (C, 4, 4)."""
    return ImageFolder(root=str(path.parent), size=4, **options).split("train")[0][0]


def test_exif_orientation_is_applied(tmp_path):
    image = Image.new("RGB", (20, 20), "black")
    image.paste("white", (0, 0, 20, 10))  # the upper half is bright
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise for viewing: the bright half comes to the right
    (tmp_path / "turned").mkdir()
    image.save(tmp_path / "turned" / "a.png", exif=exif)
    grey = picture(tmp_path / "turned" / "a.png", channels=1)[0]
    assert (grey[:, 3] > 250).all()
    assert (grey[:, 0] < 5).all()


def test_transparency_becomes_white(tmp_path):
    assert (picture(paint(tmp_path / "rgba" / "a.png", (255, 0, 0, 0), mode="RGBA")) == 255).all()
    assert (picture(paint(tmp_path / "la" / "a.png", (0, 0), mode="LA"), channels=1) == 255).all()
    half = picture(paint(tmp_path / "half" / "a.png", (255, 0, 0, 128), mode="RGBA"))
    assert half[:, 0, 0].tolist() == pytest.approx([255, 127, 127], abs=1)


def test_palettes_grey_and_16_bits_are_read(tmp_path):
    palette = Image.new("P", (20, 20), 1)
    palette.putpalette([0, 0, 0, 10, 200, 30])
    for folder, options in (("palette", {}), ("clear", {"transparency": 1})):
        (tmp_path / folder).mkdir()
        palette.save(tmp_path / folder / "a.png", **options)
    assert picture(tmp_path / "palette" / "a.png")[:, 0, 0].tolist() == [10, 200, 30]
    assert (picture(tmp_path / "clear" / "a.png") == 255).all()
    (tmp_path / "deep").mkdir()
    Image.fromarray(np.full((20, 20), 100 * 257, dtype=np.uint16)).save(tmp_path / "deep" / "a.png")
    assert (picture(tmp_path / "deep" / "a.png") == 100).all()
    assert (picture(paint(tmp_path / "cmyk" / "a.jpg", (0, 0, 0, 0), mode="CMYK")) > 250).all()
    assert picture(paint(tmp_path / "bits" / "a.png", 1, mode="1"), channels=1).unique().tolist() == [255]


def test_the_centre_of_a_wide_picture_is_kept(tmp_path):
    image = Image.new("RGB", (40, 20), "blue")
    image.paste("red", (10, 0, 30, 20))
    (tmp_path / "wide").mkdir()
    image.save(tmp_path / "wide" / "a.png")
    centre = picture(tmp_path / "wide" / "a.png")
    assert (centre[0] == 255).all()
    assert (centre[2] == 0).all()


@pytest.mark.parametrize("zipped", [False, True])
def test_broken_files_are_skipped_named_and_counted_in_one_line(animals, caplog, zipped):
    (animals / "cat" / "broken.png").write_bytes(b"no picture at all")
    whole = paint(animals / "dog" / "zz.jpg", size=(200, 200)).read_bytes()
    (animals / "dog" / "zz.jpg").write_bytes(whole[: len(whole) // 2])
    (animals / "dog" / "empty.png").write_bytes(b"")
    module = ImageFolder(root=str(pack(animals) if zipped else animals), size=8)
    with caplog.at_level(logging.WARNING):
        module.setup()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    message = caplog.records[0].getMessage()
    assert "skipped 3 of 8" in message
    faults = {"broken.png": "no picture, or damaged", "empty.png": "an empty file", "zz.jpg": "cut off before its end"}
    for name, fault in faults.items():
        assert f"{name} ({fault})" in message
    assert "\n" not in message
    assert module.split("train")[1].tolist() == [0, 0, 0, 1, 1]


def test_a_picture_that_breaks_later_is_replaced_by_the_next(animals, monkeypatch, caplog):
    monkeypatch.setattr(image_folder, "RESIDENT_BYTES", 100)
    module = ImageFolder(root=str(animals), size=8, batch_size=5, num_workers=0)
    module.setup()
    (animals / "cat" / "a.png").unlink()
    x, y = next(iter(module.val_dataloader()))
    assert torch.equal(x[0], x[1])
    assert y.tolist() == [0, 0, 0, 1, 1]
    assert "cat/a.png cannot be read" in caplog.text


def test_a_relative_root_is_also_looked_for_under_the_data_folder(animals, monkeypatch):
    pack(animals)
    monkeypatch.setenv("GANZOO_DATA", str(animals.parent))
    module = ImageFolder(root="animals.zip", size=8)
    module.setup()
    assert module.n_classes == 2
    assert module.title == "animals"


@pytest.mark.parametrize(
    ("root", "says"),
    [
        (None, "not given"),
        ("nowhere", "nowhere does not exist"),
        ("empty", "no pictures in .*empty"),
        ("file.zip", "neither a folder nor a zip"),
        ("broken", "none of the 1 pictures in .*broken can be read"),
    ],
)
def test_unusable_roots_are_one_line_errors(tmp_path, monkeypatch, root, says):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("broken").mkdir()
    Path("broken/a.png").write_bytes(b"no picture")
    Path("file.zip").write_bytes(b"no zip")
    with pytest.raises(GanzooError, match=r"data\.root: .*" + says) as caught:
        ImageFolder(root=root).setup()
    assert "\n" not in str(caught.value)


def test_held_out_pictures_are_a_test_split_of_their_own(tmp_path):
    for i in range(20):
        paint(tmp_path / "a" / f"{i:02}.png", (12 * i, 0, 0))
    whole = ImageFolder(root=str(tmp_path / "a"), size=4)
    module = ImageFolder(root=str(tmp_path / "a"), size=4, held_out=0.24)
    assert (whole.reference, module.reference) == ("train", "test")
    shades = {split: set(module.split(split)[0][:, 0, 0, 0].tolist()) for split in ("train", "test")}
    assert (len(shades["train"]), len(shades["test"])) == (15, 5)
    assert shades["train"] | shades["test"] == set(whole.split("train")[0][:, 0, 0, 0].tolist())
    assert module.fingerprint("train") != module.fingerprint("test")
    paint(tmp_path / "a" / "new.png", (0, 0, 250))  # one more, of its own
    more = set(ImageFolder(root=str(tmp_path / "a"), size=4, held_out=0.24).split("test")[0][:, 0, 0, 0].tolist())
    assert len(more & shades["test"]) >= 4


def test_classes_keep_their_numbers_in_a_split_that_lacks_some(tmp_path):
    for name in "abcdefgh":
        paint(tmp_path / "a" / name / "x.png")
    module = ImageFolder(root=str(tmp_path / "a"), size=4, held_out=0.25, batch_size=2)
    module.setup()
    assert module.n_classes == 8
    labels = [module.split(split)[1].tolist() for split in ("train", "test")]
    assert sorted(labels[0] + labels[1]) == list(range(8))
    assert len(labels[1]) == 2


@pytest.mark.parametrize(
    ("share", "says"), [(1.0, "at least 0 and below 1"), (-0.1, "at least 0"), (0.5, r"of 1 picture\(s\) none is left")]
)
def test_held_out_shares_that_leave_nothing_are_refused(tmp_path, share, says):
    paint(tmp_path / "a.png")
    with pytest.raises(GanzooError, match=r"data\.held_out: .*" + says):
        ImageFolder(root=str(tmp_path), size=4, held_out=share).setup()


def test_links_are_followed_once_and_never_in_circles(tmp_path):
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    paint(root / "cat" / "a.png")
    paint(root / "zebra" / "b.png")
    paint(elsewhere / "c.png")
    (root / "self").symlink_to(root)
    (root / "again").symlink_to(root / "zebra")  # what is really there has its own name
    (root / "linked").symlink_to(elsewhere)
    assert find_pictures(root) == ["cat/a.png", "linked/c.png", "zebra/b.png"]


def test_inspect_knows_classes_and_shape_before_anything_is_decoded(animals):
    module = ImageFolder(root=str(animals), size=8)
    for _ in range(2):
        module.inspect()
    assert (module.class_names, module.n_classes, module.shape) == (("cat", "dog"), 2, (3, 8, 8))
    assert module._splits == {}
    assert ImageFolder.class_names == ()


def test_channels_are_those_of_the_headers_unless_given(tmp_path):
    for i, mode in enumerate(("L", "LA", "1", "I;16")):
        paint(tmp_path / "a" / f"{i}.png", (0, 255) if mode == "LA" else 0, mode=mode)
    ramp = Image.new("P", (20, 20), 1)
    ramp.putpalette([0, 0, 0, 90, 90, 90])
    ramp.save(tmp_path / "a" / "ramp.png")
    (tmp_path / "a" / "broken.png").write_bytes(b"no picture")
    assert ImageFolder(root=str(tmp_path / "a"), size=4).shape == (1, 4, 4)
    assert ImageFolder(root=str(tmp_path / "a"), size=4, channels=3).shape == (3, 4, 4)
    assert ImageFolder(root=str(pack(tmp_path / "a")), size=4).split("train")[0].shape == (5, 1, 4, 4)
    assert LowResolution(root=str(tmp_path / "a"), size=4, factor=2, channels=None).source_shape == (1, 2, 2)
    ramp.putpalette([0, 0, 0, 90, 90, 0])
    ramp.save(tmp_path / "a" / "ramp.png")
    module = ImageFolder(root=str(tmp_path / "a"), size=4)
    module.inspect()
    assert module.shape == (3, 4, 4)
    assert module.split("train")[0].shape == (5, 3, 4, 4)
