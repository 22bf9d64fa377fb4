"""Generator and discriminator of VGAN: Vondrick et al. 2016, arXiv 1609.02612, section 2 and main.lua of the code.

Two streams come from the same numbers: volumetric convolutions draw what moves and a mask of where it is, plain ones a
single frame that stands still behind it. At the published size five layers each lead to 32 frames of 64 pixels a side:
2, 4, 8, 16 and 32 of them. Weights begin as N(0, 0.01), narrower than DCGAN's.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import VIDEO
from ganzoo.networks.discriminator import Discriminator

SLOPE = 0.2
EPS = 1e-3  # of the discriminator's BatchNorm


class Streams(NamedTuple):
    """What a clip is composed of.

    Attributes:
        foreground: what moves (N, C, T, H, W), in [-1, 1].
        mask: where it is (N, 1, T, H, W), in [0, 1].
        background: the frame behind it (N, C, 1, H, W), in [-1, 1].
    """

    foreground: Tensor
    mask: Tensor
    background: Tensor

    def compose(self) -> Tensor:
        """Returns the clips (N, C, T, H, W)."""
        return self.mask * self.foreground + (1 - self.mask) * self.background


class VGANGenerator(nn.Module):
    """Generator of clips: a foreground through a mask, before a background that stands still.

    Args:
        shape: channels, frames, height and width of the clips.
        latent_dim: length of the latent vector.
        widths: channels of the foreground's hidden layers. Frames and sides double with each, after a first layer that
            makes what they begin with.
        back_widths: those of the background, as many; None for the same.

    Raises:
        GanzooError: if frames and sides cannot be halved so often.
    """

    kind = VIDEO

    def __init__(
        self,
        shape: Sequence[int] = (3, 32, 64, 64),
        latent_dim: int = 100,
        widths: Sequence[int] = (512, 256, 128, 64),
        back_widths: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        start = start_of(shape, widths)
        back_widths = widths if back_widths is None else back_widths
        if len(back_widths) != len(widths):
            raise GanzooError(f"back_widths: {len(back_widths)} given, but there must be {len(widths)}, as in widths.")
        self.shape = tuple(shape)
        self.latent_dim = latent_dim
        layers: list[nn.Module] = [nn.ConvTranspose3d(latent_dim, widths[0], start)]
        for before, after in pairwise(widths):
            layers += [nn.BatchNorm3d(before), nn.ReLU(inplace=True), nn.ConvTranspose3d(before, after, 4, 2, 1)]
        self.front = nn.Sequential(*layers, nn.BatchNorm3d(widths[-1]), nn.ReLU(inplace=True))
        self.to_foreground = nn.ConvTranspose3d(widths[-1], shape[0], 4, 2, 1)
        self.to_mask = nn.ConvTranspose3d(widths[-1], 1, 4, 2, 1)
        layers = [nn.ConvTranspose2d(latent_dim, back_widths[0], start[1:])]
        for before, after in pairwise(back_widths):
            layers += [nn.BatchNorm2d(before), nn.ReLU(inplace=True), nn.ConvTranspose2d(before, after, 4, 2, 1)]
        layers += [nn.BatchNorm2d(back_widths[-1]), nn.ReLU(inplace=True)]
        self.back = nn.Sequential(*layers, nn.ConvTranspose2d(back_widths[-1], shape[0], 4, 2, 1), nn.Tanh())
        self.apply(init_vgan)

    def streams(self, z: Tensor) -> Streams:
        """Maps (N, latent_dim) to foregrounds, masks and backgrounds."""
        front = self.front(z[:, :, None, None, None])
        background = self.back(z[:, :, None, None])[:, :, None]
        return Streams(self.to_foreground(front).tanh(), self.to_mask(front).sigmoid(), background)

    def forward(self, z: Tensor) -> Tensor:
        """Maps (N, latent_dim) to clips (N, *shape) in [-1, 1]."""
        return self.streams(z).compose()


class VGANDiscriminator(Discriminator):
    """Discriminator of clips by strided volumetric convolutions, BatchNorm and leaky ReLU, with two outputs.

    They are the inputs of a softmax, generated and real. Its logarithm of the probability of the one or the other is
    that of a sigmoid of their difference, which is the logit that is returned.

    Args:
        shape: channels, frames, height and width of the clips.
        widths: channels of the hidden layers, each of which halves frames and sides.

    Raises:
        GanzooError: if frames and sides cannot be halved so often.
    """

    kind = VIDEO

    def __init__(self, shape: Sequence[int] = (3, 32, 64, 64), widths: Sequence[int] = (64, 128, 256, 512)) -> None:
        super().__init__()
        end = start_of(shape, widths)
        self.shape = tuple(shape)
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(pairwise((shape[0], *widths))):
            layers.append(nn.Conv3d(before, after, 4, 2, 1))
            layers += [nn.BatchNorm3d(after, eps=EPS)] if number else []
            layers.append(nn.LeakyReLU(SLOPE, inplace=True))
        self.n_features = widths[-1] * end[0] * end[1] * end[2]
        self.net = nn.Sequential(*layers, nn.Conv3d(widths[-1], 2, end))
        self.apply(init_vgan)

    def head(self, features: Tensor) -> Tensor:
        """Maps what `features` returns to logits (N,)."""
        generated, real = self.net[-1](features).flatten(1).unbind(1)
        return real - generated


def start_of(shape: Sequence[int], widths: Sequence[int]) -> tuple[int, int, int]:
    """Returns frames, height and width that double to those of `shape` (C, T, H, W), once for each width.

    Raises:
        GanzooError: if they do not.
    """
    if len(shape) != 4:
        raise GanzooError(f"shape: {list(shape)} given, but a clip has channels, frames, height and width.")
    times = len(widths)
    if not times or any(side % (1 << times) for side in shape[1:]):
        many = f"{times} numbers in widths halve it {times} times" if times else "widths needs at least one number"
        raise GanzooError(f"shape: {list(shape)} given for frames, height and width, but {many}.")
    frames, height, width = (side >> times for side in shape[1:])
    return frames, height, width


def init_vgan(module: nn.Module) -> None:
    """Draws weights from N(0, 0.01), of BatchNorm from N(1, 0.02), and sets biases to zero, as the code does."""
    if isinstance(module, nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        nn.init.normal_(module.weight, 0.0, 0.01)
    elif isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
        nn.init.normal_(module.weight, 1.0, 0.02)
    else:
        return
    if module.bias is not None:
        torch.nn.init.zeros_(module.bias)
