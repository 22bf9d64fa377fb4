"""Generator of FastGAN: Liu et al. 2021, arXiv 2101.04775, as Projected GAN's code has it, arXiv 2111.01007.

It computes what that code does (https://github.com/autonomousvision/projected-gan, `pg_modules/networks_fastgan.py`),
whose least side is 128 pixels; ours also ends after 32 and 64, as Diffusion-GAN's version for CIFAR-10
(arXiv 2206.02262). All convolutions are spectrally normalised, and every activation is a gated linear unit, which
halves the channels. Weights begin as PyTorch's layers do.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, silu

from ganzoo.common.errors import GanzooError
from ganzoo.networks.equalised import normalised
from ganzoo.networks.spectral import power_iteration

# by side: channels, in widths
WIDTHS = {4: 16, 8: 8, 16: 4, 32: 2, 64: 2, 128: 1, 256: 0.5, 512: 0.25, 1024: 0.125}
GATED = {64: 4, 128: 8, 256: 16, 512: 32}  # sides of maps, and of the maps that gate them


def convolution(before: int, after: int, kernel: int = 3, padding: int = 0) -> nn.Module:
    """Returns a spectrally normalised convolution without a bias."""
    return power_iteration(nn.Conv2d(before, after, kernel, padding=padding, bias=False))


def gated(x: Tensor) -> Tensor:
    """Gated linear unit: one half of the channels of (N, 2C, H, W) times the sigmoid of the other, (N, C, H, W)."""
    kept, gate = x.chunk(2, 1)
    return kept * gate.sigmoid()  # the gradient of PyTorch's `glu` is not channels last, which BatchNorm's waits for


class EmbeddedBatchNorm2d(nn.Module):
    """BatchNorm whose scale, 1 + gain(c), and shift are spectrally normalised linear maps of an embedded class.

    Args:
        channels: channels of the maps.
        embed_dim: length of an embedded class.
    """

    def __init__(self, channels: int, embed_dim: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain = power_iteration(nn.Linear(embed_dim, channels))
        self.bias = power_iteration(nn.Linear(embed_dim, channels))

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """Normalises maps (N, channels, H, W), then scales and shifts them by embedded classes (N, embed_dim)."""
        return self.norm(x) * (1 + self.gain(c))[:, :, None, None] + self.bias(c)[:, :, None, None]


class UpBlock(nn.Module):
    """Block that doubles the side: repeated pixels, then twice convolution, noise, BatchNorm, gated linear unit.

    Args:
        before: channels of the input.
        after: channels of the output.
        embed_dim: length of embedded classes; 0 for none.
        lite: one convolution, without noise.
    """

    def __init__(self, before: int, after: int, embed_dim: int = 0, lite: bool = False) -> None:
        super().__init__()
        entries = [before] if lite else [before, after]
        self.convs = nn.ModuleList(convolution(entry, 2 * after, padding=1) for entry in entries)
        self.norms = nn.ModuleList(
            EmbeddedBatchNorm2d(2 * after, embed_dim) if embed_dim else nn.BatchNorm2d(2 * after) for _ in entries
        )
        # of the noise; the code's conditional blocks have one for both convolutions
        self.strength = None if lite else nn.Parameter(torch.zeros(1 if embed_dim else 2))

    def forward(self, x: Tensor, c: Tensor | None, noise: Sequence[Tensor]) -> Tensor:
        """Maps (N, before, H, W) to (N, after, 2H, 2W).

        Args:
            x: the maps.
            c: embedded classes (N, embed_dim), where there are some.
            noise: (N, 1, 2H, 2W) for each convolution, unless it is `lite`.
        """
        x = interpolate(x, scale_factor=2)
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = conv(x)
            if self.strength is not None:
                x = x + (self.strength[min(i, len(self.strength) - 1)] * noise[i]).to(x.dtype)
            x = gated(norm(x) if c is None else norm(x, c))
        return x


class Gate(nn.Module):
    """Skip-layer excitation: small maps of the same image say how much of each channel of large maps is kept.

    Args:
        small: channels of the small maps.
        large: channels of the large ones.
    """

    def __init__(self, small: int, large: int) -> None:
        super().__init__()
        self.conv1 = convolution(small, large, 4)
        self.conv2 = convolution(large, large, 1)

    def forward(self, small: Tensor, large: Tensor) -> Tensor:
        """Scales maps (N, large, H, W) by factors in (0, 1) that (N, small, h, h) make, h a multiple of 4."""
        pooled = avg_pool2d(small, small.shape[-1] // 4)
        return large * self.conv2(silu(self.conv1(pooled))).sigmoid()


class FastGANGenerator(nn.Module):
    """Generator of images: a transposed convolution to 4x4, blocks that double, gates from small maps to large ones.

    Args:
        size: side of the images in pixels, a power of 2 from 32 to 1024.
        channels: channels of the images.
        latent_dim: length of the latent vector.
        width: channels at 128 pixels; there are 16 times as many at 4, 8 at 8, 4 at 16, 2 at 32 and 64, and half as
            many at 256.
        lite: blocks of one convolution, without noise.
        n_classes: number of classes, which all BatchNorms but the first distinguish; 0 for none.

    Attributes:
        unbounded: that images may leave [-1, 1].
        noise_shapes: shape of each layer's noise.

    Raises:
        GanzooError: for another size.
    """

    unbounded = True

    def __init__(
        self,
        size: int = 256,
        channels: int = 3,
        latent_dim: int = 256,
        width: int = 128,
        lite: bool = False,
        n_classes: int = 0,
    ) -> None:
        super().__init__()
        if size not in WIDTHS or size < 32:
            raise GanzooError(f"size: {size} given, but FastGAN is for powers of 2 from 32 to 1024 pixels.")
        self.shape = (channels, size, size)
        self.latent_dim, self.n_classes = latent_dim, n_classes
        sides = [side for side in WIDTHS if side <= size]
        widths = {side: int(WIDTHS[side] * width) for side in sides}
        self.noise_shapes = [(1, side, side) for side in sides[1:] for _ in range(0 if lite else 2)]
        self.embed = nn.Embedding(n_classes, latent_dim) if n_classes else None
        self.first = power_iteration(nn.ConvTranspose2d(latent_dim, 2 * widths[4], 4, bias=False), dim=1)
        self.norm = nn.BatchNorm2d(2 * widths[4])
        embed_dim = latent_dim if n_classes else 0
        self.blocks = nn.ModuleList(UpBlock(widths[a], widths[b], embed_dim, lite) for a, b in pairwise(sides))
        gated = {side: small for side, small in GATED.items() if side <= size}
        self.gates = nn.ModuleDict({str(side): Gate(widths[small], widths[side]) for side, small in gated.items()})
        self.to_image = power_iteration(nn.Conv2d(widths[size], channels, 3, padding=1))

    def forward(self, z: Tensor, y: Tensor | None = None, noise: Sequence[Tensor] | None = None) -> Tensor:
        """Maps z (N, latent_dim), and labels (N,) if there are classes, to images (N, channels, size, size).

        Args:
            z: latent vectors.
            y: labels.
            noise: a tensor for each of `noise_shapes`; None draws it afresh.
        """
        if noise is None:
            noise = [torch.randn(z.shape[0], *shape, device=z.device) for shape in self.noise_shapes]
        c = None if self.embed is None or y is None else self.embed(y)
        h = gated(self.norm(self.first(normalised(z)[:, :, None, None])))
        maps, each = {4: h}, len(noise) // len(self.blocks)  # planes of noise that a block takes
        for i, block in enumerate(self.blocks):
            h, side = block(h, c, noise[i * each : (i + 1) * each]), 8 << i
            if side in GATED:
                h = self.gates[str(side)](maps[GATED[side]], h)
            maps[side] = h
        return self.to_image(h)
