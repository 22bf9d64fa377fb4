"""Residual networks of SAGAN at 32 pixels: Zhang et al. 2018, arXiv 1805.08318.

The authors' code is for ImageNet at 128 pixels; these are the networks for CIFAR-10 of mimicry
(https://github.com/kwotsin/mimicry, `nets/sagan/sagan_32.py`), the only ones with a published score there, and compute
what those do. So pixels are interpolated, not repeated, in the generator, and shortcuts of the discriminator see what
the ReLU before them leaves. Both networks are spectrally normalised, but for the generator's tables of BatchNorm.
"""

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu

from ganzoo.networks.attention import SelfAttention2d
from ganzoo.networks.conditional import ConditionalBatchNorm2d
from ganzoo.networks.spectral import power_iteration


def convolution(before: int, after: int, kernel: int = 3, gain: float = 1.0) -> nn.Module:
    """Returns a spectrally normalised convolution that keeps the side, initialised Xavier-uniformly, bias 0."""
    layer = nn.Conv2d(before, after, kernel, padding=kernel // 2)
    nn.init.xavier_uniform_(layer.weight, gain)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # it has one
    return power_iteration(layer)


def linear(before: int, after: int) -> nn.Module:
    """Returns a spectrally normalised linear layer, initialised Xavier-uniformly, bias 0."""
    layer = nn.Linear(before, after)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return power_iteration(layer)


class GeneratorBlock(nn.Module):
    """Residual block that doubles the side: BatchNorm, ReLU, interpolate, convolve, BatchNorm, ReLU, convolve.

    Args:
        channels: channels of input and output.
        n_classes: number of classes that both BatchNorms distinguish.
    """

    def __init__(self, channels: int, n_classes: int) -> None:
        super().__init__()
        self.norm1 = ConditionalBatchNorm2d(channels, n_classes)
        self.conv1 = convolution(channels, channels, gain=2**0.5)
        self.norm2 = ConditionalBatchNorm2d(channels, n_classes)
        self.conv2 = convolution(channels, channels, gain=2**0.5)
        self.shortcut = convolution(channels, channels, 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Maps (N, channels, H, W) and labels (N,) to (N, channels, 2H, 2W)."""
        h = self.conv1(doubled(relu(self.norm1(x, y))))
        h = self.conv2(relu(self.norm2(h, y)))
        return h + doubled(self.shortcut(x))  # as after interpolation, at a quarter of the cost


def doubled(x: Tensor) -> Tensor:
    """Doubles the sides of maps (N, C, H, W) by bilinear interpolation."""
    return interpolate(x, scale_factor=2, mode="bilinear")


class DiscriminatorBlock(nn.Module):
    """Residual block: ReLU, convolve, ReLU, convolve, perhaps average; the shortcut begins after the first ReLU.

    Args:
        before: channels of the input.
        after: channels of the output.
        halve: average 2x2 blocks at the end.
        first: the input is an image, which no ReLU may cut.
    """

    def __init__(self, before: int, after: int, halve: bool, first: bool = False) -> None:
        super().__init__()
        self.halve, self.first = halve, first
        self.conv1 = convolution(before, after, gain=2**0.5)
        self.conv2 = convolution(after, after, gain=2**0.5)
        self.shortcut = convolution(before, after, 1) if halve or before != after else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, H, W), or half of H and W."""
        x = x if self.first else relu(x)
        h = self.conv2(relu(self.conv1(x)))
        if not self.halve:
            return h + self.shortcut(x)
        return avg_pool2d(h, 2) + self.shortcut(avg_pool2d(x, 2))  # a 1x1 convolution and a mean may change places


class SAGANGenerator(nn.Module):
    """Generator of images of 32 pixels: a linear layer to 4x4, three residual blocks, attention after the second.

    Args:
        channels: channels of the images.
        width: channels of every hidden layer.
        latent_dim: length of the latent vector.
        n_classes: number of classes, which the blocks' BatchNorms distinguish.
    """

    def __init__(self, channels: int = 3, width: int = 256, latent_dim: int = 128, n_classes: int = 10) -> None:
        super().__init__()
        self.shape = (channels, 32, 32)
        self.latent_dim, self.n_classes = latent_dim, n_classes
        self.linear = linear(latent_dim, 16 * width)
        self.blocks = nn.ModuleList(GeneratorBlock(width, n_classes) for _ in range(3))
        self.attention = SelfAttention2d(width, power_iteration)
        self.norm = nn.BatchNorm2d(width)
        self.last = convolution(width, channels)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Maps (N, latent_dim) and labels (N,) to images (N, channels, 32, 32) in [-1, 1]."""
        h = self.linear(z).unflatten(1, (-1, 4, 4))
        for block in self.blocks[:2]:
            h = block(h, y)
        h = self.blocks[2](self.attention(h), y)
        return self.last(relu(self.norm(h))).tanh()


class SAGANDiscriminator(nn.Module):
    """Discriminator of images of 32 pixels and labels: four residual blocks, attention after the second, a projection.

    Args:
        channels: channels of the images.
        width: channels of every hidden layer.
        n_classes: number of classes.
    """

    def __init__(self, channels: int = 3, width: int = 128, n_classes: int = 10) -> None:
        super().__init__()
        self.shape = (channels, 32, 32)
        self.n_classes, self.n_features = n_classes, width
        self.blocks = nn.ModuleList(
            [
                DiscriminatorBlock(channels, width, halve=True, first=True),
                DiscriminatorBlock(width, width, halve=True),
                DiscriminatorBlock(width, width, halve=False),
                DiscriminatorBlock(width, width, halve=False),
            ]
        )
        self.attention = SelfAttention2d(width, power_iteration)
        self.linear = linear(width, 1)
        embed = nn.Embedding(n_classes, width)
        nn.init.xavier_uniform_(embed.weight)
        self.embed = power_iteration(embed)

    def features(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Maps images (N, channels, 32, 32) to features (N, width), which do not depend on labels."""
        x = self.attention(self.blocks[1](self.blocks[0](x)))
        x = self.blocks[3](self.blocks[2](x))
        return relu(x).float().sum((2, 3))  # up to hundreds of numbers: too many for bfloat16

    def head(self, features: Tensor) -> Tensor:
        """Maps what `features` returns to the unconditional part (N,) of the logits."""
        return self.linear(features).squeeze(1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Maps images (N, channels, 32, 32) and labels (N,) to logits (N,)."""
        features = self.features(x)
        return self.head(features) + (self.embed(y) * features).sum(1)
