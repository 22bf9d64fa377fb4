"""Networks of VQGAN: Esser et al. 2020, arXiv 2012.09841.

They compute what the authors' code does (https://github.com/CompVis/taming-transformers, `taming/modules`): residual
blocks with GroupNorm and swish, attention at chosen sides and in the middle, and a codebook between two 1x1
convolutions.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.functional import interpolate, pad, silu

from ganzoo.common.errors import GanzooError
from ganzoo.networks.codebook import Codebook


class ResidualBlock(nn.Module):
    """Residual block: twice GroupNorm, swish and a 3x3 convolution; a 1x1 one beside them where the width changes.

    Args:
        before: channels of the input.
        after: channels of the output.
        groups: of GroupNorm.
    """

    def __init__(self, before: int, after: int, groups: int = 32) -> None:
        super().__init__()
        self.norm1 = group_norm(before, groups)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.norm2 = group_norm(after, groups)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1) if before != after else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, H, W)."""
        h = self.conv1(silu(self.norm1(x)))
        return self.shortcut(x) + self.conv2(silu(self.norm2(h)))


class Attention(nn.Module):
    """Attention of one head over the places of a map, added to it.

    Args:
        channels: of the map.
        groups: of GroupNorm.
    """

    def __init__(self, channels: int, groups: int = 32) -> None:
        super().__init__()
        self.norm = group_norm(channels, groups)
        self.query = nn.Conv2d(channels, channels, 1)
        self.key = nn.Conv2d(channels, channels, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, channels, H, W) to the same shape."""
        h = self.norm(x)
        query, key, value = (layer(h).flatten(2) for layer in (self.query, self.key, self.value))  # (N, C, HW)
        weights = (query.transpose(1, 2) @ key * x.shape[1] ** -0.5).softmax(2)  # of keys, for each query
        mixed = (value @ weights.transpose(1, 2)).unflatten(2, x.shape[2:])
        return x + self.out(mixed)


class Level(nn.Module):
    """Residual blocks on one side, each followed by attention where there is some, then halving or doubling.

    Args:
        before: channels of the input.
        after: channels of the output.
        blocks: number of blocks.
        attends: whether attention follows each block.
        resample: halves or doubles the side; None keeps it.
        groups: of GroupNorm.
    """

    def __init__(
        self, before: int, after: int, blocks: int, attends: bool, resample: nn.Module | None, groups: int = 32
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(after if i else before, after, groups) for i in range(blocks))
        self.attention = nn.ModuleList(Attention(after, groups) if attends else nn.Identity() for _ in range(blocks))
        self.resample = resample if resample is not None else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, H', W')."""
        for block, attend in zip(self.blocks, self.attention, strict=True):
            x = attend(block(x))
        return self.resample(x)


class Halve(nn.Module):
    """3x3 convolution of stride 2 that pads right and below alone.

    Args:
        channels: of the map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, channels, H, W) to (N, channels, H / 2, W / 2)."""
        return self.conv(pad(x, (0, 1, 0, 1)))


class Double(nn.Module):
    """Repetition of every pixel, then a 3x3 convolution.

    Args:
        channels: of the map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, channels, H, W) to (N, channels, 2H, 2W)."""
        return self.conv(interpolate(x, scale_factor=2.0, mode="nearest"))


class Middle(nn.Module):
    """Residual block, attention, residual block at the smallest side.

    Args:
        channels: of the map.
        groups: of GroupNorm.
    """

    def __init__(self, channels: int, groups: int = 32) -> None:
        super().__init__()
        self.first = ResidualBlock(channels, channels, groups)
        self.attention = Attention(channels, groups)
        self.second = ResidualBlock(channels, channels, groups)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, channels, H, W) to the same shape."""
        return self.second(self.attention(self.first(x)))


class VQGANEncoder(nn.Module):
    """Encoder of images into maps, whose side is halved between the levels.

    Args:
        size: side of the images in pixels.
        channels: channels of the images.
        z_channels: channels of the maps.
        width: channels of the first convolution; `groups` must divide it.
        multipliers: channels of each level, in multiples of it, from the largest side on.
        blocks: residual blocks of a level.
        attention: sides in pixels at which attention follows each block.
        groups: of GroupNorm.
    """

    def __init__(
        self,
        size: int = 256,
        channels: int = 3,
        z_channels: int = 256,
        width: int = 128,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4),
        blocks: int = 2,
        attention: Sequence[int] = (16,),
        groups: int = 32,
    ) -> None:
        super().__init__()
        self.shape = (channels, size, size)
        self.conv_in = nn.Conv2d(channels, width, 3, padding=1)
        widths = [width, *(width * factor for factor in multipliers)]
        self.down = nn.ModuleList()
        for i, (before, after) in enumerate(pairwise(widths)):
            last = i + 2 == len(widths)
            attends = size // 2**i in attention
            self.down.append(Level(before, after, blocks, attends, None if last else Halve(after), groups))
        self.mid = Middle(widths[-1], groups)
        self.norm_out = group_norm(widths[-1], groups)
        self.conv_out = nn.Conv2d(widths[-1], z_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, size, size) to (N, z_channels, h, w)."""
        h = self.conv_in(x)
        for level in self.down:
            h = level(h)
        return self.conv_out(silu(self.norm_out(self.mid(h))))


class VQGANDecoder(nn.Module):
    """Decoder of maps into images, with one residual block more to a level than the encoder, and no tanh.

    Args:
        size: see `VQGANEncoder`.
        channels: likewise.
        z_channels: likewise.
        width: likewise.
        multipliers: likewise.
        blocks: likewise.
        attention: likewise.
        groups: likewise.
    """

    unbounded = True

    def __init__(
        self,
        size: int = 256,
        channels: int = 3,
        z_channels: int = 256,
        width: int = 128,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4),
        blocks: int = 2,
        attention: Sequence[int] = (16,),
        groups: int = 32,
    ) -> None:
        super().__init__()
        self.shape = (channels, size, size)
        widths = [width * factor for factor in multipliers]
        self.conv_in = nn.Conv2d(z_channels, widths[-1], 3, padding=1)
        self.mid = Middle(widths[-1], groups)
        self.up = nn.ModuleList()  # from the smallest side on
        before = widths[-1]
        for i, after in reversed([*enumerate(widths)]):
            attends = size // 2**i in attention
            self.up.append(Level(before, after, blocks + 1, attends, Double(after) if i else None, groups))
            before = after
        self.norm_out = group_norm(before, groups)
        self.conv_out = nn.Conv2d(before, channels, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        """Maps (N, z_channels, h, w) to images (N, channels, size, size), which may leave [-1, 1]."""
        h = self.mid(self.conv_in(z))
        for level in self.up:
            h = level(h)
        return self.conv_out(silu(self.norm_out(h)))


class Coded(NamedTuple):
    """What a `VQAutoencoder` makes of images on the way."""

    images: Tensor  # (N, channels, size, size), the reconstructions
    loss: Tensor  # of the codebook, a scalar
    indices: Tensor  # (N, h, w), of the codes
    latents: Tensor  # (N, code_dim, h, w), before they are quantised


class VQAutoencoder(nn.Module):
    """Encoder, codebook and decoder as one network, whose output are reconstructions.

    Args:
        size: side of the images in pixels, halved for each level after the first.
        channels: channels of the images.
        codes: number of codes.
        code_dim: length of a code.
        z_channels: channels of the encoder's output and the decoder's input.
        width: see `VQGANEncoder`; the other defaults are the paper's f16, sides of a sixteenth.
        multipliers: likewise.
        blocks: likewise.
        attention: likewise.
        groups: likewise.
        commitment: weight of one of the codebook loss's terms, see `Codebook`.
        legacy: see `Codebook`.

    Attributes:
        latent_shape: (code_dim, h, w).
        unbounded: that images may leave [-1, 1].

    Raises:
        GanzooError: if the side cannot be halved so often, or `groups` does not divide a width.
    """

    unbounded = True

    def __init__(
        self,
        size: int = 256,
        channels: int = 3,
        codes: int = 1024,
        code_dim: int = 256,
        z_channels: int = 256,
        width: int = 128,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4),
        blocks: int = 2,
        attention: Sequence[int] = (16,),
        groups: int = 32,
        commitment: float = 0.25,
        legacy: bool = True,
    ) -> None:
        super().__init__()
        factor = 2 ** (len(multipliers) - 1)
        if size % factor:
            raise GanzooError(f"size: {len(multipliers)} multipliers ask for a multiple of {factor}, not {size}.")
        if width % groups:
            raise GanzooError(f"width: {width} given, but it must be a multiple of the {groups} groups.")
        self.shape = self.source_shape = (channels, size, size)
        self.latent_shape = (code_dim, size // factor, size // factor)
        self.encoder = VQGANEncoder(size, channels, z_channels, width, multipliers, blocks, attention, groups)
        self.before = nn.Conv2d(z_channels, code_dim, 1)
        self.codebook = Codebook(codes, code_dim, commitment, legacy)
        self.after = nn.Conv2d(code_dim, z_channels, 1)
        self.decoder = VQGANDecoder(size, channels, z_channels, width, multipliers, blocks, attention, groups)

    @property
    def last_weight(self) -> Tensor:
        """Weight of the decoder's last convolution."""
        return self.decoder.conv_out.weight

    def encode(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, size, size) to latents (N, *latent_shape), not yet quantised."""
        return self.before(self.encoder(x))

    def decode(self, latents: Tensor) -> Tensor:
        """Maps latents (N, *latent_shape) to images: each place's nearest code is decoded."""
        return self.decoder(self.after(self.codebook(latents).latents))

    def decode_indices(self, indices: Tensor) -> Tensor:
        """Maps indices of codes (N, h, w) to images."""
        return self.decoder(self.after(self.codebook.lookup(indices)))

    def code(self, x: Tensor) -> Coded:
        """Returns the reconstructions of images with the codebook's loss and what was on the way."""
        latents = self.encode(x)
        quantised = self.codebook(latents)
        return Coded(self.decoder(self.after(quantised.latents)), quantised.loss, quantised.indices, latents)

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, size, size) to their reconstructions."""
        return self.code(x).images


def group_norm(channels: int, groups: int) -> nn.GroupNorm:
    """Returns the normalisation of a map's channels, with the code's epsilon."""
    return nn.GroupNorm(groups, channels, eps=1e-6)
