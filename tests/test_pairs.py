import io
import zipfile

import pytest
import torch
from PIL import Image

from ganzoo.data.pairs import PairedFolder, random_crop
from ganzoo.errors import GanzooError

RED, BLUE = (255, 0, 0), (0, 0, 255)


def side_by_side(left=RED, right=BLUE, side=20):
    image = Image.new("RGB", (2 * side, side), left)
    image.paste(right, (side, 0, 2 * side, side))
    return image


def write(root, *folders, count=3):
    for folder in folders:
        (root / folder).mkdir(parents=True)
        for i in range(count):
            side_by_side().save(root / folder / f"{i}.png")
    return root


def folder(root, **options):
    return PairedFolder(str(root), **{"size": 16, "jitter": 0, "batch_size": 2, "num_workers": 0} | options)


def first(loader):
    return next(iter(loader))


def colour(x):
    """The colour of images of one colour."""
    assert x.flatten(2).std(2).max() == 0
    return ((x[0, :, 0, 0] + 1) * 127.5).tolist()


def test_the_left_half_is_a_and_the_right_one_b(tmp_path):
    write(tmp_path, "train", "val")
    x, y = first(folder(tmp_path).train_dataloader())
    assert (x.shape, y.shape) == ((2, 3, 16, 16), (2, 3, 16, 16))
    assert (colour(x), colour(y)) == ([255, 0, 0], [0, 0, 255])
    data = folder(tmp_path, direction="BtoA", source_channels=1)
    x, y = first(data.val_dataloader())
    assert (data.source_shape, data.shape) == ((1, 16, 16), (3, 16, 16))
    assert colour(x) == pytest.approx([29], abs=1)  # the brightness of blue
    assert colour(y) == [255, 0, 0]


def test_splits_are_the_usual_folders_in_a_folder_or_a_zip(tmp_path):
    root = write(tmp_path / "maps", "train", "val", "test")
    side_by_side(BLUE, RED).save(root / "val" / "3.png")
    data = folder(root)
    assert data.reference == "test"
    assert [len(data.split(split)[0]) for split in ("train", "test")] == [3, 4]
    assert data.split("train")[1] is None  # folders are no classes here
    with zipfile.ZipFile(tmp_path / "maps.zip", "w") as archive:
        for path in sorted(root.rglob("*.png")):
            archive.write(path, path.relative_to(tmp_path))  # wrapped in a folder, as such zips are
    assert folder(tmp_path / "maps.zip").split("test")[0].equal(data.split("test")[0])
    for path in (root / "val").iterdir():
        path.unlink()
    assert len(folder(root).split("test")[0]) == 3  # of test/


def test_without_folders_a_share_is_held_out(tmp_path):
    for i in range(10):
        side_by_side((i, 0, 0)).save(tmp_path / f"{i}.png")
    data = folder(tmp_path, held_out=0.2)
    train, test = ({int(x[0, 0, 0]) for x in data.split(split)[0]} for split in ("train", "test"))
    assert (len(train), len(test)) == (8, 2)
    assert not train & test
    with pytest.raises(GanzooError, match="held_out"):
        folder(tmp_path, held_out=0).split("train")


def test_flips_and_crops_hit_both_images_alike(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "val").mkdir()
    half = Image.fromarray(torch.randint(256, (24, 24, 3), dtype=torch.uint8).numpy())
    pair = Image.new("RGB", (48, 24))
    for left in (0, 24):
        pair.paste(half, (left, 0))
    for i in range(8):
        pair.save(tmp_path / "train" / f"{i}.png")
        pair.save(tmp_path / "val" / f"{i}.png")
    data = folder(tmp_path, jitter=8, flip=True, batch_size=8)
    x, y = first(data.train_dataloader())
    assert x.shape == (8, 3, 16, 16)
    assert x.equal(y)
    assert len({image.numpy().tobytes() for image in x}) > 4  # each crop is another
    again = folder(tmp_path, jitter=8, flip=True, batch_size=8).train_dataloader()
    assert first(again)[0].equal(x)
    assert not first(again)[0].equal(x)  # in the next epoch
    x, _ = first(data.val_dataloader())
    assert all(image.equal(x[0]) for image in x)  # neither cropped nor flipped


def test_crops_lie_within_the_image_and_reach_every_corner():
    whole = torch.arange(36.0).view(1, 1, 6, 6).expand(400, 2, 6, 6)
    crops = random_crop(whole, 4, torch.Generator().manual_seed(0))
    assert crops[:, 0].equal(crops[:, 1])
    corners = crops[:, 0, 0, 0]
    assert set(corners.tolist()) == {6.0 * row + column for row in range(3) for column in range(3)}
    expected = corners[:, None, None] + 6 * torch.arange(4.0)[:, None] + torch.arange(4.0)
    assert crops[:, 0].equal(expected)
    assert random_crop(whole, 6, torch.Generator()) is whole


def test_what_cannot_be_read_or_halved_is_skipped_and_named(tmp_path, caplog):
    write(tmp_path, "train", "val")
    Image.new("RGB", (1, 9)).save(tmp_path / "val" / "thin.png")
    (tmp_path / "val" / "broken.png").write_bytes(b"no picture")
    with caplog.at_level("WARNING"):
        assert len(folder(tmp_path).split("test")[0]) == 3
    assert "skipped 2 of 5" in caplog.text
    assert "val/thin.png" in caplog.text


def test_pairs_too_large_for_memory_are_read_batch_by_batch(tmp_path, monkeypatch):
    write(tmp_path, "train", "val")
    resident = first(folder(tmp_path).val_dataloader())
    monkeypatch.setattr("ganzoo.data.image_folder.RESIDENT_BYTES", 0)
    x, y = first(folder(tmp_path).val_dataloader())
    assert x.equal(resident[0])
    assert y.equal(resident[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"direction": "AB"}, "data.direction"),
        ({"source_channels": 2}, "data.source_channels"),
        ({"channels": 2}, "data.channels"),
        ({"jitter": -1}, "data.jitter"),
    ],
)
def test_bad_values_are_named(tmp_path, options, message):
    with pytest.raises(GanzooError, match=message) as error:
        folder(tmp_path, **options)
    assert "\n" not in str(error.value)


def test_a_missing_split_is_named(tmp_path):
    with pytest.raises(GanzooError, match="none under val/ or test/"):
        folder(write(tmp_path, "train")).split("test")


def test_a_grey_picture_makes_a_pair_as_well(tmp_path):
    write(tmp_path, "train", "val", count=1)
    file = io.BytesIO()
    Image.new("L", (40, 20), 255).save(file, "PNG")
    (tmp_path / "val" / "grey.png").write_bytes(file.getvalue())
    assert folder(tmp_path).split("test")[0].shape == (2, 6, 16, 16)
