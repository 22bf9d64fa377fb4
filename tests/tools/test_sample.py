"""`ganzoo sample`: grids, numbered pictures and arrays, and what cannot be drawn."""

from pathlib import Path

import numpy as np
import pytest
from commands import ganzoo
from PIL import Image


def sample(digits_run, *words):
    said = ganzoo("sample", digits_run.folder / "export", *words)
    assert (said.status, said.err) == (0, "")
    return said.out.splitlines()


def test_sample_draws_a_grid(digits_run, tmp_path):
    out = tmp_path / "new folder" / "grid.png"
    assert sample(digits_run, "-n", 9, "-o", out) == [str(out)]
    picture = Image.open(out)
    assert (picture.format, picture.width) == ("PNG", picture.height)


def test_sample_without_a_place_is_named_after_the_checkpoint(digits_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert sample(digits_run, "-n", 4) == ["export.png"]
    assert [str(path) for path in Path().iterdir()] == ["export.png"]


def test_sample_fills_a_folder_with_numbered_pictures_and_an_array(digits_run, tmp_path):
    folder, array = tmp_path / "pictures", tmp_path / "samples.npz"
    assert sample(digits_run, "-n", 12, "-o", folder, "--npz", array) == [str(folder), str(array)]
    assert sorted(path.name for path in folder.iterdir()) == [f"{i:04d}.png" for i in range(12)]
    samples = np.load(array)["samples"]
    assert (samples.shape, samples.dtype) == ((12, 8, 8, 1), np.uint8)
    for i, pixels in enumerate(samples):
        assert np.array_equal(np.asarray(Image.open(folder / f"{i:04d}.png")), pixels[..., 0])


def test_the_seed_fixes_the_file(digits_run, tmp_path):
    def draw(name, *words):
        sample(digits_run, "-n", 9, "-o", tmp_path / name, *words)
        return (tmp_path / name).read_bytes()

    for suffix in ("png", "npz"):
        first = draw(f"a.{suffix}", "--seed", 3)
        assert draw(f"b.{suffix}", "--seed", 3) == first
        assert draw(f"c.{suffix}", "--seed", 4) != first
        assert draw(f"d.{suffix}", "--seed", 3, "--truncation", 0.5) != first


def test_a_training_checkpoint_can_be_sampled_from(digits_run, tmp_path):
    said = ganzoo("sample", digits_run.folder / "last.ckpt", "-n", 4, "-o", tmp_path / "grid.png")
    assert (said.status, said.err) == (0, "")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--labels", "3"], ["labels: ", "WGANGP is unconditional"]),
        (["-n", "0"], ["-n: ", "at least 1"]),
        (["-n", "many"], ["-n: must be an int, not many"]),
        (["--device", "gpuu"], ["--device: 'gpuu'"]),
        (["-o", "file/grid.png"], ["'file"]),  # a file, where a folder is needed
        (["-o", "grid.jpgg"], ["grid.jpgg"]),
    ],
)
def test_what_cannot_be_drawn(digits_run, tmp_path, monkeypatch, words, parts):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    error = ganzoo("sample", digits_run.folder / "export", *words).error
    assert [part for part in parts if part not in error] == [], error
    assert [str(path) for path in Path().iterdir()] == ["file"]


def test_a_damaged_checkpoint_is_not_loaded(digits_run, tmp_path):
    for name in ("recipe.yaml", "model.safetensors"):
        (tmp_path / name).write_bytes((digits_run.folder / "export" / name).read_bytes()[:-100])
    error = ganzoo("sample", tmp_path, "-o", tmp_path / "grid.png").error
    assert str(tmp_path) in error
    (tmp_path / "last.ckpt").write_bytes((digits_run.folder / "last.ckpt").read_bytes()[:-100])
    assert "is damaged" in ganzoo("sample", tmp_path / "last.ckpt", "-o", tmp_path / "grid.png").error
    assert not (tmp_path / "grid.png").exists()
