"""Feature extractors for FID, KID and IS: frozen networks that map images to features and logits."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ganzoo.common.errors import GanzooError, nearest
from ganzoo.data.cifar10 import CIFAR10
from ganzoo.data.mnist import MNIST, FashionMNIST
from ganzoo.metrics import imagenet
from ganzoo.networks.classifiers import SHIPPED, Classifier, load_classifier, shipped
from ganzoo.networks.efficientnet import load_efficientnet, weights_file

CLASS_NAMES = {"mnist": MNIST.class_names, "fashion": FashionMNIST.class_names, "cifar10": CIFAR10.class_names}
IN_CACHE = 100  # images that a CPU extracts at a time: maps of more leave its cache, and take half as long again


class Extractor(nn.Module):
    """Frozen network in evaluation mode that returns (features, logits).

    Attributes:
        name: What scores are labelled with: "mnist", "fashion", "cifar10", "inception", "imagenet", or the stem of its
            file.
        num_features: D, the size of the features.
        digest: First 12 hexadecimal digits of the sha256 of its weights; cached features are filed under it.
        reads: What it looks at, in words.
        class_names: What its logits are of; empty where that is not known.

    Args:
        network: Maps images (N, C, H, W) in [-1, 1] to features (N, D) and logits (N, K); may say what it `reads`, a
            `batch_size`, how many images it takes at a time, and fewer, `in_cache`, that a CPU does best with.
        name: See above.
        num_features: See above.
        channels: The number of channels that the network takes.
        least: The least height and width that it takes, in pixels.
        file: Where its weights were read from.
        class_names: See above.
    """

    def __init__(
        self,
        network: nn.Module,
        name: str,
        num_features: int,
        channels: int,
        least: int = 1,
        file: Path | None = None,
        class_names: Sequence[str] = (),
    ):
        super().__init__()
        self.file = file
        self.class_names = tuple(class_names)
        self.reads: str = getattr(network, "reads", "whole images")
        self.network = network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self.name = name
        self.num_features = num_features
        self.channels = channels
        self.least = least
        self.digest = _digest(network)

    def train(self, mode: bool = True) -> "Extractor":
        """Stays in evaluation mode, whatever a parent module does."""
        return super().train(False)

    def check(self, shape: tuple[int, ...]) -> None:
        """Raises GanzooError unless images of this (C, H, W) can be scored."""
        if len(shape) != 3 or shape[0] not in (1, self.channels) or min(shape[1:]) < self.least:
            colours = "grey" if self.channels == 1 else "grey or RGB"
            raise GanzooError(
                f"features: {self.name} takes {colours} images of at least {self.least}x{self.least} pixels, "
                f"but the data has the shape {tuple(shape)}; leave `features` out to score by `swd`."
            )

    @torch.inference_mode()
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns features (N, D) and logits (N, K) in float32 of images (N, C, H, W) in [-1, 1]."""
        return self._applied(self.network, x)

    @property
    def can_skip_rounding(self) -> bool:
        """Whether `unrounded` is there: not of a network that takes bytes."""
        return getattr(self.network, "unrounded", self.network) is not None

    @torch.inference_mode()
    def unrounded(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns what `forward` does, of a network that rounds pixels to 256 levels without that."""
        return self._applied(getattr(self.network, "unrounded", self.network), x)

    def _applied(self, network: Callable[[Tensor], tuple[Tensor, Tensor]], x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.float().expand(-1, self.channels, -1, -1)
        most = getattr(self.network, "batch_size", len(x))
        if x.device.type == "cpu":
            most = getattr(self.network, "in_cache", min(most, IN_CACHE))
        features, logits = zip(*map(network, x.split(max(most, 1))), strict=True)
        return torch.cat(features).float(), torch.cat(logits).float()


class Inception(nn.Module):
    """Inception v3 as in published FIDs: 2048 pooled features and the 1008 logits without bias.

    Args:
        network: torch-fidelity's extractor, which takes uint8 RGB images and resizes them to 299x299 itself.
    """

    batch_size = 100  # one image needs about 30 MB
    unrounded = None  # it takes bytes

    reads = "whole images, resized to 299x299 (bilinear as in TensorFlow 1, not antialiased)"

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns features (N, 2048) and logits (N, 1008) of RGB images (N, 3, H, W) in [-1, 1]."""
        pixels = ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        return self.network(pixels)


def get_extractor(name: str) -> Extractor:
    """Returns the extractor called `name`.

    Args:
        name: "mnist", "fashion" or "cifar10" (shipped with the package), "inception" (torch-fidelity's weights, fetched
            on first use), "imagenet" (EfficientNet-Lite0 from the extra of this name), or the path of a .safetensors
            file written by `python -m ganzoo.metrics.mnist_classifier` or `.cifar10_classifier`.

    Raises:
        GanzooError: The name is unknown, the file cannot be used, or a package or weights are missing.
    """
    if name in FOREIGN:
        return FOREIGN[name].build()
    network, file = _classifier(name), shipped(name) if name in SHIPPED else Path(name).expanduser()
    names = CLASS_NAMES.get(name, ())
    return Extractor(network, Path(name).stem, network.num_features, network.channels, network.least, file, names)


def count_classes(name: str) -> int:
    """Returns the number of classes of the extractor called `name`, without fetching any weights.

    Raises:
        GanzooError: The name is unknown, or the file cannot be used.
    """
    return FOREIGN[name].classes if name in FOREIGN else _classifier(name).num_classes


def _classifier(name: str) -> Classifier:
    if name not in SHIPPED and not name.endswith(".safetensors"):
        raise GanzooError(
            f"features: '{name}' given, but it must be one of {', '.join(EXTRACTORS)} or the path of a "
            ".safetensors file." + nearest(name, EXTRACTORS)
        )
    return load_classifier(shipped(name) if name in SHIPPED else Path(name).expanduser())


def _inception() -> Extractor:
    return Extractor(Inception(_fidelity()), "inception", num_features=2048, channels=3)


def _imagenet() -> Extractor:
    file = weights_file("features: imagenet")
    network = imagenet.ImageNet(load_efficientnet(file))
    return Extractor(network, "imagenet", imagenet.NUM_FEATURES, channels=3, file=file)


def _fidelity() -> nn.Module:
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError as error:
        raise GanzooError(
            "features: inception needs the package torch-fidelity: pip install torch-fidelity."
        ) from error
    try:
        return FeatureExtractorInceptionV3("inception-v3-compat", ["2048", "logits_unbiased"])
    except (OSError, RuntimeError) as error:
        raise GanzooError(
            f"features: the weights of inception could not be fetched ({str(error).splitlines()[0]}); "
            "connect to the internet once, or give another extractor, such as mnist."
        ) from error


def _digest(network: nn.Module) -> str:
    total = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        total.update(key.encode())
        total.update(value.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()[:12]


@dataclass(frozen=True)
class Foreign:
    """An extractor whose network and weights come with other packages.

    Args:
        build: Makes it.
        classes: The number of its logits.
    """

    build: Callable[[], Extractor]
    classes: int


FOREIGN: Mapping[str, Foreign] = {
    "inception": Foreign(_inception, classes=1008),
    "imagenet": Foreign(_imagenet, classes=imagenet.NUM_CLASSES),
}
EXTRACTORS = (*SHIPPED, *FOREIGN)
