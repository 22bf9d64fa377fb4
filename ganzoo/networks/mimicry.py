"""Residual networks of mimicry at 32 pixels: its SNGAN, projection GAN, DCGAN and WGAN-GP.

They compute what https://github.com/kwotsin/mimicry does (`nets/sngan/sngan_32.py` and its neighbours), so that its
weights can be taken over. Unlike the authors' (`ganzoo.networks.resnet`) its generator interpolates where theirs
repeats pixels, and shortcuts of its discriminator see what the ReLU before them leaves. Its SAGAN is in
`ganzoo.networks.sagan`.
"""

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, relu

from ganzoo.networks.conditional import ConditionalBatchNorm2d
from ganzoo.networks.resnet import init_resnet
from ganzoo.networks.sagan import doubled
from ganzoo.networks.spectral import power_iteration


class GeneratorBlock(nn.Module):
    """Residual block that doubles the side: BatchNorm, ReLU, interpolate, convolve, BatchNorm, ReLU, convolve.

    Args:
        channels: channels of input and output.
        n_classes: number of classes that both BatchNorms distinguish; 0 for none.
    """

    def __init__(self, channels: int, n_classes: int = 0) -> None:
        super().__init__()

        def norm() -> nn.Module:
            return ConditionalBatchNorm2d(channels, n_classes) if n_classes else nn.BatchNorm2d(channels)

        self.norm1, self.conv1 = norm(), nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2, self.conv2 = norm(), nn.Conv2d(channels, channels, 3, padding=1)
        self.shortcut = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, *y: Tensor) -> Tensor:
        """Maps (N, channels, H, W), and labels (N,) if there are classes, to (N, channels, 2H, 2W)."""
        h = self.conv2(relu(self.norm2(self.conv1(doubled(relu(self.norm1(x, *y)))), *y)))
        return h + doubled(self.shortcut(x))  # as after interpolation, at a quarter of the cost


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
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1) if halve or before != after else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, H, W), or half of H and W."""
        x = x if self.first else relu(x)
        h = self.conv2(relu(self.conv1(x)))
        return avg_pool2d(h, 2) + self.shortcut(avg_pool2d(x, 2)) if self.halve else h + self.shortcut(x)


class MimicryGenerator(nn.Module):
    """Generator of images of 32 pixels: a linear layer to 4x4, three residual blocks, BatchNorm, ReLU, convolution.

    Args:
        channels: channels of the images.
        width: channels of every hidden layer.
        latent_dim: length of the latent vector.
        n_classes: number of classes, which the blocks' BatchNorms distinguish; 0 for none.
    """

    def __init__(self, channels: int = 3, width: int = 256, latent_dim: int = 128, n_classes: int = 0) -> None:
        super().__init__()
        self.shape = (channels, 32, 32)
        self.latent_dim, self.n_classes = latent_dim, n_classes
        self.linear = nn.Linear(latent_dim, 16 * width)
        self.blocks = nn.ModuleList(GeneratorBlock(width, n_classes) for _ in range(3))
        self.norm = nn.BatchNorm2d(width)
        self.last = nn.Conv2d(width, channels, 3, padding=1)
        init_resnet(self)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Maps (N, latent_dim), and labels (N,) if there are classes, to images (N, channels, 32, 32) in [-1, 1]."""
        h = self.linear(z).unflatten(1, (-1, 4, 4))
        labels = (y,) if self.n_classes else ()
        for block in self.blocks:
            h = block(h, *labels)
        return self.last(relu(self.norm(h))).tanh()


class MimicryDiscriminator(nn.Module):
    """Discriminator of images of 32 pixels: four residual blocks, ReLU, the sum over places, a linear layer.

    With classes, an inner product with the embedded one is added: Miyato and Koyama 2018, equation 3.

    Args:
        channels: channels of the images.
        width: channels of every hidden layer.
        n_classes: number of classes; 0 for none.
        spectral: divide every weight by its largest singular value, as mimicry's SNGAN and projection GAN do.
    """

    def __init__(self, channels: int = 3, width: int = 128, n_classes: int = 0, spectral: bool = True) -> None:
        super().__init__()
        self.shape = (channels, 32, 32)
        self.n_classes, self.n_features = n_classes, width
        self.blocks = nn.Sequential(
            DiscriminatorBlock(channels, width, halve=True, first=True),
            DiscriminatorBlock(width, width, halve=True),
            DiscriminatorBlock(width, width, halve=False),
            DiscriminatorBlock(width, width, halve=False),
        )
        self.linear = nn.Linear(width, 1)
        init_resnet(self)
        self.embed = nn.Embedding(n_classes, width) if n_classes else None
        if self.embed is not None:
            nn.init.xavier_uniform_(self.embed.weight)
        if spectral:  # after the initialisation: a parametrised weight ignores writes to its data
            for layer in list(self.modules()):
                if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
                    power_iteration(layer)

    def features(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Maps images (N, channels, 32, 32) to features (N, width), which do not depend on labels."""
        return relu(self.blocks(x)).float().sum((2, 3))  # up to hundreds of numbers: too many for bfloat16

    def head(self, features: Tensor) -> Tensor:
        """Maps what `features` returns to the unconditional part (N,) of the logits."""
        return self.linear(features).squeeze(1)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Maps images (N, channels, 32, 32), and labels (N,) if there are classes, to logits (N,)."""
        features = self.features(x)
        logits = self.head(features)
        return logits if self.embed is None or y is None else logits + (self.embed(y) * features).sum(1)
