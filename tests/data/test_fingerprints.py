"""What pictures are read as stays what it was: the fingerprints of a few files of every kind."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganzoo.data import Edges, ImageFolder, LowResolution, PairedFolder, UnpairedFolder
from ganzoo.data import image_folder as module

SIDE = 8  # of all pictures, so that nothing depends on how a version of Pillow resizes


def draw(folder: Path, count: int, width: int = SIDE) -> None:
    """Pictures of every mode in turn."""
    folder.mkdir(parents=True)
    for i in range(count):
        pixels = np.random.default_rng(i).integers(0, 256, (SIDE, width, 4), dtype=np.uint8)
        deep = Image.fromarray((pixels[..., 0].astype(np.uint16) << 8) + 7)
        palette = Image.frombytes("P", (width, SIDE), pixels[..., 0].tobytes())
        palette.putpalette(np.random.default_rng(9).integers(0, 256, 768, dtype=np.uint8).tobytes())
        kinds = [Image.fromarray(pixels[..., :3]), Image.fromarray(pixels), Image.fromarray(pixels[..., 0])]
        [*kinds, deep, palette, palette][i % 6].save(folder / f"{i}.{'tif' if i % 6 == 5 else 'png'}")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    draw(root / "flat", 12)
    for name in ("ant", "bee"):
        draw(root / "classes" / name, 7)
    for name in ("train", "val"):
        draw(root / "pairs" / name, 6, 2 * SIDE)
    for name, count in {"trainA": 4, "trainB": 5, "testA": 2, "testB": 3}.items():
        draw(root / "domains" / name, count)
    return root


CASES = {
    "flat": lambda root: (ImageFolder(f"{root}/flat", SIDE, 3), "train"),
    "grey": lambda root: (ImageFolder(f"{root}/flat", SIDE, 1), "train"),
    "held out": lambda root: (ImageFolder(f"{root}/flat", SIDE, 3, 0.3), "test"),
    "classes": lambda root: (ImageFolder(f"{root}/classes", SIDE, 3, 0.3), "train"),
    "edges": lambda root: (Edges(f"{root}/flat", SIDE, channels=3), "train"),
    "crops": lambda root: (LowResolution(f"{root}/flat", SIDE, 2, crop=True), "test"),
    "pairs": lambda root: (PairedFolder(f"{root}/pairs", SIDE, jitter=0, source_channels=1), "train"),
    "pairs, reversed": lambda root: (PairedFolder(f"{root}/pairs", SIDE, direction="BtoA"), "test"),
    "domains": lambda root: (UnpairedFolder(f"{root}/domains", SIDE, jitter=0), "train"),
    "domains, to test on": lambda root: (UnpairedFolder(f"{root}/domains", SIDE), "test"),
}
KNOWN = {
    "flat": "b7234c8fa8b315b2",
    "grey": "c6d8c72833524ac3",
    "held out": "c4133e0f190c1a32",
    "classes": "50c6900194eb30f0",
    "edges": "bbce11c049e0bab5",
    "crops": "6bb8a0881f46f8c1",
    "pairs": "b46488178750ec9e",
    "pairs, reversed": "03046e9da65dd421",
    "domains": "7277dd646adf4bbd",
    "domains, to test on": "50eb430a809eeb95",
}


@pytest.mark.parametrize("name", CASES)
def test_pictures_are_read_as_ever(root, name):
    data, split = CASES[name](root)
    assert data.fingerprint(split)[:16] == KNOWN[name]


def test_what_is_read_batch_by_batch_is_known_by_names_sizes_and_how_it_is_shown(root, monkeypatch):
    monkeypatch.setattr(module, "RESIDENT_BYTES", 0)
    options = [{}, {"fit": "pad"}, {"fit": "squash"}]
    prints = {ImageFolder(f"{root}/flat", SIDE, 3, **option).fingerprint("train") for option in options}
    assert len(prints) == 3
    ways = {PairedFolder(f"{root}/pairs", SIDE, direction=way).fingerprint("test") for way in ("AtoB", "BtoA")}
    assert len(ways) == 2
