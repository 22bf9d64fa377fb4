"""Small convolutional classifiers whose features and logits score generated images, and their files.

FID, IS and KID on ImageNet features say little about small grey drawings, and fetching them needs the internet. These
are shipped instead: those named in `SHIPPED`, trained by `ganzoo.metrics.mnist_classifier` and `.cifar10_classifier`.
"""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write

CLASSIFIER_FORMAT = "ganzoo-classifier-1"


class Classifier(nn.Module):
    """Base of classifiers that return features and logits, and are built again from a few numbers.

    Attributes:
        family: name of its files; `ganzoo.metrics.{family}_classifier` trains it.
        channels: channels of its images.
        least: the least height and width that it takes, in pixels.
        arch: the constructor's arguments.
    """

    family: str
    channels: int
    least: int
    convolutions: nn.Sequential

    def __init__(self, width: int, num_features: int, num_classes: int) -> None:
        super().__init__()
        self.arch = {"width": width, "num_features": num_features, "num_classes": num_classes}
        self.num_features = num_features
        self.num_classes = num_classes

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns features (N, num_features) and logits (N, num_classes) of images (N, C, H, W) in [-1, 1]."""
        raise NotImplementedError

    def maps(self, x: Tensor) -> list[Tensor]:
        """Returns the last maps of each scale, after their ReLU, of images of any size."""
        maps: list[Tensor] = []
        for layer in self.convolutions:
            if isinstance(layer, nn.Conv2d) and layer.stride != (1, 1):
                maps.append(x)
            if not isinstance(layer, nn.Flatten):
                x = layer(x)
        return [*maps, x]


class MNISTClassifier(Classifier):
    """Classifier of small grey pictures: five convolutions, a hidden layer (the features), a linear layer (the logits).

    Args:
        width: Channels of the first convolution, at 28x28; there are 2x as many at 14x14 and 3x as many at 7x7.
        num_features: Size of the hidden layer.
        num_classes: Number of logits.
    """

    family, channels, least = "mnist", 1, 28
    reads = "the central 28x28 pixels"

    def __init__(self, width: int = 24, num_features: int = 96, num_classes: int = 10) -> None:
        super().__init__(width, num_features, num_classes)
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


class CIFAR10Classifier(Classifier):
    """Classifier of photographs: six convolutions, their average (the features), a linear layer (the logits).

    Fully convolutional: an image of any size from 32x32 is read at the scale that it has.

    Args:
        width: Channels of the first convolution, at full size; there are 2x as many at half of it.
        num_features: Channels of the last convolutions, at a quarter of the size.
        num_classes: Number of logits.
    """

    family, channels, least = "cifar10", 3, 32

    def __init__(self, width: int = 32, num_features: int = 128, num_classes: int = 10) -> None:
        super().__init__(width, num_features, num_classes)
        self.convolutions = nn.Sequential(
            *_block(3, width),
            *_block(width, 2 * width, stride=2),
            *_block(2 * width, 2 * width),
            *_block(2 * width, num_features, stride=2),
            *_block(num_features, num_features),
            *_block(num_features, num_features),
        )
        self.head = nn.Linear(num_features, num_classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns features (N, num_features), averages after a ReLU, and logits (N, num_classes).

        Args:
            x: Images (N, 3, H, W) in [-1, 1], H and W at least 32; grey ones come with three equal channels.
        """
        features = self.convolutions(x).mean((2, 3))
        return features, self.head(features)


CLASSIFIERS: dict[str, type[Classifier]] = {kind.family: kind for kind in (MNISTClassifier, CIFAR10Classifier)}
SHIPPED = ("mnist", "fashion", "cifar10")


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


def shipped(name: str) -> Path:
    """Returns the path of a classifier that comes with the package, one of `SHIPPED`."""
    return Path(__file__).with_name("weights") / f"{name}.safetensors"


def save_classifier(model: Classifier, path: Path, about: dict[str, str]) -> None:
    """Writes the weights in half precision, and in the metadata what rebuilds the network."""
    weights = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in model.state_dict().items()}
    with atomic_write(path) as file:
        save_file(
            weights,
            file,
            {"format": CLASSIFIER_FORMAT, "family": model.family, "arch": json.dumps(model.arch), **about},
        )
        file.chmod(0o644)  # safetensors makes files that only their owner can read


def load_classifier(path: Path, field: str = "features") -> Classifier:
    """Reads a classifier that `save_classifier` wrote.

    Args:
        path: The .safetensors file.
        field: What an error names: where the path was given.

    Returns:
        The network in float32 and eval mode.

    Raises:
        GanzooError: The file is missing, is no safetensors file or holds no classifier.
    """
    commands = " or ".join(f"`python -m ganzoo.metrics.{family}_classifier`" for family in CLASSIFIERS)
    if not path.is_file():
        raise GanzooError(f"{field}: no file {path}; train a classifier with {commands} --out {path}.")
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        if about.get("format") != CLASSIFIER_FORMAT:
            raise ValueError("another format")
        model = CLASSIFIERS[about.get("family", "mnist")](**json.loads(about["arch"]))
        model.load_state_dict(weights)
    except Exception as error:
        raise GanzooError(f"{field}: {path} was not written by {commands}; give such a file, or train one.") from error
    return model.eval()


@torch.inference_mode()
def predict(model: nn.Module, images: Tensor, batch_size: int = 1000) -> Tensor:
    """Returns the logits (N, num_classes) of images (N, C, H, W), uint8."""
    return torch.cat([model(normalised(x))[1].float() for x in images.split(batch_size)])


def normalised(images: Tensor) -> Tensor:
    """Maps uint8 to float in [-1, 1]."""
    return images.float().div_(127.5).sub_(1)
