"""Generator, discriminator and posterior of InfoGAN on MNIST: Chen et al. 2016, arXiv 1606.03657, table 1.

Unlike DCGANs they have hidden layers that see the whole image. Without these the categorical code settles on strokes
and places; with them it settles on digits. LeakyReLU's slope is the paper's 0.1; the authors' code leaves it at 0.01.
"""

from typing import NamedTuple

from torch import Tensor, nn

from ganzoo.networks.dcgan import init_dcgan
from ganzoo.networks.discriminator import Discriminator
from ganzoo.networks.sides import crop_or_pad, require_side


class Posterior(NamedTuple):
    """Q(c|x): a categorical and a diagonal Gaussian distribution for each image."""

    logits: Tensor  # (N, n_classes)
    mean: Tensor  # (N, codes)
    log_variance: Tensor  # (N, codes)


class InfoGANGenerator(nn.Module):
    """Generator of images: two fully connected layers and two transposed convolutions, BatchNorm and ReLU.

    Args:
        size: side of the images in pixels, at least 4; of what four times a side makes beyond it, the middle stays.
        channels: channels of the images.
        width: channels of the last hidden layer; the one before it has twice as many.
        hidden: units of the first hidden layer.
        latent_dim: length of the latent vector: 62 of noise, 10 categories and 2 codes in the paper.

    Raises:
        GanzooError: for smaller images.
    """

    def __init__(
        self, size: int = 28, channels: int = 1, width: int = 64, hidden: int = 1024, latent_dim: int = 74
    ) -> None:
        super().__init__()
        require_side(size, 4, "an InfoGAN network")
        side = -(-size // 4)
        self.shape = (channels, size, size)
        self.latent_dim = latent_dim
        self.net = nn.Sequential(
            *(nn.Linear(latent_dim, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True)),
            *(nn.Linear(hidden, 2 * width * side**2, bias=False), nn.BatchNorm1d(2 * width * side**2)),
            *(nn.ReLU(inplace=True), nn.Unflatten(1, (2 * width, side, side))),
            *(nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)),
            *(nn.ConvTranspose2d(width, channels, 4, 2, 1), nn.Tanh()),
        )
        self.apply(init_dcgan)

    def forward(self, z: Tensor) -> Tensor:
        """Maps (N, latent_dim) to images (N, channels, size, size) in [-1, 1]."""
        return crop_or_pad(self.net(z), self.shape[-1])


class InfoGANDiscriminator(Discriminator):
    """Discriminator of images: two strided convolutions, a fully connected layer, BatchNorm and LeakyReLU.

    Args:
        size: side of the images in pixels, at least 4; of what four times a side makes beyond it, the middle stays.
        channels: channels of the images.
        width: channels of the first hidden layer; the second has twice as many.
        hidden: units of the last hidden layer, which posteriors share.

    Raises:
        GanzooError: for smaller images.
    """

    def __init__(self, size: int = 28, channels: int = 1, width: int = 64, hidden: int = 1024) -> None:
        super().__init__()
        require_side(size, 4, "an InfoGAN network")
        side = size // 4
        self.shape = (channels, size, size)
        self.n_features = hidden
        self.net = nn.Sequential(
            *(nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.1, inplace=True)),
            *(nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width)),
            *(nn.LeakyReLU(0.1, inplace=True), nn.Flatten()),
            *(nn.Linear(2 * width * side**2, hidden, bias=False), nn.BatchNorm1d(hidden)),
            *(nn.LeakyReLU(0.1, inplace=True), nn.Linear(hidden, 1)),
        )
        self.apply(init_dcgan)
