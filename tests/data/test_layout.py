"""What folders of pictures stand for: splits, classes, or nothing."""

import logging
from pathlib import Path

import pytest
from PIL import Image

from ganzoo.common.errors import GanzooError
from ganzoo.data import Edges, ImageFolder
from ganzoo.data.layout import arrange, few, naturally, role


def names(**folders: int) -> list[str]:
    """Paths of so many pictures in each folder; `__` stands for a slash, and `_` alone for no folder."""
    prefixes = {folder: "" if folder == "_" else folder.replace("__", "/") + "/" for folder in folders}
    return sorted(f"{prefixes[folder]}{i}.png" for folder, count in folders.items() for i in range(count))


def write(root: Path, *folders: str, count: int = 3) -> Path:
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            Image.new("RGB", (4, 4), (40 * i, 0, 0)).save(root / folder / f"{i}.png")
    return root


def test_names_sort_as_people_sort_them():
    assert naturally(str(i) for i in (10, 2, 0, 11, 1)) == ["0", "1", "2", "10", "11"]
    assert naturally(["class10", "class2", "Zebra", "apple"]) == ["Zebra", "apple", "class2", "class10"]
    assert naturally(["0.5", "0.25", "-1", "3"]) == ["-1", "0.25", "0.5", "3"]  # decimals are no two whole numbers
    assert naturally(["1", "01", "2b", "10"]) == ["01", "1", "2b", "10"]
    assert naturally(["a", "a1", "a1b", "1a"]) == ["1a", "a", "a1", "a1b"]


def test_labels_follow_numbers(tmp_path):
    write(tmp_path, *map(str, range(12)), count=1)
    data = ImageFolder(str(tmp_path), 4)
    data.inspect()
    assert data.class_names == tuple(map(str, range(12)))
    items = dict(zip(data._layout.train, data.split("train")[1].tolist(), strict=True))
    assert items["2/0.png"] == 2
    assert items["10/0.png"] == 10


@pytest.mark.parametrize(("folder", "split"), [
    ("train", "train"), ("Training", "train"), ("training_set", "train"), ("train-images", "train"),
    ("val", "val"), ("valid", "val"), ("VALIDATION", "val"), ("validation set", "val"),
    ("test", "test"), ("testing", "test"), ("testset", "test"),
    ("trains", None), ("cat", None), ("tests", None), ("set", None),
])  # fmt: skip
def test_names_of_splits(folder, split):
    assert role(folder) == split


def test_train_and_val_are_splits_with_the_classes_inside(tmp_path):
    write(tmp_path, "train/cat", "train/dog")
    write(tmp_path, "val/cat", "val/dog", count=2)
    data = ImageFolder(str(tmp_path), 4, held_out=0.5)  # which the folders overrule
    data.inspect()
    assert (data.reference, data.n_classes, data.class_names) == ("test", 2, ("cat", "dog"))
    assert data.split("train")[1].tolist() == [0, 0, 0, 1, 1, 1]
    assert data.split("test")[1].tolist() == [0, 0, 1, 1]
    whole = ImageFolder(str(tmp_path), 4, splits=False)
    assert (len(whole.split("train")[0]), whole.reference, whole.class_names) == (10, "train", ("train", "val"))
    assert [len(Edges(str(tmp_path), 4).split(split)[0]) for split in ("train", "test")] == [6, 4]


@pytest.mark.parametrize(("paths", "train", "test", "classes"), [
    (names(train=4, val=2), 4, 2, ()),
    (names(train=4, val=2, test=3), 4, 2, ()),  # val is held out, test left alone
    (names(data__train=4, data__test=3), 4, 3, ()),
    (names(train__images=4, valid__images=3), 4, 3, ()),
    (names(training_set__training_set__cat=2, training_set__training_set__dog=2, test_set__test_set__cat=1,
           test_set__test_set__dog=1), 4, 2, ("cat", "dog")),
    (names(cat__train=2, cat__val=1, dog__train=3, dog__val=1), 5, 2, ("cat", "dog")),
    (names(w__cat__train=2, w__cat__test=1, w__dog__train=3, w__dog__test=1), 5, 2, ("cat", "dog")),
    (names(train=2, car=2, bus=2), 6, None, ("bus", "car", "train")),  # a train is a vehicle, too
    (names(train__cat=2, train__dog=2), 4, None, ("cat", "dog")),
    (names(val=3), 3, None, ()),
    (names(_=3), 3, None, ()),
    (names(_=3, more=1), 4, None, ()),
    (names(animals__cat__deep=1, animals__cat=1, animals__dog=2), 4, None, ("cat", "dog")),
])  # fmt: skip
def test_folders_that_people_have(paths, train, test, classes):
    layout = arrange(paths)
    assert (len(layout.train), layout.test if layout.test is None else len(layout.test)) == (train, test)
    assert layout.classes == classes
    assert layout.remarks == []
    assert set(layout.numbers) == (set(layout.everything()) if classes else set())


def test_a_stray_picture_is_left_out_and_named_and_the_classes_stay(tmp_path, caplog):
    write(tmp_path, "cat", "dog")
    write(tmp_path, ".", count=1)
    data = ImageFolder(str(tmp_path), 4)
    data.setup()
    assert data.class_names == ("cat", "dog")
    assert len(data.split("train")[0]) == 6
    assert caplog.messages == [f"{tmp_path.name}: left out 1 picture(s) beside the folders of the classes: 0.png"]


def test_many_pictures_beside_folders_keep_them_from_being_classes():
    assert (few(10), few(99), few(500)) == (1, 1, 10)
    layout = arrange(names(_=2, cat=20, dog=20))
    assert (len(layout.train), layout.classes) == (42, ())
    assert layout.remarks == ["2 pictures lie beside the folders cat, dog, which are therefore no classes"]
    assert arrange(names(_=2, cat=60, dog=60)).classes == ("cat", "dog")


def test_what_lies_beside_splits_is_left_out_and_named():
    layout = arrange(names(train=4, val=2, extra=1, _=1))
    assert (len(layout.train), len(layout.test)) == (4, 2)
    assert layout.remarks == ["left out 2 picture(s) beside train/: 0.png, extra/0.png"]
    layout = arrange(names(train__cat=30, train__dog=30, train=1, val__cat=1))
    assert layout.remarks == [
        "left out 1 picture(s) beside the folders of the classes: train/0.png",
        "there is no picture that is held out of dog",
    ]
    layout = arrange(names(train__cat=3, val__cat=3, val__dog=3))
    assert layout.classes == ("cat", "dog")
    assert layout.remarks == ["there is no picture to train on of dog"]


def test_val_and_test_without_train_are_refused(tmp_path):
    write(tmp_path, "val", "test")
    with pytest.raises(GanzooError, match=r"data\.root: there are pictures in test/, val/, but in no train/"):
        ImageFolder(str(tmp_path)).inspect()
    assert ImageFolder(str(tmp_path)).reference == "train"


def test_classes_without_any_picture_are_named(tmp_path, caplog):
    write(tmp_path, "cat", "dog")
    (tmp_path / "owl").mkdir()
    (tmp_path / ".git" / "refs").mkdir(parents=True)
    for file in (tmp_path / "dog").iterdir():
        file.write_bytes(b"no picture")
    with caplog.at_level(logging.WARNING):
        data = ImageFolder(str(tmp_path), 4)
        data.setup()
    assert data.class_names == ("cat", "dog")  # as a model was made for them before anything was decoded
    assert data.split("train")[1].tolist() == [0, 0, 0]
    assert [message.removeprefix(f"{tmp_path.name}: ") for message in caplog.messages] == [
        "owl: empty, and therefore no class",
        "skipped 3 of 6 pictures that cannot be read: dog/0.png, dog/1.png, dog/2.png (no picture, or damaged)",
        "there is no picture to train on of the class dog",
    ]
