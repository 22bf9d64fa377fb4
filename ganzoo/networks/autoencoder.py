"""Encoders, decoders and autoencoders, which also serve as discriminators that judge by reconstruction.

The convolutional ones keep the scheme of `ganzoo.networks.dcgan`: the encoder halves the side down to 4 pixels (up to
7 where that does not lead to 4), the decoder doubles it again. For points, `MLPEncoder` goes with
`ganzoo.networks.mlp.MLPGenerator`.
"""

from math import prod

from torch import Tensor, nn

from ganzoo.common.errors import GanzooError
from ganzoo.networks.dcgan import Norm, ends, norm_layers, sides
from ganzoo.networks.sides import crop_or_pad


class ConvEncoder(nn.Module):
    """Encoder of images by strided convolutions and ELU, which Berthelot et al. 2017 take for both halves.

    Args:
        size: side of the images in pixels, at least 8.
        channels: channels of the images.
        width: channels of the first hidden layer; each one after it has twice as many.
        code_dim: length of the code.
        norm: normalisation of the hidden layers after the first.
    """

    def __init__(
        self, size: int = 64, channels: int = 3, width: int = 64, code_dim: int = 64, norm: Norm = "layer"
    ) -> None:
        super().__init__()
        side, times = ends(size)
        self.shape = (channels, size, size)
        self.n_features = code_dim
        layers: list[nn.Module] = []
        for i in range(times):
            before, after = (width * 2 ** (i - 1), width * 2**i) if i else (channels, width)
            layers.append(nn.Conv2d(before, after, 4, 2, 1, bias=i == 0 or norm == "none"))
            layers += norm_layers(norm, after) if i else []
            layers.append(nn.ELU(inplace=True))
        self.net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(width * 2 ** (times - 1) * side**2, code_dim))
        self.apply(init_he)

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, size, size) to codes (N, code_dim)."""
        return self.net(x)


class ConvDecoder(nn.Module):
    """Decoder of images by transposed convolutions and ELU. It is a generator, too.

    Args:
        size: side of the images in pixels, at least 8.
        channels: channels of the images.
        width: channels of the last hidden layer; each one before it has twice as many.
        latent_dim: length of the code.
        norm: normalisation of the hidden layers.
        squash: end in tanh, for images; a likelihood on pixels may want the unbounded values instead.
    """

    def __init__(
        self,
        size: int = 64,
        channels: int = 3,
        width: int = 64,
        latent_dim: int = 64,
        norm: Norm = "layer",
        squash: bool = True,
    ) -> None:
        super().__init__()
        side, doublings = sides(size)
        self.shape = (channels, size, size)
        self.latent_dim = latent_dim
        self.squash = squash
        widest, bias = width * 2 ** (doublings - 1), norm == "none"
        layers: list[nn.Module] = [
            nn.Linear(latent_dim, widest * side**2, bias=bias),
            nn.Unflatten(1, (widest, side, side)),
        ]
        layers += [*norm_layers(norm, widest), nn.ELU(inplace=True)]
        for i in range(doublings - 1, 0, -1):
            wide, narrow = width * 2**i, width * 2 ** (i - 1)
            layers.append(nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=bias))
            layers += [*norm_layers(norm, narrow), nn.ELU(inplace=True)]
        self.net = nn.Sequential(*layers, nn.ConvTranspose2d(width, channels, 4, 2, 1), *[nn.Tanh()] * squash)
        self.apply(init_he)

    def forward(self, z: Tensor) -> Tensor:
        """Maps codes (N, latent_dim) to images (N, channels, size, size), in [-1, 1] if they are squashed."""
        return crop_or_pad(self.net(z), self.shape[-1])


def init_he(module: nn.Module) -> None:
    """Initialises weights so that a signal keeps its scale through ReLUs: He et al. 2015, section 2.2."""
    if isinstance(module, nn.Linear):
        fan = module.in_features
    elif isinstance(module, nn.Conv2d):
        fan = module.in_channels * module.kernel_size[0] * module.kernel_size[1]
    elif isinstance(module, nn.ConvTranspose2d):
        fan = (
            module.in_channels * module.kernel_size[0] * module.kernel_size[1] // (module.stride[0] * module.stride[1])
        )
    else:
        return
    nn.init.normal_(module.weight, 0.0, (2 / fan) ** 0.5)
    if module.bias is not None:
        nn.init.zeros_(module.bias)


class MLPEncoder(nn.Module):
    """Encoder of images or points by fully connected layers.

    Args:
        shape: shape of one sample.
        code_dim: length of the code.
        hidden: widths of the hidden layers.
        slope: negative slope of the LeakyReLU between them.
    """

    def __init__(
        self, shape: list[int], code_dim: int = 32, hidden: tuple[int, ...] = (512, 256), slope: float = 0.2
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.n_features = code_dim
        layers: list[nn.Module] = [nn.Flatten()]
        for before, width in zip((prod(self.shape), *hidden), hidden, strict=False):
            layers += [nn.Linear(before, width), nn.LeakyReLU(slope)]
        self.net = nn.Sequential(*layers, nn.Linear((prod(self.shape), *hidden)[-1], code_dim))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, *shape) to codes (N, code_dim)."""
        return self.net(x)


class Autoencoder(nn.Module):
    """An encoder and a decoder as one network, whose output are reconstructions.

    Args:
        encoder: samples to codes (N, n_features); has `n_features` and its samples' `shape`.
        decoder: codes to samples; has a `latent_dim` and its samples' `shape`. Any generator is one.

    Raises:
        GanzooError: if the decoder does not fit the encoder.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        require_decoder_fits(encoder, decoder)
        self.encoder = encoder
        self.decoder = decoder
        self.shape = encoder.shape
        self.n_features = encoder.n_features

    def encode(self, x: Tensor) -> Tensor:
        """Maps samples (N, *shape) to codes (N, n_features)."""
        return self.encoder(x)

    features = encode

    def decode(self, h: Tensor) -> Tensor:
        """Maps codes (N, n_features) to samples (N, *shape)."""
        return self.decoder(h)

    def forward(self, x: Tensor) -> Tensor:
        """Maps samples (N, *shape) to their reconstructions of the same shape."""
        return self.decode(self.encode(x))


def require_decoder_fits(encoder: nn.Module, decoder: nn.Module) -> None:
    """Checks that a decoder takes an encoder's codes back to where they came from.

    Raises:
        GanzooError: if their codes' lengths or their samples' shapes differ.
    """
    if encoder.n_features != decoder.latent_dim:
        raise GanzooError(
            f"decoder: it takes codes of length {decoder.latent_dim}, the encoder's are {encoder.n_features} long."
        )
    if encoder.shape != decoder.shape:
        raise GanzooError(f"decoder: it makes samples of shape {decoder.shape}, the encoder takes {encoder.shape}.")
