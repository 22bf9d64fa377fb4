"""Networks of R3GAN: Huang et al. 2024, arXiv 2501.05441, section 4 and appendix.

They compute what the authors' code does (https://github.com/brownvc/R3GAN): residual blocks of grouped convolutions,
without any normalisation, whose last layer begins at zero, and images resampled by the filter [1, 3, 3, 1].
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ganzoo.common.errors import GanzooError
from ganzoo.networks.filtered import doubled, halved

SLOPE = 0.2


class BiasedLeakyReLU(nn.Module):
    """Leaky ReLU with a bias for each channel before it.

    Args:
        channels: of the maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, channels, H, W) to the same shape."""
        return leaky_relu(x + self.bias[:, None, None].to(x.dtype), SLOPE)


class ResidualBlock(nn.Module):
    """Residual block: a 1x1 convolution to more channels, a grouped 3x3 one, a 1x1 one back, leaky ReLUs between.

    Args:
        channels: of input and output.
        groups: of the 3x3 convolution.
        expansion: how many times as many channels are inside.

    Raises:
        GanzooError: if the groups do not divide these.
    """

    def __init__(self, channels: int, groups: int, expansion: int = 2) -> None:
        super().__init__()
        inside = expansion * channels
        if groups < 1 or inside % groups:
            raise GanzooError(f"groups: {groups} given, which do not divide {inside} channels.")
        self.expand = nn.Conv2d(channels, inside, 1, bias=False)
        self.act1 = BiasedLeakyReLU(inside)
        self.grouped = nn.Conv2d(inside, inside, 3, padding=1, groups=groups, bias=False)
        self.act2 = BiasedLeakyReLU(inside)
        self.reduce = nn.Conv2d(inside, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, channels, H, W) to the same shape."""
        return x + self.reduce(self.act2(self.grouped(self.act1(self.expand(x)))))


class Resample(nn.Module):
    """Doubling or halving of the side by the filter [1, 3, 3, 1].

    Args:
        up: double instead of halving.
    """

    def __init__(self, up: bool) -> None:
        super().__init__()
        self.up = up

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, C, H, W) to (N, C, 2H, 2W), or half of H and W."""
        return doubled(x) if self.up else halved(x)


class R3GANGenerator(nn.Module):
    """Generator of images: a learnt 4x4 map for each channel scaled by the latent vector, then stages of blocks.

    Args:
        size: side of the images in pixels: 4, doubled for each stage after the first.
        channels: channels of the images.
        latent_dim: length of the latent vector.
        widths: channels of each stage.
        groups: groups of the blocks of each stage.
        blocks: blocks of each stage.
        expansion: see `ResidualBlock`.
        n_classes: number of classes; 0 for none.
        embed_dim: length of an embedded class, which is joined to the latent vector.

    Attributes:
        unbounded: that images may leave [-1, 1].

    Raises:
        GanzooError: if there are not as many stages as the side asks for.
    """

    unbounded = True

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        latent_dim: int = 64,
        widths: Sequence[int] = (768, 768, 768, 768),
        groups: Sequence[int] = (96, 96, 96, 96),
        blocks: Sequence[int] = (2, 2, 2, 2),
        expansion: int = 2,
        n_classes: int = 0,
        embed_dim: int = 64,
    ) -> None:
        super().__init__()
        require_stages(size, widths, groups, blocks)
        self.shape = (channels, size, size)
        self.latent_dim, self.n_classes = latent_dim, n_classes
        self.embed = nn.Embedding(n_classes, embed_dim) if n_classes else None
        self.basis = nn.Parameter(torch.randn(widths[0], 4, 4))
        self.linear = nn.Linear(latent_dim + embed_dim * bool(n_classes), widths[0], bias=False)
        stages = []
        for i, (width, group, count) in enumerate(zip(widths, groups, blocks, strict=True)):
            layers: list[nn.Module] = []
            if i:
                layers += [nn.Conv2d(widths[i - 1], width, 1, bias=False)] if widths[i - 1] != width else []
                layers.append(Resample(up=True))
            stages.append(nn.Sequential(*layers, *(ResidualBlock(width, group, expansion) for _ in range(count))))
        self.stages = nn.Sequential(*stages)
        self.to_image = nn.Conv2d(widths[-1], channels, 1, bias=False)
        init_fixup(self)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Maps (N, latent_dim), and labels (N,) if there are classes, to images (N, channels, size, size)."""
        if self.embed is not None and y is not None:
            z = torch.cat([z, self.embed(y)], 1)
        return self.to_image(self.stages(self.basis * self.linear(z)[:, :, None, None]))


class R3GANDiscriminator(nn.Module):
    """Discriminator of images: stages of blocks, each halved after it, a 4x4 filter for each channel, a linear layer.

    Args:
        size: side of the images in pixels: 4, doubled for each stage after the first.
        channels: channels of the images.
        widths: channels of each stage, from the image on.
        groups: groups of the blocks of each stage.
        blocks: blocks of each stage.
        expansion: see `ResidualBlock`.
        n_classes: number of classes; 0 for none. The logit then is an inner product with the embedded class.
        embed_dim: length of an embedded class.

    Raises:
        GanzooError: if there are not as many stages as the side asks for.
    """

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        widths: Sequence[int] = (768, 768, 768, 768),
        groups: Sequence[int] = (96, 96, 96, 96),
        blocks: Sequence[int] = (2, 2, 2, 2),
        expansion: int = 2,
        n_classes: int = 0,
        embed_dim: int = 768,
    ) -> None:
        super().__init__()
        require_stages(size, widths, groups, blocks)
        self.shape = (channels, size, size)
        self.n_classes, self.n_features = n_classes, widths[-1]
        self.from_image = nn.Conv2d(channels, widths[0], 1, bias=False)
        stages = []
        for i, (width, group, count) in enumerate(zip(widths, groups, blocks, strict=True)):
            layers: list[nn.Module] = [ResidualBlock(width, group, expansion) for _ in range(count)]
            if i + 1 < len(widths):
                layers.append(Resample(up=False))
                layers += [nn.Conv2d(width, widths[i + 1], 1, bias=False)] if widths[i + 1] != width else []
            stages.append(nn.Sequential(*layers))
        self.stages = nn.Sequential(*stages)
        self.basis = nn.Conv2d(widths[-1], widths[-1], 4, groups=widths[-1], bias=False)
        self.linear = nn.Linear(widths[-1], embed_dim if n_classes else 1, bias=False)
        self.embed = nn.Embedding(n_classes, embed_dim) if n_classes else None
        init_fixup(self)

    def features(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Maps images (N, channels, size, size) to features (N, n_features), which do not depend on labels."""
        return self.basis(self.stages(self.from_image(x))).flatten(1)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Maps images (N, channels, size, size), and labels (N,) if there are classes, to logits (N,)."""
        output = self.linear(self.features(x))
        return output.squeeze(1) if self.embed is None or y is None else (output * self.embed(y)).sum(1)


def require_stages(size: int, *stages: Sequence[int]) -> None:
    """Raises GanzooError if lists have not one entry for each side from 4 pixels to `size`.

    Args:
        size: side of the images in pixels.
        *stages: a list for each of widths, groups and blocks.
    """
    count = len(stages[0])
    if 4 * 2 ** (count - 1) != size:
        raise GanzooError(f"size: {size} given, but {count} stages make images of {4 * 2 ** (count - 1)} pixels.")
    if any(len(each) != count for each in stages):
        raise GanzooError(f"widths: they, groups and blocks must be as many as each other, not {stages}.")


def init_fixup(network: nn.Module) -> None:
    """Initialises weights so that signals keep their scale without normalisation: the code's `MSRInitializer`.

    Normal, of standard deviation 1 / sqrt(fan in); inside blocks times sqrt(2 / 1.04) L^(-1/4), L the number of the
    network's blocks; the last layer of a block is zero, and a discriminator's embedding is smaller by sqrt(its length).
    """
    blocks = [layer for layer in network.modules() if isinstance(layer, ResidualBlock)]
    inside = (2 / (1 + SLOPE**2)) ** 0.5 * max(len(blocks), 1) ** -0.25
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, 0.0, layer.weight[0].numel() ** -0.5)
        elif isinstance(layer, nn.Embedding):
            joined = isinstance(network, R3GANGenerator)
            gain = 1.0 if joined else layer.embedding_dim**-0.5
            nn.init.normal_(layer.weight, 0.0, gain * layer.num_embeddings**-0.5)
    with torch.no_grad():
        for block in blocks:
            block.expand.weight.mul_(inside)
            block.grouped.weight.mul_(inside)
            block.reduce.weight.zero_()
