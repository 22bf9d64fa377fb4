"""Writes tiny real MNIST files, in the layout and the format that torchvision reads."""

import struct
from pathlib import Path

import numpy as np


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
