"""Trainer of the classifier that scores generated digits, shipped as `mnist.safetensors`.

    python -m ganzoo.metrics.mnist_classifier --root DATA --out ganzoo/networks/weights/mnist.safetensors

`--dataset FashionMNIST` or `KMNIST` trains one for those images; the file's path is then the name of the extractor.
"""

import argparse
import os
from pathlib import Path

import torch
import torchvision
from torch import Tensor
from torch.nn import functional as F

from ganzoo.metrics.learning import Labelled, publish, train_classifier
from ganzoo.networks.classifiers import MNISTClassifier


def distort(x: Tensor) -> Tensor:
    """Rotates, scales, shears and shifts each image by a random amount, as handwriting varies.

    Args:
        x: Images (N, C, H, W) in [-1, 1] on a background of -1.
    """
    n = len(x)
    angle = torch.empty(n, device=x.device).uniform_(-0.22, 0.22)
    shear = torch.empty(n, device=x.device).uniform_(-0.2, 0.2)
    scale = torch.empty(n, 2, device=x.device).uniform_(0.88, 1.14)
    shift = torch.empty(n, 2, device=x.device).uniform_(-0.14, 0.14)
    cos, sin = angle.cos(), angle.sin()
    theta = torch.stack(
        [
            torch.stack([scale[:, 0] * cos, scale[:, 0] * (shear * cos - sin), shift[:, 0]], 1),
            torch.stack([scale[:, 1] * sin, scale[:, 1] * (shear * sin + cos), shift[:, 1]], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    # Padding is zero, so the background has to be zero while sampling.
    return F.grid_sample(x + 1, grid, align_corners=False) - 1


def read(name: str, root: str, train: bool) -> Labelled:
    """Returns the images (N, 1, 28, 28), uint8, and labels (N,) of torchvision's data set `name`."""
    data = getattr(torchvision.datasets, name)(root, train=train, download=True)
    return data.data[:, None], data.targets.long()


def main() -> None:
    """Trains and saves the classifier, loads it again, and measures it on the test set."""
    parser = argparse.ArgumentParser(
        prog="python -m ganzoo.metrics.mnist_classifier", description="Train the digit classifier."
    )
    parser.add_argument("--root", default=os.environ.get("GANZOO_DATA", "data"), help="folder of the dataset")
    parser.add_argument("--out", type=Path, required=True, help="the .safetensors file to write")
    parser.add_argument("--dataset", default="MNIST", choices=["MNIST", "FashionMNIST", "KMNIST"])
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    model = train_classifier(MNISTClassifier(), *read(args.dataset, args.root, True), distort, args.epochs)
    settings = {"dataset": args.dataset, "epochs": args.epochs, "seed": args.seed}
    publish(model, args.out, read(args.dataset, args.root, False), settings)


if __name__ == "__main__":
    main()
