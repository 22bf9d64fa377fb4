"""Generator and discriminator of DCGAN: Radford et al. 2016, arXiv 1511.06434, section 3 and figure 1.

The paper's scheme is kept at every size: start (generator) or end (discriminator) at 4x4 and halve or double the
channels as the side doubles or halves. Where that does not lead to the image's side the smallest one is 5x5, 6x6 or
7x7: 28 pixels start at 7x7, 96 at 6x6. A generator whose doublings lead past the side (100 pixels: 7x7 to 112x112)
keeps the middle; a discriminator rounds down as it halves (100 pixels: to 6x6). The paper's 64-pixel generator has
`width=128`, and so has the discriminator in the authors' code, of which the paper gives no widths; 64 is that of most
re-implementations. Kernels are 4x4, as there; the authors' are 5x5.
"""

from typing import Literal

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.networks.discriminator import Discriminator
from ganzoo.networks.minibatch import Minibatch, minibatch_layers
from ganzoo.networks.sides import crop_or_pad, halvings

Norm = Literal["batch", "layer", "none"]


class DCGANGenerator(nn.Module):
    """Generator of images by transposed convolutions, BatchNorm and ReLU.

    Args:
        size: side of the images in pixels, at least 8.
        channels: channels of the images.
        width: channels of the last hidden layer; each one before it has twice as many.
        latent_dim: length of the latent vector.
    """

    def __init__(self, size: int = 64, channels: int = 3, width: int = 128, latent_dim: int = 100) -> None:
        super().__init__()
        side, doublings = sides(size)
        self.shape = (channels, size, size)
        self.latent_dim = latent_dim
        widest = width * 2 ** (doublings - 1)
        self.project = nn.ConvTranspose2d(latent_dim, widest, side, bias=False)
        layers: list[nn.Module] = [nn.BatchNorm2d(widest), nn.ReLU(inplace=True)]
        for i in range(doublings - 1, 0, -1):
            wide, narrow = width * 2**i, width * 2 ** (i - 1)
            layers.append(nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=False))
            layers += [nn.BatchNorm2d(narrow), nn.ReLU(inplace=True)]
        self.net = nn.Sequential(*layers, nn.ConvTranspose2d(width, channels, 4, 2, 1), nn.Tanh())
        self.apply(init_dcgan)

    def forward(self, z: Tensor) -> Tensor:
        """Maps (N, latent_dim) to images (N, channels, size, size) in [-1, 1]."""
        return crop_or_pad(self.net(self.project(z[:, :, None, None])), self.shape[-1])


class DCGANDiscriminator(Discriminator):
    """Discriminator of images by strided convolutions and LeakyReLU.

    Args:
        size: side of the images in pixels, at least 8.
        channels: channels of the images.
        width: channels of the first hidden layer; each one after it has twice as many.
        norm: normalisation of the hidden layers after the first. A gradient penalty forbids `batch`: it mixes samples.
        spectral: divide every weight by its largest singular value (Miyato et al. 2018).
        dropout: share of feature maps dropped after each hidden layer in training.
        minibatch: layer that shows the last layer the rest of the batch, see `ganzoo.networks.minibatch`.
    """

    def __init__(
        self,
        size: int = 64,
        channels: int = 3,
        width: int = 64,
        norm: Norm = "batch",
        spectral: bool = False,
        dropout: float = 0.0,
        minibatch: Minibatch = "none",
    ) -> None:
        super().__init__()
        side, times = ends(size)
        self.shape = (channels, size, size)
        layers: list[nn.Module] = []
        for i in range(times):
            before, after = (width * 2 ** (i - 1), width * 2**i) if i else (channels, width)
            # A bias before a normalisation would be subtracted again.
            layers.append(nn.Conv2d(before, after, 4, 2, 1, bias=i == 0 or norm == "none"))
            layers += norm_layers(norm, after) if i else []
            layers += [nn.LeakyReLU(0.2, inplace=True), *[nn.Dropout2d(dropout)] * (dropout > 0)]
        last = width * 2 ** (times - 1)
        statistics = minibatch_layers(minibatch, last, side, side)
        last += sum(layer.extra for layer in statistics)
        self.n_features = last * side**2  # of one image, for heads beside the logit
        self.net = nn.Sequential(*layers, *statistics, nn.Conv2d(last, 1, side))
        self.apply(init_dcgan)
        if spectral:  # after the initialisation: a parametrised weight ignores writes to its data
            for layer in list(self.modules()):
                if isinstance(layer, nn.Conv2d | nn.Linear):
                    spectral_norm(layer)


def init_dcgan(module: nn.Module) -> None:
    """Initialises weights from N(0, 0.02), BatchNorm scales from N(1, 0.02), biases with zero: section 4, and code."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
    bias = getattr(module, "bias", None)
    if isinstance(bias, nn.Parameter):
        nn.init.zeros_(bias)


def sides(size: int) -> tuple[int, int]:
    """Returns the smallest side, 4 to 7, and the number of doublings that lead from it to `size` pixels or a few more.

    Raises:
        GanzooError: if the images are smaller than 8 pixels.
    """
    doublings = halvings(size, 4, "a DCGAN network")
    return -(-size >> doublings), doublings


def ends(size: int) -> tuple[int, int]:
    """Returns the side, 4 to 7, that is left of `size` pixels, halved and rounded down so often, and how often.

    Raises:
        GanzooError: if the images are smaller than 8 pixels.
    """
    times = halvings(size, 4, "a DCGAN network")
    return size >> times, times


def norm_layers(norm: Norm, channels: int) -> list[nn.Module]:
    """Returns the normalisation layer of so many maps in a list, which is empty for none."""
    if norm == "none":
        return []
    return [nn.BatchNorm2d(channels) if norm == "batch" else nn.GroupNorm(1, channels)]
