"""A LeNet-like feature extractor and fully connected heads: Ganin et al. 2016, section 5.2."""

from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor, nn

from ganzoo.common.data_spec import DataSpec
from ganzoo.common.errors import GanzooError


class LeNetFeatures(nn.Module):
    """Features of images: 5x5 convolutions, each with a 2x2 maximum and ReLU.

    Args:
        size: side of the images in pixels.
        channels: channels of the images.
        maps: channels of the convolutions.
        mean: what is subtracted from the images, before they are brought from [-1, 1] to a range of length 1. The
            default is the mean of MNIST and shifted MNIST together.
        norm: normalisation after each convolution: none, as in the paper, or over all maps of an image.

    Attributes:
        n_features: length of the features.

    Raises:
        GanzooError: if the images are too small to be convolved so often.
    """

    def __init__(
        self,
        size: int = 28,
        channels: int = 3,
        maps: tuple[int, ...] = (32, 48),
        mean: float = -0.5,
        norm: Literal["none", "layer"] = "none",
    ) -> None:
        super().__init__()
        self.mean = mean
        self.shape = (channels, size, size)
        layers: list[nn.Module] = []
        side = size
        for before, after in zip((channels, *maps), maps, strict=False):
            # the maximum first: the same in the end, and ReLU has a quarter of the work
            normalised = [nn.GroupNorm(1, after)] if norm == "layer" else []
            layers += [nn.Conv2d(before, after, 5), *normalised, nn.MaxPool2d(2), nn.ReLU(inplace=True)]
            side = (side - 4) // 2
        if side < 1:
            raise GanzooError(f"size: {size} pixels are too few for {len(maps)} convolutions of 5x5.")
        self.net = nn.Sequential(*layers, nn.Flatten())
        self.n_features = (channels, *maps)[-1] * side**2

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, size, size) in [-1, 1] to features (N, n_features)."""
        return self.net((x - self.mean) / 2)


class Head(nn.Module):
    """Fully connected layers with ReLU from features to logits.

    Args:
        n_features: length of the features.
        hidden: widths of the hidden layers.
        n_logits: number of logits; 1 for a yes or no.
    """

    def __init__(self, n_features: int = 768, hidden: tuple[int, ...] = (100, 100), n_logits: int = 10) -> None:
        super().__init__()
        self.n_features, self.n_logits = n_features, n_logits
        layers: list[nn.Module] = []
        for before, width in zip((n_features, *hidden), hidden, strict=False):
            layers += [nn.Linear(before, width), nn.ReLU(inplace=True)]
        self.net = nn.Sequential(*layers, nn.Linear((n_features, *hidden)[-1], n_logits))

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the number of logits: the data's classes, where there are some."""
        return {"n_logits": spec.n_classes} if spec.n_classes else {}

    def forward(self, features: Tensor) -> Tensor:
        """Maps features (N, n_features) to logits (N, n_logits)."""
        return self.net(features)
