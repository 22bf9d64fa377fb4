import io
import zipfile

import pytest
import torch
from PIL import Image

from ganzoo.common.errors import GanzooError
from ganzoo.data.pairs import PairedFolder, random_crop

HALVED = "not twice as wide as high, and yet each half is taken for an image"
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


# folders A and B


def in_two_folders(root, a, b, count=4, side=20, ending="png"):
    """Red pictures in a folder of A, blue ones in B's, the brighter the later."""
    for folder, which, kind in ((a, 0, "png"), (b, 2, ending)):
        (root / folder).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            colour = [0, 0, 0]
            colour[which] = 50 + 40 * i
            Image.new("RGB", (side, side), tuple(colour)).save(root / folder / f"{i}.{kind}")
    return root


LAYOUTS = [
    ("A/train", "B/train", "A/val", "B/val"),
    ("train/A", "train/B", "test/A", "test/B"),
    ("trainA", "trainB", "testA", "testB"),
    ("maps/a/Train", "maps/b/Train", "maps/a/Valid", "maps/b/Valid"),
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout[0])
def test_folders_a_and_b_are_paired_by_name(tmp_path, layout, caplog):
    in_two_folders(tmp_path, *layout[:2], ending="tif")
    in_two_folders(tmp_path, *layout[2:], count=2)
    data = folder(tmp_path)
    assert (len(data.split("train")[0]), len(data.split("test")[0])) == (4, 2)
    for loader in (data.train_dataloader(), data.val_dataloader()):
        for x, y in loader:
            assert (x[:, 1:] == -1).all()  # A is red
            assert (y[:, :2] == -1).all()  # B is blue
            assert (x[:, 0] == y[:, 2]).all()  # of the same name
    x, _ = first(folder(tmp_path, direction="BtoA").val_dataloader())
    assert (x[:, :2] == -1).all()
    assert data.resized.startswith("of each image the middle square")
    assert caplog.messages == []
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for path in sorted(tmp_path.rglob("*.*")):
            if path.suffix != ".zip":
                archive.write(path, path.relative_to(tmp_path))
    assert folder(tmp_path / "x.zip").split("train")[0].equal(data.split("train")[0])


def test_pairs_in_two_folders_without_splits_or_in_memory(tmp_path, monkeypatch):
    data = folder(in_two_folders(tmp_path, "A", "B", count=5), held_out=0.2)
    assert (len(data.split("train")[0]), len(data.split("test")[0])) == (4, 1)
    resident = first(data.val_dataloader())
    monkeypatch.setattr("ganzoo.data.image_folder.RESIDENT_BYTES", 0)
    lazy = folder(tmp_path, held_out=0.2, num_workers=1)
    for one, other in zip(first(lazy.val_dataloader()), resident, strict=True):
        assert one.equal(other)
    before = folder(tmp_path, held_out=0.2).fingerprint("train")
    in_two_folders(tmp_path, "A", "B", count=5, side=30)
    assert folder(tmp_path, held_out=0.2).fingerprint("train") != before


def test_grey_masks_keep_one_channel_beside_colours(tmp_path):
    in_two_folders(tmp_path, "A", "B")
    for file in (tmp_path / "A").iterdir():
        Image.new("L", (20, 20), 9).save(file)
    data = folder(tmp_path, source_channels=1)
    x, y = first(data.train_dataloader())
    assert (x.shape[1], y.shape[1], data.shape, data.source_shape) == (1, 3, (3, 16, 16), (1, 16, 16))
    assert colour(x) == pytest.approx([9])


def test_pictures_without_a_partner_are_left_out_and_named(tmp_path, caplog):
    in_two_folders(tmp_path, "A/train", "B/train")
    in_two_folders(tmp_path, "A/val", "B/val")
    (tmp_path / "A" / "train" / "0.png").unlink()
    Image.new("RGB", (9, 9)).save(tmp_path / "cover.png")
    assert len(folder(tmp_path).split("train")[0]) == 3
    assert caplog.messages == [
        f"{tmp_path.name}: left out 2 picture(s) without a partner of the same name: cover.png, B/train/0.png"
    ]


def test_folders_whose_names_do_not_match_are_refused(tmp_path):
    in_two_folders(tmp_path, "A/train", "B/train")
    for file in (tmp_path / "B" / "train").iterdir():
        file.rename(file.with_name(f"label{file.name}"))
    with pytest.raises(GanzooError, match=r"no picture of A has the name of one of B .*A/train/0\.png") as error:
        folder(tmp_path).inspect()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("layout", ["{split}/{name}", "{name}/{split}"])
def test_two_folders_of_other_names_have_to_be_named(tmp_path, layout):
    for split in ("train", "val"):
        in_two_folders(tmp_path, *(layout.format(split=split, name=name) for name in ("photo", "label")))
    with pytest.raises(GanzooError, match=r"label and photo .* the same names.*--data\.folders '\[label, photo\]'"):
        folder(tmp_path).inspect()
    x, _ = first(folder(tmp_path, folders=["label", "photo"]).val_dataloader())
    assert (x[:, :2] == -1).all()  # labels are blue
    with pytest.raises(GanzooError, match=r"data\.folders: there are no pictures in a folder 'labels' of"):
        folder(tmp_path, folders=["labels", "photo"]).inspect()
    with pytest.raises(GanzooError, match=r"data\.folders: \['a'\] given"):
        folder(tmp_path, folders=["a"])


def test_pairs_side_by_side_may_lie_in_folders_of_the_same_names(tmp_path):
    write(tmp_path, "train/shoes", "train/bags", "val/shoes", "val/bags")
    assert len(folder(tmp_path).split("train")[0]) == 6


def test_halves_of_what_seems_a_single_picture_are_told_of(tmp_path, caplog):
    for split in ("train", "val"):
        (tmp_path / split).mkdir()
        Image.new("RGB", (40, 40)).save(tmp_path / split / "a.png")
    folder(tmp_path).split("train")
    assert f"{tmp_path.name}: {HALVED}: 1 of 1 pictures, such as train/a.png" in caplog.messages


def test_pairs_of_differing_proportions_and_broken_partners_are_named(tmp_path, caplog):
    in_two_folders(tmp_path, "trainA", "trainB", count=5)
    in_two_folders(tmp_path, "valA", "valB", count=1)
    for i, size in enumerate([(40, 20), (60, 60)]):
        Image.new("RGB", size).save(tmp_path / "trainB" / f"{i}.png")
    (tmp_path / "trainB" / "2.png").write_bytes(b"no picture")
    assert len(folder(tmp_path).split("train")[0]) == 4
    assert [message.removeprefix(f"{tmp_path.name}: ") for message in caplog.messages] == [
        "skipped 1 of 5 pictures that cannot be read: trainA/2.png (its partner in B: no picture, or damaged)",
        "cut to the middle square, although A and B differ in proportions: 1 of 4 pictures, such as trainA/0.png",
    ]


def test_what_is_in_none_of_the_splits_is_named(tmp_path, caplog):
    write(tmp_path, "train", "val", "extra", count=2)
    folder(tmp_path).inspect()
    assert "left out 2 picture(s) that lie in none of train, val and test: extra/0.png" in caplog.text
