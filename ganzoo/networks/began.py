"""Encoder and decoder of BEGAN: Berthelot et al. 2017, arXiv 1703.10717, section 3.5 and figure 1.

3x3 convolutions in twos and exponential linear units, without normalisation. The code, and the image at the end, are
linear. Both halves meet at 8x8, or at 9x9 to 15x15 where halving does not lead to 8 (28 pixels: 7x7). A decoder whose
doublings lead past the side (100 pixels: 13x13 to 104x104) keeps the middle.
"""

from torch import Tensor, nn

from ganzoo.networks.resample import UpConv2d
from ganzoo.networks.sides import crop_or_pad, halvings

# the scheme would halve 28 pixels, MNIST's size, to 14, a larger side than 32 pixels end with
OWN_SIDES = {28: (7, 2)}  # size: (side in the middle, doublings)


class BEGANEncoder(nn.Module):
    """Encoder of images: every halving of the side, a convolution of stride 2, adds `width` channels.

    Args:
        size: side of the images in pixels, at least 16.
        channels: channels of the images.
        width: channels of the first layer, n in the paper.
        code_dim: length of the code.

    Raises:
        GanzooError: for smaller images.
    """

    def __init__(self, size: int = 64, channels: int = 3, width: int = 64, code_dim: int = 64) -> None:
        super().__init__()
        side, times = _sides(size)
        self.shape = (channels, size, size)
        self.n_features = code_dim
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, 1, 1), nn.ELU()]
        for i in range(1, times + 1):
            layers += [nn.Conv2d(i * width, i * width, 3, 1, 1), nn.ELU()]
            layers += [nn.Conv2d(i * width, (i + 1) * width, 3, 2, 1), nn.ELU()]
        widest = (times + 1) * width
        for _ in range(2):
            layers += [nn.Conv2d(widest, widest, 3, 1, 1), nn.ELU()]
        self.net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(widest * side**2, code_dim))

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, size, size) to codes (N, code_dim)."""
        return self.net(x)


class BEGANDecoder(nn.Module):
    """Decoder of codes to images; the generator is built alike.

    Args:
        size: side of the images in pixels, at least 16.
        channels: channels of the images.
        width: channels of every layer, n in the paper.
        latent_dim: length of the code or latent vector.

    Raises:
        GanzooError: for smaller images.
    """

    def __init__(self, size: int = 64, channels: int = 3, width: int = 64, latent_dim: int = 64) -> None:
        super().__init__()
        side, doublings = _sides(size)
        self.shape = (channels, size, size)
        self.latent_dim = latent_dim
        layers: list[nn.Module] = [nn.Linear(latent_dim, width * side**2), nn.Unflatten(1, (width, side, side))]
        for i in range(doublings + 1):
            layers += [UpConv2d(width, width) if i else nn.Conv2d(width, width, 3, 1, 1), nn.ELU()]
            layers += [nn.Conv2d(width, width, 3, 1, 1), nn.ELU()]
        self.net = nn.Sequential(*layers, nn.Conv2d(width, channels, 3, 1, 1))

    def forward(self, z: Tensor) -> Tensor:
        """Maps (N, latent_dim) to images (N, channels, size, size), which may leave [-1, 1] a little."""
        return crop_or_pad(self.net(z), self.shape[-1])


def _sides(size: int) -> tuple[int, int]:
    if size in OWN_SIDES:
        return OWN_SIDES[size]
    times = halvings(size, 8, "a BEGAN network")
    return -(-size >> times), times  # rounded up, as a convolution of stride 2 with a kernel of 3 does, too
