"""Generator and discriminator of 3D-GAN: Wu et al. 2016, arXiv 1610.07584, section 3.1 and supplement.

Volumetric convolutions of 4x4x4, five to a network at the published size: 200 numbers become 512 maps of 4x4x4, whose
side doubles to 64 as their number halves, and the discriminator goes the same way back. No convolution has a bias.
The paper's occupancies lie between 0 and 1; here voxels lie between -1 and 1 outside of the networks, and nothing else
is different: the generator's sigmoid is stretched, and the discriminator's input squeezed.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import VOXELS
from ganzoo.networks.discriminator import Discriminator

SLOPE = 0.2
STARTS = (2, 4)  # sides that a 4x4x4 kernel leads to from a single voxel, with and without a padding of 1


class ThreeDGANGenerator(nn.Module):
    """Generator of voxels by transposed convolutions, BatchNorm and ReLU.

    Args:
        size: side of the solids in voxels.
        channels: of the solids.
        latent_dim: length of the latent vector.
        widths: channels of the hidden layers. Each doubles the side of 2 or 4 that the first layer makes, so that four
            lead to 64 or 32 voxels and three to 32 or 16.

    Raises:
        GanzooError: if so many layers do not lead to that side.
    """

    kind = VOXELS

    def __init__(
        self,
        size: int = 64,
        channels: int = 1,
        latent_dim: int = 200,
        widths: Sequence[int] = (512, 256, 128, 64),
    ) -> None:
        super().__init__()
        padding = end_padding(size, widths)
        self.shape = (channels, size, size, size)
        self.latent_dim = latent_dim
        layers: list[nn.Module] = [nn.ConvTranspose3d(latent_dim, widths[0], 4, 1, padding, bias=False)]
        for before, after in pairwise(widths):
            layers += [nn.BatchNorm3d(before), nn.ReLU(inplace=True)]
            layers.append(nn.ConvTranspose3d(before, after, 4, 2, 1, bias=False))
        layers += [nn.BatchNorm3d(widths[-1]), nn.ReLU(inplace=True)]
        self.net = nn.Sequential(*layers, nn.ConvTranspose3d(widths[-1], channels, 4, 2, 1, bias=False), nn.Sigmoid())

    def forward(self, z: Tensor) -> Tensor:
        """Maps (N, latent_dim) to solids (N, channels, size, size, size) in (-1, 1), full above 0."""
        occupancy: Tensor = self.net(z[:, :, None, None, None])
        return 2 * occupancy - 1


class ThreeDGANDiscriminator(Discriminator):
    """Discriminator of voxels by strided convolutions, BatchNorm and leaky ReLU.

    Args:
        size: side of the solids in voxels.
        channels: of the solids.
        widths: channels of the hidden layers, each of which halves the side, to 2 or 4.
        first_norm: BatchNorm after the first layer, too, as some re-implementations have it.

    Raises:
        GanzooError: if so many layers do not lead to that side.
    """

    kind = VOXELS

    def __init__(
        self,
        size: int = 64,
        channels: int = 1,
        widths: Sequence[int] = (64, 128, 256, 512),
        first_norm: bool = False,
    ) -> None:
        super().__init__()
        padding = end_padding(size, widths)
        self.shape = (channels, size, size, size)
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(pairwise((channels, *widths))):
            layers.append(nn.Conv3d(before, after, 4, 2, 1, bias=False))
            layers += [nn.BatchNorm3d(after)] if number or first_norm else []
            layers.append(nn.LeakyReLU(SLOPE, inplace=True))
        self.n_features = widths[-1] * (size >> len(widths)) ** 3
        self.net = nn.Sequential(*layers, nn.Conv3d(widths[-1], 1, 4, 1, padding, bias=False))

    def features(self, x: Tensor) -> Tensor:
        """Maps solids (N, *shape) in [-1, 1] to the last hidden layer (N, C, S, S, S)."""
        return super().features((x + 1) / 2)


def end_padding(size: int, widths: Sequence[int]) -> int:
    """Returns the padding of the layer between a single voxel and the smallest maps.

    Raises:
        GanzooError: if as many doublings as there are widths do not lead from maps of 2 or 4 voxels a side to `size`.
    """
    sides = [start << len(widths) for start in STARTS]
    if not widths or size not in sides:
        few = "at least one number is needed" if not widths else f"{len(widths)} of them make {sides[0]} or {sides[1]}"
        raise GanzooError(f"widths: {list(widths)} given for solids of {size} voxels a side, but {few}.")
    return (4 - (size >> len(widths))) // 2
