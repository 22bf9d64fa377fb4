"""Pairs of earlier frames and the next one: which frames, whole or in patches that move, of any clips."""

import pytest
import torch
import yaml
from clips import Squares, next_squares
from idx import write_mnist
from PIL import Image

from ganzoo.checkpoints.build import make_datamodule
from ganzoo.common.errors import GanzooError
from ganzoo.common.frames import moved, split_frames
from ganzoo.common.kinds import IMAGES
from ganzoo.data import NextDigits, NextFrame, NextFrames, moving_digits
from ganzoo.data.next_frame import moving_patches
from ganzoo.data.textures import make_textures


def rising(n=2, frames=6, side=8):
    """Clips whose t-th frame is t / 10 in its first channel and -t / 10 in its second."""
    ramp = torch.arange(frames) / 10
    return torch.stack([ramp, -ramp])[None, :, :, None, None].expand(n, -1, -1, side, side)


def test_the_last_frame_is_the_target_and_those_before_it_are_stacked_oldest_first():
    data = next_squares()
    clips, _ = Squares().load("test")
    x, y = next(iter(data.loader("test")))
    assert (data.shape, data.source_shape, data.kind) == ((1, 16, 16), (4, 16, 16), IMAGES)
    real = clips[:8].float() / 127.5 - 1
    assert x.equal(real[:, 0, 1:5])
    assert y.equal(real[:, :, 5])
    assert data.loader("test").size == 24


def test_channels_of_a_frame_stay_together():
    x, y = NextFrame(Squares(), frames=3).make(rising(), None, torch.Generator(), False)
    torch.testing.assert_close(x[0, :, 0, 0], torch.tensor([0.2, -0.2, 0.3, -0.3, 0.4, -0.4]))
    torch.testing.assert_close(y[0, :, 0, 0], torch.tensor([0.5, -0.5]))
    frames = split_frames(x, 3)
    assert [frame[0, 0, 0, 0].item() for frame in frames] == pytest.approx([0.2, 0.3, 0.4])
    assert split_frames(x, 0)[0] is x


def test_a_pixel_moves_if_any_channel_changes_by_more_than_16_levels():
    before = torch.zeros(1, 3, 1, 3)
    after = before.clone()
    after[0, 2, 0, 0], after[0, 1, 0, 1], after[0, 0, 0, 2] = 17 / 127.5, -17 / 127.5, 15 / 127.5
    assert moved(before, after).flatten().tolist() == [True, True, False]


def test_training_patches_move_in_their_last_step():
    clips, _ = Squares().load("train")
    clips = clips.float() / 127.5 - 1
    patches = moving_patches(clips, 8, torch.Generator().manual_seed(0))
    assert patches.shape == (24, 1, 6, 8, 8)
    moving = moved(patches[:, :, -2], patches[:, :, -1])
    assert (moving.flatten(1).float().mean(1) >= 1 / 32).all()
    again = moving_patches(clips, 8, torch.Generator().manual_seed(0))
    other = moving_patches(clips, 8, torch.Generator().manual_seed(1))
    assert patches.equal(again)
    assert not patches.equal(other)
    assert moving_patches(clips, 16, torch.Generator()).equal(clips)


def test_patches_are_cut_alike_in_all_frames_and_from_anywhere_where_nothing_moves():
    places = torch.stack(torch.meshgrid(torch.arange(12.0), torch.arange(10.0), indexing="ij")) / 100
    clips = places[None, :, None].expand(200, -1, 3, -1, -1)
    patches = moving_patches(clips, 4, torch.Generator().manual_seed(0))
    assert patches.equal(patches[:, :, :1].expand(-1, -1, 3, -1, -1))
    rows, columns = (100 * patches[:, :, 0, 0, 0]).round().long().unbind(1)
    assert (rows.unique().tolist(), columns.unique().tolist()) == ([*range(9)], [*range(7)])
    corner = patches[:, :, 0] - patches[:, :, 0, :1, :1]
    torch.testing.assert_close(corner, places[:, :4, :4].expand(200, -1, -1, -1))


def test_scores_look_at_whole_frames_and_training_at_patches():
    data = next_squares(patch=8)
    shapes = [tuple(each.shape) for train in (True, False) for each in next(iter(data.loader("test", train=train)))]
    assert shapes == [(8, 4, 8, 8), (8, 1, 8, 8), (8, 4, 16, 16), (8, 1, 16, 16)]


def test_digits_move_over_a_texture(tmp_path, monkeypatch):
    monkeypatch.setattr(moving_digits, "textures", lambda split: make_textures(4, 128, seed=0))
    write_mnist(tmp_path, 64, 48)
    data = NextDigits(str(tmp_path), size=32, frames=3, patch=16, samples=20, batch_size=10, download=False)
    x, y = next(iter(data.train_dataloader()))
    assert (tuple(x.shape), tuple(y.shape)) == ((10, 9, 16, 16), (10, 3, 16, 16))
    x, y = next(iter(data.val_dataloader()))
    assert (tuple(x.shape[1:]), tuple(y.shape[1:])) == ((9, 32, 32), (3, 32, 32))
    still = ~moved(x[:, -3:], y)
    assert 0.2 < still.float().mean() < 1
    assert "digits" in data.title
    recipe = {"data": {"class_path": "ganzoo.data.NextDigits", "init_args": {"root": str(tmp_path), "frames": 2}}}
    assert make_datamodule(yaml.safe_load(yaml.safe_dump(recipe))).source_shape == (6, 64, 64)


@pytest.fixture
def folder(tmp_path):
    """Two GIFs of nine frames, and one that is damaged."""
    for name in ("a", "b"):
        frames = [Image.new("L", (24, 16), 20 * time) for time in range(1, 10)]
        frames[0].save(tmp_path / f"{name}.gif", save_all=True, append_images=frames[1:])
    (tmp_path / "c.gif").write_bytes(b"GIF89a")
    return tmp_path


def test_clips_of_ones_own(folder, caplog):
    data = NextFrames(str(folder), size=16, frames=2, channels=1, held_out=0.5, batch_size=1, licence="CC0")
    data.setup()
    assert "c.gif" in caplog.text
    x, y = next(iter(data.val_dataloader()))
    assert (tuple(x.shape), tuple(y.shape)) == ((1, 2, 16, 16), (1, 1, 16, 16))
    assert (x[0, 1] - x[0, 0]).mean().item() == pytest.approx(20 / 127.5, abs=0.02)
    assert (data.title, data.licence, data.reference) == (folder.stem, "CC0", "test")


def test_data_that_do_not_serve_are_one_line(tmp_path, folder):
    for data, message in (
        (NextFrame(Squares(), frames=6), r"data\.frames: 6 given, but a clip has 6, the target included"),
        (NextFrame(Squares(), patch=17), r"data\.patch: 17 given, but it must be at least 1 and at most 16"),
        (NextFrame(next_squares()), r"data\.clips: clips are wanted, but the data are images"),
        (NextFrames(str(tmp_path / "none")), r"data\.root: .*none does not exist"),
        (NextFrames(str(folder), frames=9), r"no clip in .* can be used"),
    ):
        with pytest.raises(GanzooError, match=message) as error:
            data.setup()
        assert "\n" not in str(error.value)
    with pytest.raises(GanzooError, match=r"data\.frames: 0 given"):
        NextFrame(Squares(), frames=0)
