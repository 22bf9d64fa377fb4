"""Large pictures in tiles, or refused where they take too much memory."""

import enlargers
import numpy as np
import pytest
import torch
from commands import ganzoo
from PIL import Image
from tiny import Tint
from torch import nn

from ganzoo import load
from ganzoo.common.images import to_uint8
from ganzoo.networks.srresnet import SRResNetGenerator
from ganzoo.tools.translate import tiles


def network(**options) -> SRResNetGenerator:
    """A generator whose layers all have a say, BatchNorm's statistics included."""
    made = enlargers.generator(**options)
    torch.manual_seed(1)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return made.eval()


@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize("blocks", [0, 2])
def test_reach_is_as_far_as_a_pixel_depends_on_its_surroundings(factor, blocks):
    generator = network(blocks=blocks, factor=factor)
    for weight in generator.parameters():
        nn.init.constant_(weight, 0.1)  # so that nothing cancels
    side = 2 * generator.reach + 5
    x = torch.rand(1, 1, side, side, requires_grad=True)
    middle = factor * (side // 2)
    generator(x)[..., middle : middle + factor, middle : middle + factor].sum().backward()
    seen = x.grad[0, 0].abs().sum(0).nonzero().flatten()
    assert side // 2 - int(seen.min()) == generator.reach
    assert int(seen.max()) - side // 2 <= generator.reach


@pytest.mark.parametrize(("height", "width", "tile"), [(90, 70, 32), (33, 100, 32), (40, 40, 16), (20, 20, 64)])
def test_tiles_give_what_the_whole_gives(height, width, tile):
    generator = network()
    x = torch.rand(1, 1, height, width) * 2 - 1
    with torch.no_grad():
        shown = []
        tiled = tiles.translate_in_tiles(
            lambda part: (shown.append(part.shape), generator(part))[1], x, tile, generator.reach
        )
        whole = to_uint8(generator(x))[0]
    assert tiled.shape == whole.shape == (4 * height, 4 * width, 1)
    assert np.abs(tiled.astype(int) - whole).max() <= 1  # of 255: rounding
    assert (tiled == whole).mean() > 0.99
    assert max(max(shape[2:]) for shape in shown) <= tile + 2 * generator.reach
    # with less overlap than that there would be seams
    if len(shown) > 1:
        with torch.no_grad():
            seams = tiles.translate_in_tiles(generator, x, tile, 1)
        assert np.abs(seams.astype(int) - whole).max() > 1


def test_tiles_of_a_network_that_takes_multiples_are_multiples():
    generator = Tint().eval()
    x = torch.rand(1, 1, 38, 54) * 2 - 1
    with torch.no_grad():
        tiled = tiles.translate_in_tiles(generator, x, 15, 1, generator.multiple)
        assert (tiled == to_uint8(generator(x))[0]).all()


def test_the_command_translates_large_pictures_in_tiles(tmp_path, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (90, 120), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "in.png")
    shown = []
    real = SRResNetGenerator.forward
    monkeypatch.setattr(SRResNetGenerator, "forward", lambda self, x: (shown.append(x.shape), real(self, x))[1])
    made = {}
    for tile in (0, 32):
        out = tmp_path / f"{tile}.png"
        said = ganzoo("translate", "srresnet-faces", tmp_path / "in.png", "-o", out, "--tile", tile)
        assert said.status == 0, said.err
        made[tile] = np.asarray(Image.open(out)).astype(int)
    assert made[0].shape == (360, 480)
    assert np.abs(made[0] - made[32]).max() <= 1
    reach = load("srresnet-faces").generator.reach
    assert max(max(shape[2:]) for shape in shown[1:]) <= 32 + 2 * reach


def test_a_picture_of_more_memory_than_there_is_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tiles, "free_memory", lambda device: 1e7)
    monkeypatch.setattr("ganzoo.tools.translate.files.SMALL", 64)
    Image.new("L", (400, 300)).save(tmp_path / "large.png")
    Image.new("L", (8, 8)).save(tmp_path / "small.png")
    said = ganzoo("translate", "cyclegan-mnist", tmp_path / "large.png", "-o", tmp_path / "out.png")
    assert said.error.startswith("400x300 pixels take about ")
    assert said.error.endswith("GB, and 0.0 GB are free; make it smaller")
    assert not (tmp_path / "out.png").exists()
    both = tmp_path / "large.png", tmp_path / "small.png"
    said = ganzoo("translate", "cyclegan-mnist", *both, "-o", tmp_path / "out")
    assert said.status == 0
    assert "skipped 1 that cannot be translated" in said.err
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["small.png"]
    said = ganzoo("translate", "srresnet-faces", both[0], "-o", tmp_path / "out.png", "--tile", 0)
    assert "leave out --tile 0" in said.error


@pytest.mark.parametrize(
    ("name", "tile", "message"),
    [
        ("srresnet-faces", 3, "--tile: 3 given, but it must be at least 16, or 0 for no tiles."),
        ("srresnet-faces", -1, "--tile: -1 given, but it must be at least 16"),
        ("cyclegan-mnist", 64, "--tile: each pixel of 'cyclegan-mnist' depends on the whole picture; leave it out."),
    ],
)
def test_tiles_that_cannot_be_are_refused(tmp_path, name, tile, message):
    Image.new("L", (8, 8)).save(tmp_path / "in.png")
    said = ganzoo("translate", name, tmp_path / "in.png", "-o", tmp_path / "out.png", "--tile", tile)
    assert said.error.startswith(message)


def test_memory_grows_with_the_picture():
    generator = network(width=4)
    one, four = (tiles.memory_needed(generator, generator, torch.zeros(1, 1, side, side)) for side in (64, 128))
    assert four == 4 * one
    assert one == tiles.BESIDE * 64 * 64 * (4 * 16 + 4 * 16) * 4  # the last PReLU: as much as it takes, in float32
