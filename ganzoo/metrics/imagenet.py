"""Features and logits of EfficientNet-Lite0 trained on ImageNet, which judge pictures of any subject.

See `ganzoo.networks.efficientnet` for the network and its weights.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.networks.efficientnet import SIDE

NUM_CLASSES = 1000
NUM_FEATURES = 1280


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
