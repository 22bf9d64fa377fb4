"""Content loss: the difference of two images in a frozen network's maps, or in their pixels."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, mse_loss

from ganzoo.common.errors import GanzooError, nearest
from ganzoo.common.files import socket_timeout
from ganzoo.common.images import luma
from ganzoo.networks.classifiers import SHIPPED, load_classifier, shipped
from ganzoo.networks.efficientnet import EfficientNetPyramid, load_efficientnet, weights_file

CONTENT_NAMES = ("vgg19", "imagenet", *SHIPPED, "pixels")
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and standard deviation of its pixels in [0, 1]
# VGG's maps, to the scale of pixels: Ledig et al. 2017, section 3.2. Equation 5 averages over places, and read to the
# letter it sums over the 512 maps; we average over them, too, as most re-implementations do.
RESCALED = 1 / 12.75
TO_PIXELS = 1 / 40  # likewise for the relative error in other networks, as found on portraits enlarged by bicubic
LEAST_SIDE = 64  # pixels that `imagenet` is shown at least: its last maps have 1/32 of the side


class ContentLoss(nn.Module):
    """Mean squared difference of two batches of images in a frozen network's maps.

    It is always in evaluation mode, and gradients flow to the first of its inputs alone.

    Args:
        maps: images (N, C, H, W) in [-1, 1] to a list of maps (N, D, h, w).
        network: what `maps` runs, so that it moves along to another device.
        channels: channels that it takes, 1 or 3; None takes any. Grey images are shown three times, others made grey.
        weight: factor on the difference.
        relative: divide each map's difference by the truth's mean square, so that maps of any scale count alike.
    """

    def __init__(
        self,
        maps: Callable[[Tensor], list[Tensor]],
        network: nn.Module,
        channels: int | None = None,
        weight: float = 1.0,
        relative: bool = False,
    ) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self.maps, self.channels, self.weight, self.relative = maps, channels, weight, relative
        self.eval()

    def forward(self, images: Tensor, truth: Tensor) -> Tensor:
        """Returns the loss, a scalar, of images (N, C, H, W) in [-1, 1] and their truth."""
        with torch.no_grad():
            targets = self.maps(self._shown(truth.detach()))
        maps = self.maps(self._shown(images))
        losses = [self._difference(a.float(), b.float()) for a, b in zip(maps, targets, strict=True)]
        return self.weight * torch.stack(losses).mean()

    def _difference(self, a: Tensor, b: Tensor) -> Tensor:
        return mse_loss(a, b) / (b.square().mean() if self.relative else 1)

    def _shown(self, x: Tensor) -> Tensor:
        if self.channels is None:
            return x
        return luma(x) if self.channels == 1 else x.expand(-1, self.channels, -1, -1)


def content_loss(name: str, weight: float | None = None) -> ContentLoss:
    """Returns the content loss called `name`.

    Args:
        name: "vgg19": the maps of the last convolution, after its ReLU (relu5_4), in torchvision's network for
            ImageNet, fetched on first use; "imagenet": the maps at four scales of EfficientNet-Lite0 for ImageNet,
            which the extra `imagenet` brings; "cifar10", "fashion" or "mnist": the last maps of each scale in our own
            classifier, which comes with the package; the path of a .safetensors file of such a classifier; or "pixels".
        weight: factor on the difference, which is relative to the truth's mean square but for "vgg19" and "pixels";
            None brings it near the scale of the pixels' squared error.

    Raises:
        GanzooError: The name is unknown, or there are no such weights. Nothing else ever stands in for them.
    """
    if name == "pixels":
        return ContentLoss(lambda x: [x], nn.Identity(), weight=1.0 if weight is None else weight)
    if name == "vgg19":
        layers = _vgg19()
        factor = RESCALED**2 if weight is None else weight
        return ContentLoss(lambda x: [layers(_as_imagenet(x))], layers, channels=3, weight=factor)
    factor = TO_PIXELS if weight is None else weight
    if name == "imagenet":
        pyramid = _efficientnet()
        return ContentLoss(lambda x: pyramid(_enlarged(x)), pyramid, channels=3, weight=factor, relative=True)
    if name not in SHIPPED and not name.endswith(".safetensors"):
        raise GanzooError(
            f"model.content: '{name}' given, but it must be one of {', '.join(CONTENT_NAMES)} or the path of a "
            f".safetensors file.{nearest(name, CONTENT_NAMES)}"
        )
    network = load_classifier(shipped(name) if name in SHIPPED else Path(name).expanduser(), "model.content")
    return ContentLoss(network.maps, network, network.channels, factor, relative=True)


def describe_content_loss(name: str) -> str:
    """Returns in words what the content loss called `name` compares."""
    if name == "pixels":
        return "the pixels' squared error"
    if name == "vgg19":
        return "`vgg19`, squared error of its relu5_4 in torchvision's weights for ImageNet"
    if name == "imagenet":
        return (
            "`imagenet`, relative squared error of EfficientNet-Lite0's maps at four scales (`fid[imagenet]` looks at "
            "features of the same network, and favours such a model)"
        )
    text = name if name in SHIPPED else Path(name).name
    return (
        f"`{text}`, relative squared error of each scale's last maps in a small classifier of our own, not VGG19 "
        "(scores on the features of the same classifier favour such a model)"
    )


def require_content(name: str) -> None:
    """Raises GanzooError if the content loss called `name` needs packages that are missing; fetches nothing."""
    if name == "imagenet":
        weights_file("model.content")


def _efficientnet() -> EfficientNetPyramid:
    """Returns EfficientNet-Lite0 with the weights of the package that ships them."""
    with torch.inference_mode(False):  # else no gradient could pass it later
        return EfficientNetPyramid(load_efficientnet(weights_file("model.content")))


def _enlarged(x: Tensor) -> Tensor:
    """Enlarges images whose shorter side is below `LEAST_SIDE` pixels to it."""
    least = min(x.shape[2:])
    if least >= LEAST_SIDE:
        return x
    return interpolate(x, scale_factor=LEAST_SIDE / least, mode="bilinear", align_corners=False)


def _vgg19() -> nn.Module:
    """Returns VGG19's layers up to relu5_4, with torchvision's weights."""
    from torchvision.models import VGG19_Weights, vgg19

    weights = VGG19_Weights.IMAGENET1K_V1
    try:
        with socket_timeout(10):
            state = weights.get_state_dict(progress=True, check_hash=True)
    except (OSError, RuntimeError) as error:
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise GanzooError(
            f"model.content: the weights of vgg19 could not be fetched ({str(error).splitlines()[0]}); connect to the "
            f"internet once, put {Path(weights.url).name} into {folder}, or choose another content, such as cifar10."
        ) from error
    with torch.device("meta"):  # its dense layers are most of it, and not needed
        layers = vgg19().features[:-1]
    own = {key.removeprefix("features."): value for key, value in state.items() if key.startswith("features.")}
    layers.load_state_dict(own, assign=True)
    return layers


def _as_imagenet(x: Tensor) -> Tensor:
    """Normalises images in [-1, 1] for networks trained on ImageNet."""
    mean, std = (torch.tensor(numbers, device=x.device).view(3, 1, 1) for numbers in IMAGENET)
    return ((x + 1) / 2 - mean) / std
