"""Residual networks of BigGAN: Brock, Donahue and Simonyan 2019, arXiv 1809.11096, appendix B.

They compute what the first author's code does (https://github.com/ajbrock/BigGAN-PyTorch): at 32 pixels both without
(`scripts/launch_cifar_ema.sh`) and with shared embedding, hierarchical latent vector and attention; at 64, 128 and 256
pixels its tables of widths. Weights begin as there with `init='N02'`: normal, standard deviation 0.02.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu

from ganzoo.common.errors import GanzooError
from ganzoo.networks.attention import SelfAttention2d
from ganzoo.networks.spectral import power_iteration

# by side: channels after the linear layer and after each block, in widths
GENERATOR_WIDTHS = {
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
}
# by side: channels after each block; all blocks but the last ones (two at 32 pixels, else one) halve the side
DISCRIMINATOR_WIDTHS = {
    32: (4, 4, 4, 4),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
    256: (1, 2, 4, 8, 8, 16, 16),
}


def spectral(layer: nn.Module) -> nn.Module:
    """Divides a layer's weight by its largest singular value, with a power iteration at every pass; returns it."""
    return power_iteration(layer, iterate=True)


class ClassBatchNorm2d(nn.Module):
    """BatchNorm whose scale, 1 + gain(y), and shift depend on the class, or on an embedded one.

    Args:
        channels: channels of the maps.
        n_classes: number of classes, each with its own numbers; for `embed_dim` 0.
        embed_dim: length of an embedded class, which spectrally normalised linear layers map; 0 for none.
    """

    def __init__(self, channels: int, n_classes: int, embed_dim: int = 0) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)

        def numbers() -> nn.Module:
            if embed_dim:
                return spectral(nn.Linear(embed_dim, channels, bias=False))
            return nn.Embedding(n_classes, channels)

        self.gain, self.bias = numbers(), numbers()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Normalises maps (N, channels, H, W), then scales and shifts them by class."""
        return self.norm(x) * (1 + self.gain(y))[:, :, None, None] + self.bias(y)[:, :, None, None]


class GeneratorBlock(nn.Module):
    """Residual block that doubles the side: twice BatchNorm, ReLU, convolution; an upsampled 1x1 shortcut.

    Args:
        before: channels of the input.
        after: channels of the output.
        n_classes: see `ClassBatchNorm2d`.
        embed_dim: likewise.
    """

    def __init__(self, before: int, after: int, n_classes: int, embed_dim: int) -> None:
        super().__init__()
        self.norm1 = ClassBatchNorm2d(before, n_classes, embed_dim)
        self.conv1 = spectral(nn.Conv2d(before, after, 3, padding=1))
        self.norm2 = ClassBatchNorm2d(after, n_classes, embed_dim)
        self.conv2 = spectral(nn.Conv2d(after, after, 3, padding=1))
        self.shortcut = spectral(nn.Conv2d(before, after, 1))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Maps (N, before, H, W) and classes, perhaps embedded, to (N, after, 2H, 2W)."""
        h = self.conv1(interpolate(relu(self.norm1(x, y)), scale_factor=2))
        h = self.conv2(relu(self.norm2(h, y)))
        return h + interpolate(self.shortcut(x), scale_factor=2)  # as after upsampling, at a quarter of the cost


class DiscriminatorBlock(nn.Module):
    """Residual block: ReLU, convolve, ReLU, convolve, perhaps average; a shortcut, 1x1 where something changes.

    Args:
        before: channels of the input.
        after: channels of the output.
        halve: average 2x2 blocks at the end.
        first: the input is an image, which no ReLU may cut.
    """

    def __init__(self, before: int, after: int, halve: bool, first: bool = False) -> None:
        super().__init__()
        self.halve, self.first = halve, first
        self.conv1 = spectral(nn.Conv2d(before, after, 3, padding=1))
        self.conv2 = spectral(nn.Conv2d(after, after, 3, padding=1))
        self.shortcut = spectral(nn.Conv2d(before, after, 1)) if halve or before != after else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, H, W), or half of H and W."""
        h = self.conv2(relu(self.conv1(x if self.first else relu(x))))
        if not self.halve:
            return h + self.shortcut(x)
        return avg_pool2d(h, 2) + self.shortcut(avg_pool2d(x, 2))  # a 1x1 convolution and a mean may change places


class BigGANGenerator(nn.Module):
    """Generator of images: a linear layer to 4x4, residual blocks that double, BatchNorm, ReLU, convolution, tanh.

    Args:
        size: side of the images in pixels: 32, 64, 128 or 256.
        channels: channels of the images.
        width: channels that the tables of widths multiply.
        latent_dim: length of the latent vector; hierarchical ones are cut into as many equal chunks as there are blocks
            and one more.
        n_classes: number of classes.
        shared_dim: length of the classes' embedding that all BatchNorms share; 0 gives each its own numbers.
        hierarchical: give each block a chunk of the latent vector beside the shared embedding.
        attention: sides of the maps that are attended to, such as 16.

    Raises:
        GanzooError: for another size, a latent vector that cannot be cut so, or attention to what is not there.
    """

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        width: int = 64,
        latent_dim: int = 128,
        n_classes: int = 10,
        shared_dim: int = 0,
        hierarchical: bool = False,
        attention: Sequence[int] = (),
    ) -> None:
        super().__init__()
        widths = [width * number for number in _widths(GENERATOR_WIDTHS, size)]
        self.shape = (channels, size, size)
        self.latent_dim, self.n_classes = latent_dim, n_classes
        chunks = len(widths) if hierarchical else 1
        if hierarchical and (not shared_dim or latent_dim % chunks):
            raise GanzooError(f"hierarchical: it needs a shared_dim, and a latent_dim that {chunks} divides.")
        self.chunk = latent_dim // chunks
        embed_dim = shared_dim + self.chunk * hierarchical
        self.embed = nn.Embedding(n_classes, shared_dim) if shared_dim else nn.Identity()
        self.linear = spectral(nn.Linear(self.chunk, 16 * widths[0]))
        pairs = list(pairwise(widths))
        self.blocks = nn.ModuleList(GeneratorBlock(*pair, n_classes, embed_dim) for pair in pairs)
        sides = [8 * 2**i for i in range(len(pairs))]
        require_among("attention", attention, sides, "sides of maps")
        self.attention = nn.ModuleDict(
            {str(i): SelfAttention2d(widths[i + 1], spectral) for i, side in enumerate(sides) if side in attention}
        )
        self.norm = nn.BatchNorm2d(widths[-1])
        self.last = spectral(nn.Conv2d(widths[-1], channels, 3, padding=1))
        init_normal(self)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Maps (N, latent_dim) and labels (N,) to images (N, channels, size, size) in [-1, 1]."""
        first, *rest = z.split(self.chunk, 1)
        y = self.embed(y)
        h = self.linear(first).unflatten(1, (-1, 4, 4))
        for i, block in enumerate(self.blocks):
            h = block(h, torch.cat([y, rest[i]], 1) if rest else y)
            if str(i) in self.attention:
                h = self.attention[str(i)](h)
        return self.last(relu(self.norm(h))).tanh()


class BigGANDiscriminator(nn.Module):
    """Discriminator of images and labels: residual blocks, ReLU, the sum over places, a linear layer and a projection.

    Args:
        size: side of the images in pixels: 32, 64, 128 or 256.
        channels: channels of the images.
        width: channels that the tables of widths multiply.
        n_classes: number of classes.
        attention: numbers of the blocks, from 0, whose output is attended to. The author's code puts attention after
            the block that halves to the side asked for; at 32 pixels its option 16 puts it after each of the four.

    Raises:
        GanzooError: for another size, or attention to what is not there.
    """

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        width: int = 64,
        n_classes: int = 10,
        attention: Sequence[int] = (),
    ) -> None:
        super().__init__()
        widths = [channels, *(width * number for number in _widths(DISCRIMINATOR_WIDTHS, size))]
        self.shape = (channels, size, size)
        self.n_classes, self.n_features = n_classes, widths[-1]
        pairs = list(pairwise(widths))
        halvings = len(pairs) - (2 if size == 32 else 1)
        require_among("attention", attention, range(len(pairs)), "numbers of blocks")
        self.blocks = nn.ModuleList(
            DiscriminatorBlock(*pair, halve=i < halvings, first=i == 0) for i, pair in enumerate(pairs)
        )
        self.attention = nn.ModuleDict({str(i): SelfAttention2d(widths[i + 1], spectral) for i in attention})
        self.linear = spectral(nn.Linear(self.n_features, 1))
        self.embed = spectral(nn.Embedding(n_classes, self.n_features))
        init_normal(self)

    def features(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Maps images (N, channels, size, size) to features (N, n_features), which do not depend on labels."""
        for i, block in enumerate(self.blocks):
            x = block(x)
            if str(i) in self.attention:
                x = self.attention[str(i)](x)
        return relu(x).float().sum((2, 3))  # up to hundreds of numbers: too many for bfloat16

    def head(self, features: Tensor) -> Tensor:
        """Maps what `features` returns to the unconditional part (N,) of the logits."""
        return self.linear(features).squeeze(1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Maps images (N, channels, size, size) and labels (N,) to logits (N,)."""
        features = self.features(x)
        return self.head(features) + (self.embed(y) * features).sum(1)


def init_normal(network: nn.Module, std: float = 0.02) -> None:
    """Draws the weights of linear layers, convolutions and embeddings from a normal distribution of mean 0.

    Args:
        network: is changed; spectrally normalised weights are those before normalisation.
        std: standard deviation.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
            weight = dict(layer.named_parameters()).get("parametrizations.weight.original", layer.weight)
            nn.init.normal_(weight, 0.0, std)


def require_among(field: str, chosen: Sequence[int], there: Sequence[int], what: str) -> None:
    """Raises GanzooError if something is chosen that is not there.

    Args:
        field: what the error names.
        chosen: numbers.
        there: those that there are.
        what: they are, in words.
    """
    if strange := [number for number in chosen if number not in there]:
        raise GanzooError(f"{field}: {strange[0]} given, but there are the {what} {', '.join(map(str, there))}.")


def _widths(table: dict[int, tuple[int, ...]], size: int) -> tuple[int, ...]:
    if size not in table:
        raise GanzooError(f"size: {size} given, but a BigGAN network is for {', '.join(map(str, table))} pixels.")
    return table[size]
