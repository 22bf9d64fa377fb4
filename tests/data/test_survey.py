"""What is said of pictures that are cut, lose their colours or come out black; and ways to a square."""

from pathlib import Path

import numpy as np
import pytest
from commands import ganzoo
from PIL import Image

from ganzoo.common.errors import GanzooError
from ganzoo.data import Edges, ImageFolder, LowResolution, PairedFolder, UnpairedFolder
from ganzoo.data.decoding import Pictures


def striped(file: Path, size: tuple[int, int]) -> None:
    """A picture whose left quarter is red, whose right one is blue, and which is green between."""
    file.parent.mkdir(parents=True, exist_ok=True)
    width, height = size
    image = Image.new("RGB", size, "lime")
    image.paste("red", (0, 0, width // 4, height))
    image.paste("blue", (width - width // 4, 0, width, height))
    image.save(file)


def lines(caplog, label: str) -> list[str]:
    return [message.removeprefix(f"{label}: ") for message in caplog.messages]


CUT = (
    "only the middle squares are taken, and 50% of the pictures' area is cut off; --data.fit pad or squash keeps all "
    "of it"
)


def test_a_line_says_that_much_is_cut_off(tmp_path, caplog):
    for i in range(3):
        striped(tmp_path / "wide" / f"{i}.png", (32, 16))
        striped(tmp_path / "photos" / f"{i}.png", (30, 20))
    cropped = ImageFolder(str(tmp_path / "wide"), 8)
    assert (cropped.split("train")[0][:, 1] == 255).all()
    assert lines(caplog, "wide") == [CUT]
    caplog.clear()
    for options in ({"fit": "pad"}, {"fit": "squash"}):
        ImageFolder(str(tmp_path / "wide"), 8, **options).setup()
    ImageFolder(str(tmp_path / "photos"), 8).setup()
    assert caplog.messages == []


def test_pictures_are_padded_or_squashed(tmp_path):
    striped(tmp_path / "a" / "a.png", (32, 16))
    (padded,) = ImageFolder(str(tmp_path / "a"), 16, fit="pad").split("train")[0]
    assert (padded[:, :4] == 0).all()
    assert (padded[:, 12:] == 0).all()
    assert [padded[:, 8, column].tolist() for column in (0, 8, 15)] == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    (squashed,) = ImageFolder(str(tmp_path / "a"), 16, fit="squash").split("train")[0]
    assert [squashed[:, row, 0].tolist() for row in (0, 15)] == [[255, 0, 0]] * 2
    assert squashed[:, 0, 15].tolist() == [0, 0, 255]
    assert "between black bars" in ImageFolder(fit="pad").resized
    assert "squashed" in Edges(fit="squash").resized
    grey = ImageFolder(str(tmp_path / "a"), 16, channels=1, fit="pad").split("train")[0]
    assert grey.shape == (1, 1, 16, 16)


def test_all_data_of_pictures_may_be_padded(tmp_path):
    for folder in ("trainA", "trainB"):
        striped(tmp_path / "two" / folder / "a.png", (32, 16))
    a = UnpairedFolder(str(tmp_path / "two"), 16, jitter=0, fit="pad").split("train")[0].a
    assert (a[:, :, :4] == 0).all()
    pairs = PairedFolder(str(tmp_path / "two"), 16, jitter=0, fit="squash", held_out=0.5, splits=False)
    with pytest.raises(GanzooError, match="none is left to train on"):
        pairs.split("train")
    striped(tmp_path / "low" / "a.png", (32, 16))
    striped(tmp_path / "low" / "b.png", (32, 16))
    assert (LowResolution(str(tmp_path / "low"), 16, fit="pad", held_out=0.5).split("train")[0][:, :, 0] == 0).all()
    with pytest.raises(GanzooError, match=r"data\.fit: pad given, but data\.crop"):
        LowResolution(fit="pad", crop=True)


def test_other_ways_and_sizes_are_refused_in_a_line():
    with pytest.raises(
        GanzooError, match=r"data\.fit: 'pads' given, but it must be crop, pad or squash. Did you mean 'pad'"
    ):
        ImageFolder(fit="pads")
    with pytest.raises(GanzooError, match=r"data\.size: \[32, 64\] given, but images are square"):
        ImageFolder(size=[32, 64])
    assert (
        "data.size: must be an int, not [32, 64]"
        in ganzoo("fit", "--recipe", "dcgan_faces", "--data.size", "[32,64]").error
    )


def test_a_line_says_that_colours_are_lost(tmp_path, caplog):
    said = "are read as grey, because data.channels is 1; with 3 they keep their colours"
    for folder in ("a", "pairs/train", "pairs/val", "two/trainA", "two/trainB"):
        striped(tmp_path / folder / "x.png", (32, 16) if folder.startswith("pairs") else (16, 16))
        Image.new("RGB", (16, 16), "gray").save(tmp_path / folder / "grey.png")
    ImageFolder(str(tmp_path / "a"), 8).setup()
    ImageFolder(str(tmp_path / "a"), 8, channels=3).setup()
    assert caplog.messages == []
    for data in (ImageFolder, Edges, LowResolution):
        caplog.clear()
        data(str(tmp_path / "a"), 8, channels=1, held_out=0).setup()
        assert lines(caplog, "a") == [f"pictures in colour, such as x.png, {said}"]
    caplog.clear()
    UnpairedFolder(str(tmp_path / "two"), 8, channels=1).setup()
    assert caplog.messages == [
        f"two/train{side}: pictures in colour, such as train{side}/x.png, {said}" for side in "AB"
    ]
    (tmp_path / "pairs" / "train" / "grey.png").unlink()
    caplog.clear()
    PairedFolder(str(tmp_path / "pairs"), 8, source_channels=1).setup()
    assert lines(caplog, "pairs") == [
        f"pictures in colour, such as train/x.png, {said.replace('channels', 'source_channels')}"
    ]


def test_grey_stored_as_colours_loses_none(tmp_path, caplog):
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).convert("RGB")
    ramp.save(tmp_path / "a.jpg")
    ramp.save(tmp_path / "b.png")
    ImageFolder(str(tmp_path), 8, channels=1).setup()
    assert caplog.messages == []


def test_pictures_of_16_bits_that_use_few_of_them_are_named(tmp_path, caplog):
    pixels = np.arange(256, dtype=np.uint16).reshape(16, 16) * 16  # 12 bits
    Image.fromarray(pixels).save(tmp_path / "a.png")
    ImageFolder(str(tmp_path), 8).setup()
    assert lines(caplog, tmp_path.name) == [
        "pictures of 16 bits, such as a.png, use little of their range and come out nearly black; stretch their values "
        "to 65535"
    ]
    caplog.clear()
    Image.fromarray(pixels * 16).save(tmp_path / "b.png")
    ImageFolder(str(tmp_path), 8).setup()
    assert caplog.messages == []


@pytest.mark.parametrize("ending", ["gif", "tif", "png", "webp"])
def test_a_line_says_that_one_frame_is_taken_of_several(tmp_path, caplog, ending):
    first, *rest = (Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue"))
    first.save(tmp_path / f"a.{ending}", save_all=True, append_images=rest)
    first.save(tmp_path / f"b.{ending}")
    data = ImageFolder(str(tmp_path), 8)
    assert (data.split("train")[0][:, 0] > 240).all()
    assert lines(caplog, tmp_path.name) == [
        f"of several frames the first one is taken: 1 of 2 pictures, such as a.{ending}"
    ]


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_headers_know_how_a_picture_stands(tmp_path, ending):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / f"a.{ending}", exif=exif)
    assert Pictures(tmp_path, [f"a.{ending}"], 8, 3).header(0)[:3] == (20, 40, False)
