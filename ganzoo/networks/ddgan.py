"""Discriminator of pairs of noisy images: Xiao et al. 2021, arXiv 2112.07804, appendix C.

It computes what the authors' code does (https://github.com/NVlabs/denoising-diffusion-gan), for images of 32 pixels and
for those of 256.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ganzoo.common.errors import GanzooError
from ganzoo.networks.filtered import halved
from ganzoo.networks.minibatch import minibatch_std
from ganzoo.networks.ncsnpp import HALF, NEAR_ZERO, begun, embedded_time, require_embeddable

SLOPE = 0.2
GROUP = 4  # samples of a group of the minibatch standard deviation


class TimedBlock(nn.Module):
    """Residual block of a time, which may halve the side.

    Args:
        before: channels of the input.
        after: channels of the output.
        time_dim: length of the embedded time.
        halve: whether it halves.
    """

    def __init__(self, before: int, after: int, time_dim: int, halve: bool) -> None:
        super().__init__()
        self.halve = halve
        self.conv1 = begun(nn.Conv2d(before, after, 3, padding=1), fan="out")
        self.conv2 = begun(nn.Conv2d(after, after, 3, padding=1), NEAR_ZERO, fan="out")
        self.time = begun(nn.Linear(time_dim, after), fan="out")
        self.shortcut = begun(nn.Conv2d(before, after, 1, bias=False), fan="out")

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """Maps (N, before, H, W) and activated times (N, time_dim) to (N, after, H, W), or half of H and W."""
        h = leaky_relu(self.conv1(leaky_relu(x, SLOPE)) + self.time(time)[:, :, None, None], SLOPE)
        if self.halve:
            h, x = halved(h), halved(x)
        return (self.conv2(h) + self.shortcut(x)) * HALF


class DDGANDiscriminator(nn.Module):
    """Discriminator of images at two neighbouring steps of a diffusion, and of the step.

    Args:
        size: side of the images in pixels.
        channels: channels of an image, of which it takes two.
        width: half the channels that it begins with.
        multipliers: channels after each block, in widths.
        halve_first: whether the first block halves the side, as all others do; for larger images.
        time_dim: length of the embedded step, an even number, 4 or more.

    Raises:
        GanzooError: if halving so often leaves a remainder, or `time_dim` is odd or below 4.
    """

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        width: int = 64,
        multipliers: Sequence[int] = (2, 4, 8, 8),
        halve_first: bool = False,
        time_dim: int = 256,
    ) -> None:
        super().__init__()
        require_embeddable("time_dim", time_dim)
        times = len(multipliers) - (not halve_first)
        if size % 2**times:
            raise GanzooError(f"size: {size} given, which cannot be halved {times} times.")
        self.channels, self.time_dim = channels, time_dim
        self.time = nn.Sequential(
            begun(nn.Linear(time_dim, time_dim), fan="out"),
            nn.LeakyReLU(SLOPE),
            begun(nn.Linear(time_dim, time_dim), fan="out"),
            nn.LeakyReLU(SLOPE),
        )
        widths = [2 * width, *(width * multiplier for multiplier in multipliers)]
        self.first = begun(nn.Conv2d(2 * channels, widths[0], 1), fan="out")
        self.blocks = nn.ModuleList(
            TimedBlock(*pair, time_dim, halve=halve_first or i > 0) for i, pair in enumerate(pairwise(widths))
        )
        self.last = begun(nn.Conv2d(widths[-1] + 1, widths[-1], 3, padding=1), NEAR_ZERO, fan="out")
        self.linear = begun(nn.Linear(widths[-1], 1), fan="out")

    def features(self, x: Tensor, t: Tensor) -> Tensor:
        """Maps pairs and their steps, as `forward` takes them, to features (N, C)."""
        time, h = self.time(embedded_time(t, self.time_dim)), self.first(x)
        for block in self.blocks:
            h = block(h, time)
        return leaky_relu(self.last(minibatch_std(h, GROUP)), SLOPE).sum((2, 3))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Maps pairs of images (N, 2 * channels, size, size), the less noisy first, and steps t (N,) to logits (N,)."""
        return self.linear(self.features(x, t)).flatten()
