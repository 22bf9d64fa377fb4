"""Pairs for super-resolution: what the small copies are, held-out pictures, crops that resume, the baseline."""

from functools import partial

import numpy as np
import pytest
import torch
from cards import facts
from PIL import Image
from torch.nn.functional import interpolate

from ganzoo.checkpoints.card import write_card
from ganzoo.common.errors import GanzooError
from ganzoo.data.low_resolution import Crops, LowResolution, shrink
from ganzoo.drawing.pictures import to_shape
from ganzoo.drawing.previews import Preview
from ganzoo.metrics.scoring import score
from ganzoo.metrics.translations import Baseline


@pytest.fixture
def folder(tmp_path):
    """20 pictures of 48x40 smooth colours; in each, red and green tell the place and blue the picture."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    rows, columns = np.mgrid[:40, :48].astype(np.uint8)
    for i in range(20):
        pixels = np.stack([rows, columns, np.full_like(rows, i)], -1)
        Image.fromarray(pixels).save(pictures / f"{i:02}.png")
    return pictures


def low(folder, **options) -> LowResolution:
    return LowResolution(str(folder), **{"size": 16, "batch_size": 4, "num_workers": 0, "held_out": 0.2} | options)


def test_sources_are_bicubic_antialiased_and_in_steps_of_8_bits():
    pixels = torch.randint(0, 256, (3, 3, 32, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    small = shrink(pixels.float() / 127.5 - 1, 4)
    assert small.shape == (3, 3, 8, 6)
    wanted = interpolate(pixels.float(), (8, 6), mode="bicubic", antialias=True).round().clamp(0, 255)
    torch.testing.assert_close((small + 1) * 127.5, wanted, atol=1e-4, rtol=0)
    plain = interpolate(pixels.float(), (8, 6), mode="bicubic")
    assert (wanted - plain).abs().mean() > 10  # noise is averaged away, not sampled


def test_small_copies_keep_within_the_range_where_bicubic_overshoots():
    x = torch.full((1, 1, 16, 16), -1.0)
    x[..., 4:12] = 1
    assert shrink(x, 2).abs().max() <= 1


def test_batches_are_sources_and_targets_of_the_pictures(folder):
    data = low(folder)
    data.setup()
    assert (data.shape, data.source_shape, data.reference) == ((3, 16, 16), (3, 4, 4), "test")
    assert (len(data.split("train")[0]), len(data.split("test")[0])) == (16, 4)
    for loader in (data.train_dataloader(), data.val_dataloader()):
        for x, y in loader:
            assert (x.shape[1:], y.shape[1:]) == ((3, 4, 4), (3, 16, 16))
            assert x.equal(shrink(y, 4))


def test_no_picture_is_in_both_splits(folder):
    data = low(folder)
    data.setup()
    blue = [{int(picture[2, 0, 0]) for picture in data.split(name)[0]} for name in ("train", "test")]
    assert not blue[0] & blue[1]
    assert blue[0] | blue[1] == set(range(20))


def crops(data, epochs=1, skip=0):
    """Where the crops of each batch lie, and of which picture they are, (4, 3)."""
    loader = data.train_dataloader()
    if skip:
        loader.load_state_dict({"epoch": 0, "position": skip})
    return [((y[:, [1, 0, 2], 0, 0] + 1) * 127.5).round() for _ in range(epochs) for _, y in loader]


def test_crops_are_pieces_of_the_pictures_drawn_anew_in_each_epoch_and_exactly_so_on_resume(folder):
    data = low(folder, crop=True)
    data.setup()
    assert isinstance(data.split("train")[0], Crops)
    target = next(iter(data.train_dataloader()))[1]
    left, top, _ = (((target[0, [1, 0, 2], 0, 0]) + 1) * 127.5).round().int().tolist()
    rows, columns = torch.meshgrid(torch.arange(top, top + 16.0), torch.arange(left, left + 16.0), indexing="ij")
    torch.testing.assert_close((target[0, :2] + 1) * 127.5, torch.stack([rows, columns]), atol=1e-3, rtol=0)

    batches = crops(data, epochs=2)
    places = torch.cat(batches)
    assert places[:, 0].unique().numel() > 10
    assert (places[:, 0].max(), places[:, 1].max()) <= (48 - 16, 40 - 16)
    first, second = (torch.cat(part) for part in (batches[:4], batches[4:]))
    assert not first[first[:, 2].argsort()].equal(second[second[:, 2].argsort()])
    for again, expected in zip(crops(data, skip=2), batches[2:4], strict=True):
        assert again.equal(expected)
    workers = low(folder, crop=True, num_workers=2)
    workers.setup()
    assert torch.cat(crops(workers)).equal(first)


def test_crops_for_scores_are_the_middle(folder):
    data = low(folder, crop=True)
    data.setup()
    x, y = next(iter(data.val_dataloader()))
    assert (((y[:, :2, 0, 0] + 1) * 127.5).round() == torch.tensor([12, 16])).all()
    assert x.equal(shrink(y, 4))


def test_pictures_too_small_for_a_crop_are_named_and_skipped(folder, caplog):
    Image.new("RGB", (60, 15)).save(folder / "thin.png")
    data = low(folder, crop=True)
    data.setup()
    assert "skipped 1 of" in caplog.text
    assert "thin.png (fewer than 16 pixels a side)" in caplog.text
    assert sum(len(data.split(name)[0]) for name in ("train", "test")) == 20


@pytest.mark.parametrize(("size", "factor"), [(16, 3), (16, 1), (16, 0)])
def test_a_factor_that_does_not_divide_the_size_is_refused(folder, size, factor):
    with pytest.raises(GanzooError, match=rf"data.factor: {factor} given, .* divide the size, 16"):
        low(folder, size=size, factor=factor)


def test_bicubic_enlargement_is_scored_as_a_model_is(folder):
    data = low(folder)
    data.setup()
    bicubic = score(Baseline(partial(to_shape, shape=data.shape)), data)
    assert bicubic.keys() == {"psnr[test]", "ssim[test]", "l1[test]"}
    assert 25 < bicubic["psnr[test]"] < 60  # the ramps are smooth
    repeated = score(Baseline(lambda x: x.repeat_interleave(4, 2).repeat_interleave(4, 3)), data)
    assert repeated["psnr[test]"] < bicubic["psnr[test]"]


def test_pictures_show_input_bicubic_output_and_truth(folder):
    data = low(folder)
    picture = Preview(data, count=4)(Baseline(lambda x: torch.ones(len(x), 3, 16, 16)))
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1
    tiles = [pixels[..., :64, i * 66 : i * 66 + 64] for i in range(4)]  # of 16 pixels, enlarged to 64, and gaps of 2
    assert pixels.shape[3] == 4 * 66 - 2
    x, y = next(iter(data.val_dataloader()))
    source, bicubic, output, truth = (tile[..., ::4, ::4] for tile in tiles)
    torch.testing.assert_close(source, x[:1].repeat_interleave(4, 2).repeat_interleave(4, 3), atol=0.005, rtol=0)
    torch.testing.assert_close(bicubic, to_shape(x[:1], (3, 16, 16)), atol=0.005, rtol=0)
    assert (output == 1).all()
    torch.testing.assert_close(truth, y[:1], atol=0.005, rtol=0)


def test_the_card_says_that_the_baseline_is_bicubic():
    about = facts(
        class_path="ganzoo.models.srgan.SRGAN",
        makes="translations",
        truth=True,
        shape=(1, 64, 64),
        source_shape=(1, 16, 16),
        scores={"psnr[test]": 26.0},
        source_scores={"psnr[test]": 24.0},
        remarks=["Content loss: VGG"],
    )
    card = write_card(about)
    assert "from the left: source, the same, resized (bicubic), translation, truth." in card
    assert "| score | value | bicubic |\n|---|---|---|\n| `psnr[test]` | 26 | 24 |" in card
    assert "- Content loss: VGG\n" in card
    about.source_shape = (3, 64, 64)
    assert "from the left: source, translation, truth." in write_card(about)
    assert "| the source itself |" in write_card(about)
