"""Generator and discriminator of the convolutional GAN of F. Chollet's book "Deep Learning with Python", section 8.5.

At 32 pixels, with widths of 256 and 128, they are layer by layer those of the book's code: 6,264,579 and 790,913
parameters, initialised as Keras does it (Glorot and Bengio 2010, uniform; biases of zero). For larger images the
generator's transposed convolution is repeated, once for each doubling of the side. No layer is normalised.
"""

from torch import Tensor, nn

from ganzoo.networks.discriminator import Discriminator
from ganzoo.networks.sides import crop_or_pad, require_side

START = 16  # side of the generator's first maps
SLOPE = 0.3  # Keras's default of that time


class ConvGANGenerator(nn.Module):
    """Generator of images by convolutions with kernels of 5x5 pixels around transposed ones of 4x4.

    A linear layer makes maps of 16x16 pixels. A convolution, the doublings, two more convolutions and one with a kernel
    of 7x7 follow. A side that doubling does not lead to is cut out of the middle of the next larger one.

    Args:
        size: side of the images in pixels, at least 24; the book's is 32.
        channels: channels of the images.
        width: channels of every hidden layer but the first, which has half as many.
        latent_dim: length of the latent vector.

    Raises:
        GanzooError: if the images are too small.
    """

    def __init__(self, size: int = 128, channels: int = 3, width: int = 256, latent_dim: int = 32) -> None:
        super().__init__()
        require_side(size, 24, "a ConvGAN network")
        self.shape = (channels, size, size)
        self.latent_dim = latent_dim
        doublings = (-(-size // START) - 1).bit_length()
        layers: list[nn.Module] = [nn.Linear(latent_dim, width // 2 * START**2), leaky()]
        layers += [nn.Unflatten(1, (width // 2, START, START)), nn.Conv2d(width // 2, width, 5, padding=2), leaky()]
        for _ in range(doublings):
            layers += [nn.ConvTranspose2d(width, width, 4, 2, 1), leaky()]
        for _ in range(2):
            layers += [nn.Conv2d(width, width, 5, padding=2), leaky()]
        self.net = nn.Sequential(*layers, nn.Conv2d(width, channels, 7, padding=3), nn.Tanh())
        self.apply(init_glorot)

    def forward(self, z: Tensor) -> Tensor:
        """Maps (N, latent_dim) to images (N, channels, size, size) in [-1, 1]."""
        return crop_or_pad(self.net(z), self.shape[-1])


class ConvGANDiscriminator(Discriminator):
    """Discriminator of images by four convolutions without padding, dropout and a linear layer.

    Args:
        size: side of the images in pixels, at least 24.
        channels: channels of the images.
        width: channels of every hidden layer; the book has 128 at 32 pixels.
        dropout: share of the last hidden layer's numbers dropped in training.

    Raises:
        GanzooError: if the images are too small.
    """

    def __init__(self, size: int = 128, channels: int = 3, width: int = 256, dropout: float = 0.4) -> None:
        super().__init__()
        require_side(size, 24, "a ConvGAN network")
        self.shape = (channels, size, size)
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3), leaky()]
        side = size - 2
        for _ in range(3):
            layers += [nn.Conv2d(width, width, 4, 2), leaky()]
            side = side // 2 - 1
        self.n_features = width * side**2
        self.net = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(dropout), nn.Linear(self.n_features, 1))
        self.apply(init_glorot)


def leaky() -> nn.LeakyReLU:
    """Returns the activation of all hidden layers."""
    return nn.LeakyReLU(SLOPE, inplace=True)


def init_glorot(module: nn.Module) -> None:
    """Initialises a layer as Keras does: weights uniform with a variance of 2 / (inputs + outputs), biases zero."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
