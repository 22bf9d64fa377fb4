"""Masks below clips, in the pictures and movies that `ganzoo sample` draws of a model that has some."""

import importlib

import numpy as np
import pytest
from PIL import Image
from streams import SHAPE, vgan

from ganzoo.data.clip_files import read_clip

module = importlib.import_module("ganzoo.tools.sample")


@pytest.fixture
def sample(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "load_sampler", lambda *args: vgan())
    return lambda name, **options: module.sample("x", out=tmp_path / name, **{"n": 4} | options)[0]


@pytest.mark.parametrize("name", ["x.gif", "x.png"])
def test_pictures_and_movies_show_masks_unless_they_are_plain(sample, name):
    sizes = []
    for plain in (False, True):
        with Image.open(sample(name, plain=plain, n=1)) as image:
            sizes.append(image.size)
    assert sizes[0] != sizes[1]  # twice as high, and laid out accordingly


def test_arrays_and_folders_hold_clips_alone(sample, tmp_path):
    samples = np.load(sample("x.npz"))["samples"]
    assert samples.shape == (4, *SHAPE[1:], 3)
    sample("clips")
    clips = [read_clip(path) for path in sorted((tmp_path / "clips").iterdir())]
    assert len(clips) == 4
    for clip in clips:
        assert clip.shape[0] == SHAPE[1]
        assert clip.shape[2] == clip.shape[3]


def test_rows_of_truncation_factors_have_masks_too(sample):
    assert sample("x.png", truncation=[0.5, 1.0]).is_file()
