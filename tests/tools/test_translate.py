import numpy as np
import pytest
import tiny
import torch
import yaml
from commands import ganzoo
from PIL import Image
from torch import nn

from ganzoo import load
from ganzoo.checkpoints import folder_format
from ganzoo.common.errors import GanzooError
from ganzoo.games.translator import Translator
from ganzoo.tools.translate.files import input_channels, plan_targets

RECIPE = {"model": {"class_path": "tiny.Recolour", "init_args": {"generator": {"class_path": "tiny.Tint"}}}}


class Negative(nn.Module):
    """Black to white, in the network's own mode and size."""

    def __init__(self, channels: int = 1, size: int | None = None, multiple: int = 1, scale: int = 1) -> None:
        super().__init__()
        self.source_shape = self.shape = (channels, size, size)
        self.multiple, self.scale = multiple, scale
        self.weight = nn.Parameter(-torch.ones(1))

    def forward(self, x):
        assert all(side % self.multiple == 0 for side in x.shape[2:])
        return self.weight * x.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)


class Both(Translator):
    """Two ways: there the negative, back the picture itself."""

    def __init__(self, generator: nn.Module, back: nn.Module) -> None:
        super().__init__(generator)
        self.back = back

    def translate(self, x, seed=None, back=False):
        return self.rendered(lambda part: -self.back(part), x, self.back) if back else super().translate(x, seed)


class Noisy(tiny.Recolour):
    """Keeps its dropout on."""

    def render(self, x):
        self.generator[3].train()
        return super().render(x)


@pytest.fixture(scope="session")
def save(tmp_path_factory):
    """Writes a checkpoint of a translator with these networks; returns its folder."""

    def write(kind=Translator, back=None, **options):
        recipe = {"class_path": f"{__name__}.Negative", "init_args": options}
        networks = {"generator": recipe} | ({"back": recipe} if back else {})
        name = kind.__name__
        path = f"ganzoo.games.translator.{name}" if kind is Translator else f"{__name__}.{name}"
        model = kind(*[Negative(**options) for _ in networks])
        folder = tmp_path_factory.mktemp("models") / "negative"
        text = yaml.safe_dump({"model": {"class_path": path, "init_args": networks}})
        folder_format.save_folder(model, folder, text, "# A card", Image.new("L", (8, 8)))
        return folder

    return write


@pytest.fixture(scope="session")
def grey(save):
    return save()


@pytest.fixture
def photo(tmp_path):
    """A grey picture, 6x4, of its own in every pixel."""
    file = tmp_path / "photo.png"
    Image.fromarray(np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)).save(file)
    return file


def pixels(file):
    return np.asarray(Image.open(file)).astype(int)


def test_a_picture_becomes_its_translation(grey, photo, tmp_path):
    said = ganzoo("translate", grey, photo, "-o", tmp_path / "out.png")
    assert said.status == 0, said.err
    assert said.out == f"{tmp_path / 'out.png'}\n"
    assert (pixels(tmp_path / "out.png") == 255 - pixels(photo)).all()
    said = ganzoo("translate", grey, photo, "-o", tmp_path / "folder")  # no ending: a folder
    assert said.out == f"{tmp_path / 'folder' / 'photo.png'}\n"
    assert (pixels(tmp_path / "folder" / "photo.png") == 255 - pixels(photo)).all()
    assert (pixels(photo) == np.arange(0, 240, 10).reshape(4, 6)).all()


def test_folders_keep_their_shape_and_unreadable_files_are_named(grey, photo, tmp_path):
    root = tmp_path / "in"
    for name in ("a.png", "deep/er/b.png", "deep/c.bmp"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.open(photo).save(root / name)
    (root / "bad.jpg").write_bytes(b"no picture")
    (root / "notes.txt").write_text("no picture either")
    said = ganzoo("translate", grey, root, photo, "-o", tmp_path / "out")
    assert said.status == 0, said.err
    assert said.out == f"4 pictures in {tmp_path / 'out'}\n"
    written = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert written == ["a.png", "deep/c.bmp", "deep/er/b.png", "photo.png"]
    assert "skipped 1 that cannot be translated" in said.err
    assert "bad.jpg (no picture, or damaged)" in said.err
    assert "picture" in said.err  # a bar, of more than a few
    assert (pixels(tmp_path / "out" / "deep" / "c.bmp") == 255 - pixels(photo)).all()


def test_none_that_can_be_read_is_an_error(grey, tmp_path):
    for name in ("bad.jpg", "worse.png"):
        (tmp_path / name).write_bytes(b"no picture")
    said = ganzoo("translate", grey, tmp_path, "-o", tmp_path / "out")
    assert said.error.startswith("none of the 2 picture(s) can be translated: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA", "1", "CMYK"])
def test_pictures_of_any_mode_are_converted(save, grey, mode, tmp_path):
    Image.new("RGB", (8, 8), "white").convert(mode).save(tmp_path / ("x.jpg" if mode == "CMYK" else "x.png"))
    for model, colours in ((grey, ()), (save(channels=3), (3,))):
        out = tmp_path / f"{len(colours)}.png"
        file = next(tmp_path.glob("x.*"))
        assert ganzoo("translate", model, file, "-o", out).status == 0
        assert pixels(out).shape == (8, 8, *colours)
        assert pixels(out).max() <= 2  # the negative of white


def test_transparency_is_white_and_orientation_is_heeded(grey, photo, tmp_path):
    image = Image.new("LA", (8, 8), (0, 0))
    image.save(tmp_path / "clear.png")
    ganzoo("translate", grey, tmp_path / "clear.png", "-o", tmp_path / "out.png")
    assert pixels(tmp_path / "out.png").max() == 0
    turned = Image.open(photo)
    exif = turned.getexif()
    exif[0x0112] = 6  # to be turned by a quarter
    turned.save(tmp_path / "turned.png", exif=exif)
    ganzoo("translate", grey, tmp_path / "turned.png", "-o", tmp_path / "out.png")
    assert (pixels(tmp_path / "out.png") == 255 - np.rot90(pixels(photo), -1)).all()


def test_a_model_of_one_size_gets_the_middle_resized(save, tmp_path):
    wide = np.zeros((40, 80), np.uint8)
    wide[:, 20:60] = 255
    Image.fromarray(wide).save(tmp_path / "wide.png")
    said = ganzoo("translate", save(size=10), tmp_path / "wide.png", "-o", tmp_path / "out.png")
    assert said.out == f"{tmp_path / 'out.png'}; 1 cropped or resized to what the model takes\n"
    assert pixels(tmp_path / "out.png").shape == (10, 10)
    assert pixels(tmp_path / "out.png").max() <= 2


def test_other_sizes_are_continued_and_cut_back(save, photo, tmp_path):
    out = tmp_path / "out.png"
    assert ganzoo("translate", save(multiple=4), photo, "-o", out).status == 0
    assert (pixels(out) == 255 - pixels(photo)).all()
    assert ganzoo("translate", save(multiple=4, scale=2), photo, "-o", out).status == 0
    assert (pixels(out) == (255 - pixels(photo)).repeat(2, 0).repeat(2, 1)).all()


def test_back_is_for_models_of_two_ways(save, grey, photo, tmp_path):
    out, both = tmp_path / "out.png", save(Both, back=True)
    assert ganzoo("translate", both, photo, "-o", out).status == 0
    assert (pixels(out) == 255 - pixels(photo)).all()
    assert ganzoo("translate", both, photo, "-o", out, "--back").status == 0
    assert (pixels(out) == pixels(photo)).all()
    assert "translates one way only" in ganzoo("translate", grey, photo, "-o", out, "--back").error


def test_no_input_is_overwritten(grey, photo, tmp_path):
    before = photo.read_bytes()
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    for out in (photo, tmp_path, link, link / "photo.png"):
        assert "is one of the pictures to be translated" in ganzoo("translate", grey, photo, "-o", out).error
    assert photo.read_bytes() == before
    other = tmp_path / "other" / "photo.png"
    other.parent.mkdir()
    Image.open(photo).save(other)
    assert "would both be written to" in ganzoo("translate", grey, photo, other, "-o", tmp_path / "out").error
    assert not (tmp_path / "out").exists()


def test_mistakes_are_one_clear_line(grey, photo, tmp_path):
    (tmp_path / "empty").mkdir()
    for words, message in (
        ((tmp_path / "phto.png", "-o", "x"), f"there is no picture or folder '{tmp_path / 'phto.png'}'. Did you mean"),
        ((tmp_path / "empty", "-o", "x"), "there are no pictures in"),
        ((photo, tmp_path / "empty", "-o", "x"), "there are no pictures in"),
        ((photo, "-o", tmp_path / "out.xyz"), "use a name that ends in .png"),
        ((photo, "-o", tmp_path / "out.png", "--device", "cuda:9"), "--device: 'cuda:9' is not available"),
    ):
        assert message in ganzoo("translate", grey, *words).error
    assert "of a folder, or several, go to a folder" in ganzoo("translate", grey, tmp_path, "-o", photo).error
    assert "`ganzoo sample` draws from it" in ganzoo("translate", "gan-mnist", photo, "-o", "x.png").error
    assert "`ganzoo translate` is for it" in ganzoo("sample", grey, "-o", tmp_path / "x.png").error
    network = nn.Module()
    network.source_shape = (4, 8, 8)
    with pytest.raises(GanzooError, match="images of 4 channels"):
        input_channels(network)


def test_names_that_cannot_be_written_become_png(tmp_path):
    names = ["a.jpg", "b.webp", "c.fli", "d"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    plan = plan_targets([tmp_path / name for name in names], tmp_path / "out")
    assert [target.name for target in plan.values()] == ["a.jpg", "b.webp", "c.png", "d.png"]


def test_noise_is_the_same_for_the_same_seed(tmp_path, photo):
    model = tiny.recolour(Noisy, discriminator=None, dropout=0.5)
    nn.init.normal_(model.generator[4].weight, std=5)
    nn.init.ones_(model.generator[1].bias)  # so that there is something to drop
    tint = {"class_path": "tiny.Tint", "init_args": {"dropout": 0.5}}
    text = yaml.safe_dump({"model": {"class_path": f"{__name__}.Noisy", "init_args": {"generator": tint}}})
    folder_format.save_folder(model, tmp_path / "noisy", text, "# A card", None)
    found = []
    for seed in (0, 0, 1):
        assert ganzoo("translate", tmp_path / "noisy", photo, "-o", tmp_path / "out.png", "--seed", seed).status == 0
        found.append(pixels(tmp_path / "out.png"))
    assert (found[0] == found[1]).all()
    assert (found[0] != found[2]).any()


def test_a_checkpoint_translates_like_the_model_that_it_was_made_from(tmp_path):
    model = tiny.recolour(ema=0.5).eval()
    nn.init.normal_(model.averages["generator"].module[4].weight, std=0.5)
    discriminator = {
        "class_path": "torch.nn.Conv2d",
        "init_args": {"in_channels": 1, "out_channels": 1, "kernel_size": 3},
    }
    model.discriminator = nn.Conv2d(1, 1, 3)
    init = RECIPE["model"]["init_args"] | {"discriminator": discriminator, "ema": 0.5}
    text = yaml.safe_dump({"model": {"class_path": "tiny.Recolour", "init_args": init}})
    folder_format.save_folder(model, tmp_path / "tint", text, "# A card", Image.new("L", (8, 8)))
    loaded = load(tmp_path / "tint")
    x = torch.rand(2, 1, 10, 12) * 2 - 1
    torch.testing.assert_close(loaded.translate(x), model.translate(x), atol=2e-2, rtol=2e-2)
    assert not loaded.training
    torch.testing.assert_close(loaded.discriminator.weight, model.discriminator.weight, atol=1e-3, rtol=1e-3)
    assert loaded.card.endswith("# A card")


def test_a_tiny_picture_keeps_no_other_from_its_translation(tmp_path):
    for name, size in (("a", (9, 7)), ("b", (1, 1)), ("c", (2, 3)), ("d", (1, 300)), ("e", (300, 2))):
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.new("P", size, 3).save(tmp_path / "in" / f"{name}.png")
    (tmp_path / "in" / "f.png").write_bytes(b"")
    said = ganzoo("translate", "cyclegan-mnist", tmp_path / "in", "-o", tmp_path / "out")
    assert said.status == 0, said.err
    assert said.out == f"5 pictures in {tmp_path / 'out'}\n"
    assert "skipped 1 that cannot be translated" in said.err
    sizes = {file.name: Image.open(file).size for file in (tmp_path / "out").iterdir()}
    assert sizes == {"a.png": (9, 7), "b.png": (1, 1), "c.png": (2, 3), "d.png": (1, 300), "e.png": (300, 2)}


class Fails(Negative):
    """Cannot do with squares."""

    def forward(self, x):
        if x.shape[2] == x.shape[3]:
            raise RuntimeError("Expected\nsomething else")
        return super().forward(x)


def test_a_picture_that_a_network_fails_with_is_named_and_skipped(tmp_path):
    network = {"class_path": f"{__name__}.Fails"}
    text = yaml.safe_dump(
        {"model": {"class_path": "ganzoo.games.translator.Translator", "init_args": {"generator": network}}}
    )
    folder_format.save_folder(Translator(Fails()), tmp_path / "fails", text, "# A card", Image.new("L", (8, 8)))
    for width in (5, 6, 7):
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.new("L", (width, 6)).save(tmp_path / "in" / f"{width}.png")
    said = ganzoo("translate", tmp_path / "fails", tmp_path / "in", "-o", tmp_path / "out")
    assert said.status == 0, said.err
    assert f"skipped 1 that cannot be translated: {tmp_path / 'in' / '6.png'} (Expected something else)" in said.err
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["5.png", "7.png"]
    said = ganzoo("translate", tmp_path / "fails", tmp_path / "in" / "6.png", "-o", tmp_path / "x.png")
    assert "none of the 1 picture(s) can be translated: " in said.error


def test_an_image_smaller_than_a_network_takes_is_refused_in_words():
    with pytest.raises(GanzooError, match=r"x: sides of at least 8 are taken, but it has 3x4x4\."):
        load("cyclegan-mnist").translate(torch.zeros(1, 3, 4, 4))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
@pytest.mark.parametrize("colours", [1, 3])
def test_transparency_stays_where_the_format_has_it(save, mode, colours, tmp_path):
    image = Image.new("RGBA", (8, 4), (200, 30, 30, 0))
    image.paste((0, 90, 200, 255), (0, 0, 4, 4))
    image.convert(mode).save(tmp_path / "in.png")
    alpha = np.asarray(Image.open(tmp_path / "in.png").convert("RGBA"))[..., 3]
    assert set(alpha.flat) == {0, 255}
    model = save(channels=colours, scale=2)
    for ending in ("png", "webp", "tif"):
        said = ganzoo("translate", model, tmp_path / "in.png", "-o", tmp_path / f"out.{ending}")
        assert said.out == f"{tmp_path / 'out'}.{ending}\n", said.err
        made = np.asarray(Image.open(tmp_path / f"out.{ending}").convert("RGBA"))
        assert (made[..., 3] == alpha.repeat(2, 0).repeat(2, 1)).mean() > 0.8  # smooth at the edge
        assert set(made[:, [0, -1], 3].flat) == {0, 255}
    said = ganzoo("translate", model, tmp_path / "in.png", "-o", tmp_path / "out.jpg")
    assert said.out == f"{tmp_path / 'out.jpg'}; 1 filled with white: the format has no transparency\n"
    assert pixels(tmp_path / "out.jpg")[0, -1].max() <= 8  # the negative of white


def test_transparency_is_cropped_and_turned_with_its_picture(save, tmp_path):
    image = Image.new("LA", (40, 80), (0, 0))
    image.paste((0, 255), (0, 20, 40, 60))
    exif = image.getexif()
    exif[0x0112] = 6  # to be turned by a quarter
    image.save(tmp_path / "in.png", exif=exif)
    assert ganzoo("translate", save(size=10), tmp_path / "in.png", "-o", tmp_path / "out.png").status == 0
    made = Image.open(tmp_path / "out.png")
    assert (made.mode, made.size) == ("LA", (10, 10))
    assert np.asarray(made)[..., 1].min() == 255  # the middle, which is not transparent


def test_a_picture_that_is_opaque_has_no_alpha_channel(grey, tmp_path):
    Image.new("RGBA", (8, 8), (9, 9, 9, 255)).save(tmp_path / "in.png")
    assert ganzoo("translate", grey, tmp_path / "in.png", "-o", tmp_path / "out.png").status == 0
    assert Image.open(tmp_path / "out.png").mode == "L"
