"""Captions as data: words and numbers, captioned digits, emoji, and folders, whatever their files are like."""

import csv
import json
import zipfile

import numpy as np
import pytest
import torch
from captioned import captioned, drawn, write_captions, write_emoji

from ganzoo.common.captions import numbered, typed, vocabulary_of, words_of
from ganzoo.common.conditions import Sequences, Vectors
from ganzoo.common.errors import GanzooError
from ganzoo.data import CaptionedMNIST, CaptionFolder, Emoji
from ganzoo.data.captioned_mnist import LAYOUTS, captions_of, draw_codes, is_held_out


def words(row, condition):
    return " ".join(["", *condition.vocabulary][number] for number in row.tolist()).strip()


def test_words_are_lower_case_letters_or_digits():
    assert words_of("Don't PANIC: blue-square, café no. 42!") == ["dont", "panic", "blue", "square", "cafe", "no", "42"]
    assert vocabulary_of(["b a", "b c c"], 2) == ("b", "c")
    condition = Sequences(3, ("red", "three"))
    assert numbered(["Red 3 red red", "green"], condition).tolist() == [[1, 2, 1], [0, 0, 0]]
    with pytest.raises(GanzooError, match=r"any word of 'greeen'\."):
        typed(["red", "greeen"], condition)
    with pytest.raises(GanzooError, match=r"any word of '!'\."):
        typed(["!"], condition)


def test_a_caption_says_what_the_canvas_was_made_of(tmp_path):
    data = captioned(tmp_path, 64)
    (x, y), condition = next(iter(data.loader("train", train=True))), data.condition
    captions, groups = y
    assert x.shape == (8, 1, 64, 64)
    said = data.meaning(captions)
    images, (stored, counts, every) = data.split("train")
    assert images.dtype == torch.uint8
    assert len(every.unique()) == len(data.meaning(stored[:, 0]).unique(dim=0))
    assert {tuple(code) for code in said[groups == groups[0]].tolist()} == {tuple(said[0].tolist())}
    for row, code in zip(captions, said.tolist(), strict=True):
        assert words(row, condition) in captions_of(*code)
    several = data.meaning(stored.flatten(0, 1)).unflatten(0, stored.shape[:2])
    assert (several[:, 1] == several[:, 0]).all()  # other words, the same meaning
    # a bar's place tells its digit, see the helper: the brightest column of each box
    for image, (layout, *digits) in zip(images, several[:, 0].tolist(), strict=True):
        for place, digit in zip(LAYOUTS[layout].places, digits, strict=False):
            top, left = place.top[0] + 2 + 6, place.left[0] + 2
            columns = image[0, top : top + 14, left : left + 28 + place.left[1] - place.left[0]].float().mean(0)
            assert columns[4 + 2 * digit : 6 + 2 * digit + place.left[1] - place.left[0]].max() > 250
    assert (counts == torch.where(several[:, 0, 2] < 0, 2, 4)).all()


def test_training_draws_any_caption_and_scores_the_first(tmp_path):
    data = captioned(tmp_path)
    stored = data.split("train")[1][0]
    seen = set()
    for _ in range(4):  # epochs
        for _, (captions, _) in data.loader("train", train=True):
            seen |= {tuple(row) for row in captions.tolist()}
    assert len(seen) > len(stored[:, 0].unique(dim=0))
    _, y = next(iter(data.val_dataloader()))
    assert torch.equal(y, data.split("test")[1][0][:8, 0].long())


def test_combinations_to_be_told_apart_are_in_no_training_caption(tmp_path):
    data = captioned(tmp_path, samples=1500)
    said = data.meaning(data.split("train")[1][0][:, 0])
    assert not data.unseen(said).any()
    assert len(said.unique(dim=0)) > 150
    unseen = data.unseen(data.meaning(data.split("test")[1][0][:, 0]))
    assert unseen.tolist() == [False, True] * 1000
    codes = torch.cartesian_prod(torch.arange(2), torch.arange(10), torch.arange(10))
    assert is_held_out(codes).float().mean() == 0.2
    for axis in (1, 2):  # every digit is seen on either side
        assert len(codes[~is_held_out(codes)][:, [0, axis]].unique(dim=0)) == 20
    assert len(draw_codes(7, torch.Generator())) == 7


def test_smaller_canvases_are_means_of_pixels(tmp_path):
    large, small = (captioned(tmp_path, size).split("train")[0].float() for size in (64, 32))
    means = torch.nn.functional.avg_pool2d(large, 2)
    torch.testing.assert_close(small, means.round(), rtol=0, atol=1)
    with pytest.raises(GanzooError, match=r"^data\.size: 48 given"):
        CaptionedMNIST(str(tmp_path), 48)


def test_the_captions_of_a_folder(tmp_path):
    data = CaptionFolder(str(write_captions(tmp_path)), 24, batch_size=6, average=3, held_out=0.25)
    data.setup("fit")
    x, (captions, groups) = next(iter(data.loader("train", train=True)))
    assert captions.shape == (6, 3, 16)
    assert len(groups.unique()) == 6
    colours = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 60, 230), "grey": (120, 120, 120)}
    for image, own in zip(x, captions, strict=True):
        pixels = ((image + 1) * 127.5).flatten(1).T
        for row in own:
            said = words(row, data.condition)
            colour = next(colours[word] for word in said.split() if word in colours)
            assert (pixels - torch.tensor(colour)).abs().sum(1).min() < 30
    assert next(iter(data.val_dataloader()))[1].shape == (6, 16)
    assert "bar" in data.condition.vocabulary


def as_csv(folder):
    records = [json.loads(line) for line in (folder / "captions.jsonl").read_text().splitlines()]
    with (folder / "captions.csv").open("w") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "caption"])
        rows.writerows([record["file"], text] for record in records for text in record["captions"])
    (folder / "captions.jsonl").unlink()


def as_texts(folder):
    for line in (folder / "captions.jsonl").read_text().splitlines():
        record = json.loads(line)
        (folder / record["file"]).with_suffix(".txt").write_text("\n".join(record["captions"]))
    (folder / "captions.jsonl").unlink()


@pytest.mark.parametrize("form", [as_csv, as_texts])
def test_all_forms_say_the_same(tmp_path, form):
    folder = write_captions(tmp_path)
    before = CaptionFolder(str(folder), 16).split("train")
    form(folder)
    after = CaptionFolder(str(folder), 16)
    assert torch.equal(after.split("train")[0], before[0])
    for one, other in zip(after.split("train")[1], before[1], strict=True):
        assert torch.equal(one, other)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    assert torch.equal(CaptionFolder(str(tmp_path / "all.zip"), 16).split("train")[1][0], before[1][0])


def test_classes_are_groups_and_pictures_without_captions_are_left_out(tmp_path, caplog):
    for name in ("a/1", "a/2", "b/1", "b/2", "b/3"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.png").write_bytes(drawn("red", 3))
        (tmp_path / f"{name}.txt").write_text("" if name == "b/3" else f"bar of {name}\n")
    data = CaptionFolder(str(tmp_path), 16)
    assert data.split("train")[1][2].tolist() == [0, 0, 1, 1]
    assert "left out 1 pictures without captions: b/3.png" in caplog.text


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("captions.jsonl", b'{"file": "0.png"', "line 1 of captions.jsonl is no record of JSON"),
        ("captions.jsonl", b"[1]", "line 1 of captions.jsonl is no record of JSON"),
        ("captions.jsonl", b'\n{"captions": "x"}', "line 2 of captions.jsonl does not say which file"),
        ("captions.jsonl", b'{"file": "0.png", "captions": [1]}', "line 1 of captions.jsonl has no caption"),
        ("captions.jsonl", b'{"file": "9.png", "captions": "x"}', "none of the 1 pictures .* has a caption"),
        ("captions.jsonl", b'{"file": "0.png", "captions": "!!"}', "none of the 1 pictures .* has a caption"),
        ("captions.jsonl", b"\xff\xfe\x00", "captions.jsonl is not UTF-8 text"),
        ("captions.jsonl", b"[" * 200_000, "line 1 of captions.jsonl is no record of JSON"),
        ("captions.jsonl", b"", "none of the 1 pictures"),
        ("captions.csv", b"file,caption\n0.png\n", "line 2 of captions.csv has no caption"),
        ("captions.csv", b"a,b\n0.png,x\n", "line 2 of captions.csv does not say which file"),
        ("other.txt", b"a bar", "there are no captions: neither captions.jsonl nor captions.csv, nor a .txt"),
    ],
)
def test_captions_that_cannot_be_read_are_refused_in_a_line(tmp_path, name, content, words):
    (tmp_path / "0.png").write_bytes(drawn("red", 3))
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GanzooError, match=f"^data.root: {words}") as error:
        CaptionFolder(str(tmp_path), 16).inspect()
    assert "\n" not in str(error.value)


def test_huge_captions_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("ganzoo.data.caption_files.LONGEST", 20)
    with pytest.raises(GanzooError, match=r"captions\.jsonl has more than 20 bytes"):
        CaptionFolder(str(write_captions(tmp_path)), 16).inspect()


def test_emoji_have_names_and_keywords(tmp_path):
    data = Emoji(str(write_emoji(tmp_path)), 16, batch_size=6)
    assert len(data.split("train")[0]) == 18  # of 24, a quarter shows people
    assert len(Emoji(str(tmp_path / "emoji128.zip"), 16, people=True, style="blob").split("train")[0]) == 24
    said = {words(row, data.condition) for row in data.split("train")[1][0].flatten(0, 1)}
    assert {"red bar", "green bar shape row 1", "shape row 1"} <= said
    with pytest.raises(GanzooError, match=r"^data\.style: there are no pictures in mine/"):
        Emoji(str(tmp_path / "emoji128.zip"), style="mine").inspect()
    folder = write_captions(tmp_path / "others")
    (folder / "noto").mkdir()
    (folder / "0.png").rename(folder / "noto" / "0.png")
    with pytest.raises(GanzooError, match=r"^data\.root: captions\.jsonl of .* has no records of emoji"):
        Emoji(str(folder)).inspect()


def test_embeddings_take_the_place_of_words(tmp_path):
    data = Emoji(str(write_emoji(tmp_path)), 16, embeddings="captions_minilm.npz")
    assert data.condition == Vectors(8)
    _, (vectors, *_) = data.split("train")
    assert vectors.shape == (18, 1, 8)
    assert vectors.dtype == torch.float32
    _, (captions, groups) = next(
        iter(
            Emoji(str(tmp_path / "emoji128.zip"), 16, embeddings="captions_minilm.npz", batch_size=6).loader(
                "train", train=True
            )
        )
    )
    assert captions.shape == (6, 8)
    assert groups.shape == (6,)
    folder = write_captions(tmp_path)
    np.savez(folder / "e.npz", caption=np.array(["a red bar"]), embedding=np.full((1, 3), np.nan))
    for name in ("e.npz", "0.png"):
        with pytest.raises(GanzooError, match=rf"^data\.embeddings: {name} is no .npz file"):
            CaptionFolder(str(folder), embeddings=name).inspect()
    with pytest.raises(GanzooError, match=r"none\.npz in .* cannot be read"):
        CaptionFolder(str(folder), embeddings="none.npz").inspect()
