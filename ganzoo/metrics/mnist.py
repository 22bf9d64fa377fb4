"""A small convolutional classifier whose features and logits score generated digits.

FID, IS and KID on ImageNet features say little about 28x28 grey digits, and fetching them needs the internet. This
classifier is shipped instead, as `mnist.safetensors`; it was trained, and can be trained again, by

    python -m ganzoo.metrics.mnist --root DATA --out ganzoo/metrics/mnist.safetensors

`--dataset FashionMNIST` or `KMNIST` trains one for those images; the file's path is then the name of the extractor.
"""

import argparse
import json
import os
import platform
from pathlib import Path
from typing import Any

import torch
import torchvision
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ganzoo.errors import GanzooError
from ganzoo.files import written

SHIPPED = Path(__file__).with_name("mnist.safetensors")
FORMAT = "ganzoo-classifier-1"


class MNISTClassifier(nn.Module):
    """Five convolutions, a hidden layer (the features) and a linear layer (the logits).

    Args:
        width: Channels of the first convolution, at 28x28; there are 2x as many at 14x14 and 3x as many at 7x7.
        num_features: Size of the hidden layer.
        num_classes: Number of logits.
    """

    def __init__(self, width: int = 24, num_features: int = 96, num_classes: int = 10):
        super().__init__()
        self.num_features = num_features
        self.num_classes = num_classes
        self.convolutions = nn.Sequential(
            *_block(1, width),
            *_block(width, 2 * width, stride=2),
            *_block(2 * width, 2 * width),
            *_block(2 * width, 3 * width, stride=2),
            *_block(3 * width, 3 * width),
            nn.Flatten(),
        )
        # Flattened rather than pooled: where a stroke lies must move the features.
        self.hidden = nn.Sequential(
            nn.Linear(3 * width * 7 * 7, num_features, bias=False), nn.BatchNorm1d(num_features), nn.ReLU()
        )
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(num_features, num_classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns features (N, num_features), after their ReLU, and logits (N, num_classes).

        Args:
            x: Grey images (N, 1, H, W) in [-1, 1], H and W at least 28; larger ones are cropped to their centre.
        """
        features = self.hidden(self.convolutions(centre_crop(x)))
        return features, self.head(self.dropout(features))


def _block(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def centre_crop(x: Tensor, size: int = 28) -> Tensor:
    """Crops (N, C, H, W) to its centre; H and W must be at least `size`."""
    top, left = (x.shape[-2] - size) // 2, (x.shape[-1] - size) // 2
    return x[..., top : top + size, left : left + size]


def save_classifier(model: MNISTClassifier, path: Path, about: dict[str, str]) -> None:
    """Writes the weights in half precision, with what is needed to build the network again in the metadata."""
    weights = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in model.state_dict().items()}
    arch = {
        "width": model.convolutions[0].out_channels,
        "num_features": model.num_features,
        "num_classes": model.num_classes,
    }
    with written(path) as file:
        save_file(weights, file, {"format": FORMAT, "arch": json.dumps(arch), **about})


def load_classifier(path: Path) -> MNISTClassifier:
    """Reads what `save_classifier` wrote.

    Returns:
        The network in float32 and eval mode.

    Raises:
        GanzooError: The file is missing, is no safetensors file or was not written by this module.
    """
    if not path.is_file():
        raise GanzooError(
            f"features: no file {path}; train a classifier with `python -m ganzoo.metrics.mnist --out {path}`."
        )
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        if about.get("format") != FORMAT:
            raise ValueError("another format")
        model = MNISTClassifier(**json.loads(about["arch"]))
        model.load_state_dict(weights)
    except Exception as error:
        raise GanzooError(
            f"features: {path} was not written by `python -m ganzoo.metrics.mnist`; give such a file, or train one."
        ) from error
    return model.eval()


def distort(x: Tensor) -> Tensor:
    """Turns, scales, shears and shifts each image by a random amount, as handwriting varies.

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


def _read(name: str, root: str, train: bool) -> tuple[Tensor, Tensor]:
    data = getattr(torchvision.datasets, name)(root, train=train, download=True)
    return data.data[:, None].float() / 127.5 - 1, data.targets.long()


@torch.inference_mode()
def predict(model: nn.Module, images: Tensor, batch_size: int = 1000) -> Tensor:
    """Returns the logits (N, num_classes) of images (N, 1, H, W) in [-1, 1]."""
    return torch.cat([model(x)[1].float() for x in images.split(batch_size)])


def train(images: Tensor, labels: Tensor, epochs: int, batch_size: int = 128, lr: float = 2e-3) -> MNISTClassifier:
    """Trains a classifier on images (N, 1, 28, 28) in [-1, 1]; returns the moving average of its weights."""
    steps = epochs * (len(images) // batch_size)
    model = MNISTClassifier().to(memory_format=torch.channels_last)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.998), use_buffers=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.15)
    for epoch in range(epochs):
        total = 0.0
        for index in torch.randperm(len(images)).split(batch_size)[: len(images) // batch_size]:
            x = distort(images[index]).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                logits = model(x)[1]
            loss = F.cross_entropy(logits.float(), labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            average.update_parameters(model)
            total += loss.item()
        print(f"epoch {epoch + 1}/{epochs}: loss {total / (len(images) // batch_size):.4f}", flush=True)
    best = average.module
    assert isinstance(best, MNISTClassifier)
    return best.eval()


def measure(path: Path, images: Tensor, labels: Tensor) -> dict[str, float]:
    """Returns what the classifier saved at `path` makes of a test set: a judge should know its limits."""
    from ganzoo.metrics.distances import inception_score

    network = load_classifier(path)
    logits = predict(network, images)
    torch.manual_seed(0)
    found = {
        "test_accuracy": (logits.argmax(1) == labels).double().mean(),
        "test_cross_entropy": F.cross_entropy(logits, labels),
        "test_inception_score": inception_score(logits)[0],
        "parameters": torch.tensor(sum(p.numel() for p in network.parameters())),
    }
    return {key: round(value.item(), 4) for key, value in found.items()}


def main() -> None:
    """Trains, saves, loads again and measures on the test set what was saved."""
    parser = argparse.ArgumentParser(prog="python -m ganzoo.metrics.mnist", description="Train the digit classifier.")
    parser.add_argument("--root", default=os.environ.get("GANZOO_DATA", "data"), help="folder of the dataset")
    parser.add_argument("--out", type=Path, required=True, help="the .safetensors file to write")
    parser.add_argument("--dataset", default="MNIST", choices=["MNIST", "FashionMNIST", "KMNIST"])
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    model = train(*_read(args.dataset, args.root, train=True), args.epochs)
    about: dict[str, Any] = {
        "dataset": args.dataset,
        "epochs": args.epochs,
        "seed": args.seed,
        "torch": torch.__version__,
        "hardware": f"{platform.machine()} CPU, {torch.get_num_threads()} thread(s), bfloat16",
    }
    save_classifier(model, args.out, {})
    about |= measure(args.out, *_read(args.dataset, args.root, train=False))
    save_classifier(model, args.out, {key: str(value) for key, value in about.items()})
    args.out.with_suffix(".json").write_text(json.dumps(about, indent=2) + "\n")
    print(f"test accuracy {about['test_accuracy']:.2%} -> {args.out}")


if __name__ == "__main__":
    main()
