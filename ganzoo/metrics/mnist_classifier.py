r"""Trainer of the classifiers that score generated digits and clothes, shipped as `mnist` and `fashion.safetensors`.

    python -m ganzoo.metrics.mnist_classifier --root DATA --out ganzoo/networks/weights/mnist.safetensors
    python -m ganzoo.metrics.mnist_classifier --root DATA --out ganzoo/networks/weights/fashion.safetensors \
        --dataset FashionMNIST --epochs 8

`--dataset KMNIST` trains one for those characters; the file's path is then the name of the extractor.
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torchvision
from torch import Tensor
from torch.nn import functional as F

from ganzoo.metrics.learning import Labelled, publish, train_classifier
from ganzoo.networks.classifiers import MNISTClassifier


@dataclass(frozen=True)
class Distortion:
    """Random change of each image: rotated, scaled, sheared and shifted, by default as handwriting varies.

    Args:
        angle: the most that it is turned by, in radians.
        shear: the most that it is sheared by, as a slope.
        scale: range of what its height and width are divided by, each by its own.
        shift: the most that it is moved by in either direction, in half sides.
        mirror: whether half of the images are mirrored.
    """

    angle: float = 0.22
    shear: float = 0.2
    scale: tuple[float, float] = (0.88, 1.14)
    shift: float = 0.14
    mirror: bool = False

    def __call__(self, x: Tensor) -> Tensor:
        """Returns images (N, C, H, W) in [-1, 1], on a background of -1, each changed by a random amount."""
        n = len(x)
        angle = torch.empty(n, device=x.device).uniform_(-self.angle, self.angle)
        shear = torch.empty(n, device=x.device).uniform_(-self.shear, self.shear)
        scale = torch.empty(n, 2, device=x.device).uniform_(*self.scale)
        shift = torch.empty(n, 2, device=x.device).uniform_(-self.shift, self.shift)
        cos, sin = angle.cos(), angle.sin()
        theta = torch.stack(
            [
                torch.stack([scale[:, 0] * cos, scale[:, 0] * (shear * cos - sin), shift[:, 0]], 1),
                torch.stack([scale[:, 1] * sin, scale[:, 1] * (shear * sin + cos), shift[:, 1]], 1),
            ],
            1,
        )
        if self.mirror:
            x = torch.where(torch.rand(n, 1, 1, 1, device=x.device) < 0.5, x.flip(-1), x)
        grid = F.affine_grid(theta, list(x.shape), align_corners=False)
        # Padding is zero, so the background has to be zero while sampling.
        return F.grid_sample(x + 1, grid, align_corners=False) - 1


# Clothes lie straight and in the middle, and most are as good in a mirror.
DISTORTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "MNIST": Distortion(),
    "FashionMNIST": Distortion(angle=0.06, shear=0.06, scale=(0.92, 1.08), shift=0.08, mirror=True),
    "KMNIST": Distortion(),
}


def read(name: str, root: str, train: bool) -> Labelled:
    """Returns the images (N, 1, 28, 28), uint8, and labels (N,) of torchvision's data set `name`."""
    data = getattr(torchvision.datasets, name)(root, train=train, download=True)
    return data.data[:, None], data.targets.long()


def main() -> None:
    """Trains and saves the classifier, loads it again, and measures it on the test set."""
    parser = argparse.ArgumentParser(
        prog="python -m ganzoo.metrics.mnist_classifier", description="Train a classifier of small grey images."
    )
    parser.add_argument("--root", default=os.environ.get("GANZOO_DATA", "data"), help="folder of the dataset")
    parser.add_argument("--out", type=Path, required=True, help="the .safetensors file to write")
    parser.add_argument("--dataset", default="MNIST", choices=list(DISTORTIONS))
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    images, labels = read(args.dataset, args.root, True)
    model = train_classifier(MNISTClassifier(), images, labels, DISTORTIONS[args.dataset], args.epochs)
    settings = {"dataset": args.dataset, "epochs": args.epochs, "seed": args.seed}
    publish(model, args.out, read(args.dataset, args.root, False), settings)


if __name__ == "__main__":
    main()
