"""Generator and discriminator of constant width, without checkerboards: Odena et al. 2016.

https://distill.pub/2016/deconv-checkerboard. The generator repeats pixels and then convolves, where DCGAN's has
transposed convolutions. The discriminator's kernels span two strides: its gradient has no checkerboard either.
"""

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.networks.dcgan import Norm, ends, init_dcgan, norm_layers, sides
from ganzoo.networks.discriminator import Discriminator
from ganzoo.networks.resample import UpConv2d
from ganzoo.networks.sides import crop_or_pad


class UpsampleGenerator(nn.Module):
    """Generator of images: a linear layer to 4x4 (to 7x7, see DCGAN), then upsample, convolve, BatchNorm, ReLU.

    Args:
        size: side of the images in pixels, at least 8.
        channels: channels of the images.
        width: channels of every hidden layer.
        latent_dim: length of the latent vector.

    Raises:
        GanzooError: for smaller images.
    """

    def __init__(self, size: int = 32, channels: int = 1, width: int = 128, latent_dim: int = 100) -> None:
        super().__init__()
        self.side, doublings = sides(size)
        self.shape = (channels, size, size)
        self.latent_dim = latent_dim
        self.project = nn.Linear(latent_dim, width * self.side**2, bias=False)
        layers: list[nn.Module] = [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        for _ in range(doublings):
            layers += [UpConv2d(width, width, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        self.net = nn.Sequential(*layers, nn.Conv2d(width, channels, 3, padding=1), nn.Tanh())
        self.apply(init_dcgan)

    def forward(self, z: Tensor) -> Tensor:
        """Maps (N, latent_dim) to images (N, channels, size, size) in [-1, 1]."""
        h = self.project(z).unflatten(1, (self.side, self.side, -1))
        return crop_or_pad(self.net(h.permute(0, 3, 1, 2)), self.shape[-1])  # laid out channels last from the start


class UpsampleDiscriminator(Discriminator):
    """Discriminator of images by 4x4 convolutions of stride 2 and LeakyReLU.

    Args:
        size: side of the images in pixels, at least 8.
        channels: channels of the images.
        width: channels of every hidden layer.
        norm: normalisation of the hidden layers after the first. A gradient penalty forbids `batch`: it mixes samples.
        spectral: divide every weight by its largest singular value.

    Raises:
        GanzooError: for smaller images.
    """

    def __init__(
        self, size: int = 32, channels: int = 1, width: int = 128, norm: Norm = "batch", spectral: bool = False
    ) -> None:
        super().__init__()
        side, times = ends(size)
        self.shape = (channels, size, size)
        self.n_features = width * side**2  # of one image, for heads beside the logit
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for _ in range(times - 1):
            layers.append(nn.Conv2d(width, width, 4, 2, 1, bias=norm == "none"))
            layers += [*norm_layers(norm, width), nn.LeakyReLU(0.2, inplace=True)]
        self.net = nn.Sequential(*layers, nn.Conv2d(width, 1, side))
        self.apply(init_dcgan)
        if spectral:  # after the initialisation: a parametrised weight ignores writes to its data
            for layer in self.net:
                if isinstance(layer, nn.Conv2d):
                    spectral_norm(layer)
