"""Pairs of grey and coloured photographs."""

import numpy as np
import pytest
import torch
from idx import write_cifar10
from PIL import Image

from ganzoo.common.images import luma
from ganzoo.data import CIFAR10Colours


@pytest.fixture
def data(tmp_path, monkeypatch):
    return CIFAR10Colours(root=str(write_cifar10(tmp_path, 30, monkeypatch)), batch_size=10, flip=True, download=False)


def test_brightness_is_pillows():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
    expected = np.asarray(Image.fromarray(pixels).convert("L"), dtype=np.float32)
    given = (luma(x)[0, 0].numpy() + 1) * 127.5
    assert np.abs(given - expected).max() <= 1  # Pillow truncates
    grey = x[:, :1]
    assert luma(grey) is grey
    torch.testing.assert_close(luma(grey.repeat(1, 3, 1, 1)), grey)


def test_pairs_with_their_classes(data):
    data.setup()
    assert (data.source_shape, data.shape, data.n_classes) == ((1, 32, 32), (3, 32, 32), 10)
    x, (y, labels) = next(iter(data.val_dataloader()))
    torch.testing.assert_close(x, luma(y))
    assert labels.tolist() == list(range(10))
    assert torch.equal(y, data.split("test")[0][:10].float() / 127.5 - 1)


def test_flips_hit_both_alike(data):
    data.setup()
    stored = data.split("train")[0].float() / 127.5 - 1
    flipped = 0
    for x, (y, labels) in data.train_dataloader():
        torch.testing.assert_close(x, luma(y))
        assert len(labels) == 10
        flipped += sum(not any(torch.equal(image, other) for other in stored) for image in y)
    assert 0 < flipped < 30
