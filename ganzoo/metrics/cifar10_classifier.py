"""Trainer of the classifier that scores small photographs, shipped as `cifar10.safetensors`.

    python -m ganzoo.metrics.cifar10_classifier --root DATA --out ganzoo/networks/weights/cifar10.safetensors

`--root` is torchvision's layout (fetched if it is missing), or an .npz of x_train, x_test (N, 32, 32, 3), uint8, and
y_train, y_test (N,).
"""

import argparse
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo.common.images import luma
from ganzoo.data.cifar10 import CIFAR10
from ganzoo.metrics.learning import Labelled, publish, train_classifier
from ganzoo.networks.classifiers import CIFAR10Classifier


def grey(x: Tensor) -> Tensor:
    """Maps RGB images (N, 3, H, W) to their brightness, three times over."""
    return luma(x).expand(-1, 3, -1, -1)


def distort(x: Tensor, shift: int = 4, drained: float = 0.25) -> Tensor:
    """Shifts and mirrors each image (N, 3, H, W) at random, and turns some of them grey.

    Args:
        x: Images in [-1, 1].
        shift: The most that an image moves in either direction, in pixels; its edge is mirrored into the gap.
        drained: Share of images that lose their colours, so that grey ones are read as well.
    """
    n, _, height, width = x.shape
    top, left = torch.randint(2 * shift + 1, (2, n), device=x.device)
    windows = F.pad(x, (shift,) * 4, mode="reflect").unfold(2, height, 1).unfold(3, width, 1)
    x = windows[torch.arange(n, device=x.device), :, top, left]
    mirror, drain = torch.rand(2, n, 1, 1, 1, device=x.device)
    x = torch.where(mirror < 0.5, x.flip(-1), x)
    return torch.where(drain < drained, grey(x), x)


def read(root: Path, train: bool) -> Labelled:
    """Returns the images (N, 3, 32, 32), uint8, and labels (N,) of one half of CIFAR-10.

    Raises:
        GanzooError: they are not there and cannot be fetched, or are damaged.
    """
    split = "train" if train else "test"
    if root.suffix == ".npz":
        with np.load(root) as arrays:
            images, labels = (torch.from_numpy(arrays[f"{name}_{split}"]) for name in "xy")
        return images.permute(0, 3, 1, 2).contiguous(), labels.long()
    items, classes = CIFAR10(str(root)).load("train" if train else "test")
    assert isinstance(items, Tensor)
    assert classes is not None
    return items, classes


def main() -> None:
    """Trains and saves the classifier, loads it again, and measures it on the test set."""
    parser = argparse.ArgumentParser(
        prog="python -m ganzoo.metrics.cifar10_classifier", description="Train the photo classifier."
    )
    parser.add_argument("--root", default=os.environ.get("GANZOO_DATA", "data"), help="folder of the dataset, or .npz")
    parser.add_argument("--out", type=Path, required=True, help="the .safetensors file to write")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    images, labels = read(Path(args.root).expanduser(), train=True)
    model = train_classifier(
        CIFAR10Classifier(), images, labels, distort, args.epochs, lr=4e-3, weight_decay=0.05, smoothing=0.1
    )
    images, labels = read(Path(args.root).expanduser(), train=False)
    drained = grey(images.float()).round().to(torch.uint8)
    settings = {"dataset": "CIFAR-10", "epochs": args.epochs, "seed": args.seed}
    publish(model, args.out, (images, labels), settings, {"test_accuracy_grey": (drained, labels)})


if __name__ == "__main__":
    main()
