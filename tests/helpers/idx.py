"""Writes tiny MNIST and CIFAR-10 data sets, in the layout and the formats that torchvision reads."""

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest


def write_mnist(root: Path, n_train: int = 256, n_test: int = 128, fashion: bool = False) -> Path:
    """Writes `n_train` and `n_test` drawings of bars, ten classes in turn; returns the root to give as `--data.root`.

    Label k is a bright vertical bar whose place tells k, on a black ground, 28x28, with a little noise.
    """
    raw = root / ("FashionMNIST" if fashion else "MNIST") / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for prefix, n in (("train", n_train), ("t10k", n_test)):
        labels = (np.arange(n) % 10).astype(np.uint8)
        images = np.random.default_rng(n).integers(0, 30, (n, 28, 28), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[4:24, 4 + 2 * label : 6 + 2 * label] = 255
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, n, 28, 28) + images.tobytes())
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, n) + labels.tobytes())
    return root


def write_cifar10(root: Path, n: int, patch: pytest.MonkeyPatch) -> Path:
    """Writes n noisy pictures as both splits, ten classes in turn; returns the root to give as `--data.root`.

    All that they lack is the checksums of the real ones, which torchvision is made to forget.
    """
    from torchvision.datasets import CIFAR10

    folder = root / CIFAR10.base_folder
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(n).integers(0, 256, (n, 3 * 32 * 32), dtype=np.uint8)
    for name in ("data_batch_1", "test_batch"):
        (folder / name).write_bytes(pickle.dumps({"data": pixels, "labels": [i % 10 for i in range(n)]}))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    patch.setattr(CIFAR10, "train_list", [["data_batch_1", None]])
    patch.setattr(CIFAR10, "test_list", [["test_batch", None]])
    patch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": None})
    return root
