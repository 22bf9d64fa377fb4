"""Pairs of edges and pictures: where ink falls, and that both sides of a pair belong together."""

import pytest
import torch
from PIL import Image

from ganzoo.common.errors import GanzooError
from ganzoo.data import Edges
from ganzoo.data.edges import draw_edges


def step(side: int = 32) -> torch.Tensor:
    """Dark on the left half, light on the right."""
    x = torch.full((1, 1, side, side), -0.5)
    x[..., side // 2 :] = 0.5
    return x


@pytest.fixture
def blocks(tmp_path):
    """20 pictures of a bright block on black, each in a place of its own."""
    for i in range(20):
        image = Image.new("L", (24, 24))
        image.paste(200, (i % 5 * 3 + 2, i // 5 * 3 + 2, i % 5 * 3 + 9, i // 5 * 3 + 9))
        image.save(tmp_path / f"{i:02}.png")
    return tmp_path


def test_ink_falls_on_the_dark_side_of_an_edge_and_nowhere_else():
    drawn = draw_edges(step())[0, 0]
    assert drawn.unique(dim=0).shape[0] == 1  # every row alike
    assert drawn[0, 15] < -0.99
    assert (drawn[0, 16:] == 1).all()
    assert (drawn[0, :12] == 1).all()


def test_a_smooth_picture_is_an_empty_sheet():
    assert (draw_edges(torch.full((2, 1, 16, 16), 0.3)) == 1).all()
    ramp = torch.linspace(-1, 1, 64).expand(1, 1, 64, 64)
    assert (draw_edges(ramp)[..., 4:-4] == 1).all()
    noise = 0.01 * torch.randn(1, 1, 64, 64)
    assert (draw_edges(noise) == 1).float().mean() > 0.99


def test_brightness_plays_no_part_and_contrast_only_near_the_threshold():
    x = torch.nn.functional.interpolate(torch.randn(2, 1, 8, 8), (32, 32), mode="bicubic")
    torch.testing.assert_close(draw_edges(x + 0.2), draw_edges(x), atol=1e-3, rtol=0)
    assert (draw_edges(step() * 0.02) == 1).all()
    assert draw_edges(step() * 0.5)[..., 15].max() < -0.99


def test_drawings_turn_and_mirror_with_the_picture():
    x = torch.randn(3, 1, 24, 24)
    drawn = draw_edges(x)
    for turned in (lambda t: t.flip(-1), lambda t: t.flip(-2), lambda t: t.transpose(-1, -2)):
        torch.testing.assert_close(draw_edges(turned(x)), turned(drawn), atol=1e-3, rtol=0)
    torch.testing.assert_close(draw_edges(x[1:2]), drawn[1:2], atol=1e-3, rtol=0)  # images do not mix


def test_a_larger_sigma_draws_wider_lines_and_a_higher_threshold_fewer():
    x = torch.nn.functional.interpolate(torch.randn(4, 1, 8, 8), (64, 64), mode="bicubic")
    ink = lambda **options: (1 - draw_edges(x, **options)).mean()  # noqa: E731
    assert ink(sigma=1.5) > 1.2 * ink(sigma=0.7)
    assert ink(threshold=0.1) < 0.8 * ink(threshold=0.02)


def test_colours_are_drawn_by_their_brightness():
    colour = step().repeat(1, 3, 1, 1)
    torch.testing.assert_close(draw_edges(colour), draw_edges(step()))


@pytest.mark.parametrize("channels", [1, 3])
def test_pairs_of_a_folder(blocks, channels):
    data = Edges(root=str(blocks), size=24, channels=channels, batch_size=4)
    data.setup()
    assert (data.source_shape, data.shape, data.reference, data.paired) == (
        (1, 24, 24),
        (channels, 24, 24),
        "test",
        True,
    )
    assert [len(data.split(split)[0]) for split in ("train", "test")] == [18, 2]
    for loader in (data.train_dataloader(), data.val_dataloader()):
        x, y = next(iter(loader))
        assert (x.shape[1:], y.shape[1:]) == (data.source_shape, data.shape)
        assert torch.equal(x, draw_edges(y))
        assert x.min() < -0.99  # there is ink
        assert ((x == 1).float().mean() > 0.5).all()


def test_flips_hit_both_alike(blocks):
    data = Edges(root=str(blocks), size=24, channels=1, batch_size=18, flip=True)
    data.setup()
    stored = data.split("train")[0].float() / 127.5 - 1
    x, y = next(iter(data.train_dataloader()))
    torch.testing.assert_close(x, draw_edges(y))
    as_it_is = sum(any(torch.allclose(image, other) for other in stored) for image in y)
    assert 0 < as_it_is < 18


def test_classes_stay_with_the_targets(blocks):
    for name in "ab":
        (blocks / name).mkdir()
    for i, file in enumerate(sorted(blocks.glob("*.png"))):
        file.rename(blocks / "ab"[i % 2] / file.name)
    data = Edges(root=str(blocks), size=24, channels=1, batch_size=4)
    data.setup()
    x, (y, labels) = next(iter(data.train_dataloader()))
    assert (len(x), len(y), len(labels), data.n_classes) == (4, 4, 4, 2)


@pytest.mark.parametrize("name", ["sigma", "threshold"])
def test_bad_values_are_named(name):
    with pytest.raises(GanzooError, match=rf"data\.{name}: 0 given, but it must be above 0"):
        Edges(root="x", **{name: 0})
