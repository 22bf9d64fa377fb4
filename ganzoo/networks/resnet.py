"""Residual generator and discriminator of SNGAN: Miyato et al. 2018, arXiv 1802.05957, appendix B.4, at 32 pixels.

They compute what the authors' code does (https://github.com/pfnet-research/sngan_projection), but for a bias of the
logit, which is mimicry's. Mimicry's networks are as large and are others: its generator interpolates where the authors'
repeats pixels, and in its discriminator a ReLU that works in place rectifies the shortcuts of all blocks but the first.
Weights cannot be taken over from there. For other sizes blocks that change the side are added or left out, and the
smallest side is 5, 6 or 7 where doubling 4 does not lead there; a generator whose doublings lead past the side keeps
the middle, and a discriminator puts zeros around. The paper's own networks for larger images also vary their widths.
"""

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.networks.conditional import ConditionalBatchNorm2d
from ganzoo.networks.resample import DownConv2d, UpConv2d
from ganzoo.networks.sides import crop_or_pad, halvings


class GeneratorBlock(nn.Module):
    """Residual block: BatchNorm, ReLU, upsample, convolve, BatchNorm, ReLU, convolve; an upsampled 1x1 shortcut.

    Args:
        before: channels of the input.
        after: channels of the output.
        n_classes: number of classes that both BatchNorms distinguish; 0 for none.
    """

    def __init__(self, before: int, after: int, n_classes: int = 0) -> None:
        super().__init__()
        self.norm1 = _norm(before, n_classes)
        self.conv1 = UpConv2d(before, after)
        self.norm2 = _norm(after, n_classes)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor, *y: Tensor) -> Tensor:
        """Maps (N, before, H, W), and labels (N,) if there are classes, to (N, after, 2H, 2W)."""
        h = self.conv1(relu(self.norm1(x, *y), inplace=True))
        h = self.conv2(relu(self.norm2(h, *y), inplace=True))
        return h + interpolate(
            self.shortcut(x), scale_factor=2
        )  # the same as after upsampling, at a quarter of the cost


class DiscriminatorBlock(nn.Module):
    """Residual block: ReLU, convolve, ReLU, convolve, perhaps average; a shortcut, 1x1 where something changes.

    Args:
        before: channels of the input.
        after: channels of the output.
        halve: average 2x2 blocks at the end.
        first: the input is an image, which no ReLU may cut.
    """

    def __init__(self, before: int, after: int, halve: bool = False, first: bool = False) -> None:
        super().__init__()
        self.halve = halve
        self.first = first
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.conv2 = DownConv2d(after, after) if halve else nn.Conv2d(after, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1) if halve or before != after else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, H, W), or half of H and W."""
        h = self.conv2(relu(self.conv1(x if self.first else relu(x)), inplace=True))
        return h + self.shortcut(avg_pool2d(x, 2) if self.halve else x)  # averaged first: a quarter of the cost


class ResNetGenerator(nn.Module):
    """Generator of images: a linear layer to 4x4, residual blocks that double, BatchNorm, ReLU, convolution.

    Args:
        size: side of the images in pixels, at least 8; the paper's is 32.
        channels: channels of the images.
        width: channels of every hidden layer.
        latent_dim: length of the latent vector.
        n_classes: number of classes, which the blocks' BatchNorms distinguish (Miyato and Koyama 2018); 0 for none.

    Raises:
        GanzooError: for smaller images.
    """

    def __init__(
        self, size: int = 32, channels: int = 3, width: int = 256, latent_dim: int = 128, n_classes: int = 0
    ) -> None:
        super().__init__()
        self.shape = (channels, size, size)
        self.latent_dim = latent_dim
        self.n_classes = n_classes
        self.side, doublings = _sides(size)
        self.project = nn.Linear(latent_dim, self.side**2 * width)
        self.blocks = nn.ModuleList(GeneratorBlock(width, width, n_classes) for _ in range(doublings))
        self.norm = nn.BatchNorm2d(width)
        self.last = nn.Conv2d(width, channels, 3, padding=1)
        init_resnet(self)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Maps (N, latent_dim), and labels (N,) if there are classes, to images (N, channels, size, size)."""
        h = (
            self.project(z).unflatten(1, (self.side, self.side, -1)).permute(0, 3, 1, 2)
        )  # laid out channels last from the start
        labels = (y,) if self.n_classes else ()
        for block in self.blocks:
            h = block(h, *labels)
        return crop_or_pad(self.last(relu(self.norm(h), inplace=True)).tanh(), self.shape[-1])


class ResNetDiscriminator(nn.Module):
    """Discriminator of images: residual blocks down to 8x8, two more, ReLU, the sum over places, a linear layer.

    `ganzoo.networks.conditional.Projection` around it gives it classes.

    Args:
        size: side of the images in pixels, at least 8; the paper's is 32.
        channels: channels of the images.
        width: channels of every hidden layer.
        spectral: divide every weight by its largest singular value.

    Raises:
        GanzooError: for smaller images.
    """

    def __init__(self, size: int = 32, channels: int = 3, width: int = 128, spectral: bool = True) -> None:
        super().__init__()
        side, doublings = _sides(size)
        self.whole = side << doublings  # what can be halved to the end
        self.shape = (channels, size, size)
        self.n_features = width
        self.blocks = nn.Sequential(
            DiscriminatorBlock(channels, width, halve=True, first=True),
            *(DiscriminatorBlock(width, width, halve=True) for _ in range(doublings - 2)),
            *(DiscriminatorBlock(width, width) for _ in range(2)),
        )
        self.linear = nn.Linear(width, 1)
        init_resnet(self)
        if spectral:  # after the initialisation: a parametrised weight ignores writes to its data
            for layer in list(self.modules()):
                if isinstance(layer, nn.Conv2d | nn.Linear):
                    spectral_norm(layer)

    def features(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, size, size) to features (N, width)."""
        return (
            relu(self.blocks(crop_or_pad(x, self.whole))).float().sum((2, 3))
        )  # up to hundreds of numbers: too many for bfloat16

    def head(self, features: Tensor) -> Tensor:
        """Maps what `features` returns to logits (N,)."""
        return self.linear(features).squeeze(1)

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, size, size) to logits (N,)."""
        return self.head(self.features(x))


def init_resnet(network: nn.Module) -> None:
    """Initialises weights Xavier-uniformly, sqrt(2) times larger before a ReLU inside a block, biases with zero."""
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight, 2**0.5 if name.endswith(("conv1", "conv2")) else 1.0)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # all have one


def _norm(channels: int, n_classes: int) -> nn.Module:
    return ConditionalBatchNorm2d(channels, n_classes) if n_classes else nn.BatchNorm2d(channels)


def _sides(size: int) -> tuple[int, int]:
    """Returns the smallest side of a generator's maps, 4 to 7, and how often it is doubled."""
    doublings = halvings(size, 4, "a ResNet network")
    return -(-size >> doublings), doublings
