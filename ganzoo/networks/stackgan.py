"""StackGAN's networks: images of two stages under the embedding of a text, and their discriminators.

Zhang et al. 2016, arXiv 1612.03242. Stage I has the layers of the authors' first code (hanzhanggit/StackGAN):
bottlenecks and biases; with `ported` those of their later port (hanzhanggit/StackGAN-Pytorch), which lacks both, has
ReLU in the conditioning augmentation, and takes what that says for log variances. Stage II has the port's layers;
biases, slope and log sigma are the first code's unless `ported`, and so is a bottleneck in its discriminator.
"""

from itertools import pairwise
from math import log2

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ganzoo.common.conditions import Vectors
from ganzoo.common.errors import GanzooError
from ganzoo.networks.dcgan import init_dcgan
from ganzoo.networks.resample import UpConv2d

START = 4  # pixels of the side that generators begin with and discriminators end with
QUARTER = 4  # a bottleneck is a quarter as wide as what it leads past
SLOPE = 0.2


class ConditioningAugmentation(nn.Module):
    """Gaussian about a text's embedding: c = mu + sigma * eps, with mu and log sigma by one layer and a LeakyReLU.

    Args:
        condition_dim: length of the embedding.
        dim: length of c.
        ported: a ReLU, and log variances in the place of log sigma.
    """

    def __init__(self, condition_dim: int, dim: int, ported: bool = False) -> None:
        super().__init__()
        self.fc = nn.Linear(condition_dim, 2 * dim)
        self.slope, self.scale = (0.0, 0.5) if ported else (SLOPE, 1.0)

    def statistics(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mu and log sigma (N, dim) of embeddings (N, condition_dim)."""
        mu, log = leaky_relu(self.fc(y), self.slope).chunk(2, 1)
        return mu, self.scale * log

    def forward(self, y: Tensor, eps: Tensor) -> Tensor:
        """Returns c (N, dim) of embeddings and noise (N, dim)."""
        mu, log_sigma = self.statistics(y)
        return mu + log_sigma.exp() * eps


class Residual(nn.Module):
    """Sum of maps and what a block of layers makes of them, activated.

    Args:
        block: layers that keep the shape.
        slope: of the LeakyReLU; 0 for ReLU.
    """

    def __init__(self, block: nn.Sequential, slope: float = 0.0) -> None:
        super().__init__()
        self.block, self.slope = block, slope

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, C, H, W) to the same shape."""
        return leaky_relu(x + self.block(x), self.slope)


def convolved(before: int, after: int, kernel: int, slope: float | None = 0.0, bias: bool = True) -> list[nn.Module]:
    """Returns a convolution that keeps the sides, BatchNorm, and a LeakyReLU of a slope; None leaves that out."""
    layers = [nn.Conv2d(before, after, kernel, 1, kernel // 2, bias=bias), nn.BatchNorm2d(after)]
    return layers if slope is None else [*layers, nn.LeakyReLU(slope)]


def bottleneck(width: int, slope: float) -> Residual:
    """Returns a residual of three convolutions, 1x1, 3x3 and 3x3, through a quarter of the channels."""
    inner = width // QUARTER
    layers = [*convolved(width, inner, 1, slope), *convolved(inner, inner, 3, slope), *convolved(inner, width, 3, None)]
    return Residual(nn.Sequential(*layers), slope)


def raised(before: int, after: int, bias: bool, activated: bool = True) -> list[nn.Module]:
    """Returns nearest-neighbour upsampling by 2, a 3x3 convolution, BatchNorm, and a ReLU if it is to be activated."""
    layers = [UpConv2d(before, after, bias=bias), nn.BatchNorm2d(after)]
    return [*layers, nn.ReLU()] if activated else layers


def doublings(size: int, of: int = START, least: int = 1) -> int:
    """Returns how often a side is doubled to make another one.

    Raises:
        GanzooError: if doubling does not lead there, at least so often.
    """
    times = int(log2(max(size, of) / of))
    if of * 2**times != size or times < least:
        sizes = ", ".join(str(of * 2 ** (least + k)) for k in range(3))
        raise GanzooError(f"size: {size} given, but it must be {sizes} and so on: a side is doubled from {of} pixels.")
    return times


class StackGANGenerator(nn.Module):
    """Generator of stage I: a latent vector and c to 4x4, which is doubled; two bottlenecks.

    Args:
        size: side of the images in pixels: 16, 32, 64 ...
        channels: of the images.
        condition_dim: length of a text's embedding.
        ca_dim: length of c.
        latent_dim: length of the latent vector.
        width: channels at half the side of the images; at 4x4 of 64 pixels there are 8 times as many.
        ported: the layers of the port, see the module.
    """

    def __init__(
        self,
        size: int = 64,
        channels: int = 3,
        condition_dim: int = 1024,
        ca_dim: int = 128,
        latent_dim: int = 100,
        width: int = 128,
        ported: bool = False,
    ) -> None:
        super().__init__()
        times, bias = doublings(size, least=2), not ported
        self.shape = (channels, size, size)
        self.condition = Vectors(condition_dim)
        self.latent_dim, self.ca_dim = latent_dim, ca_dim
        self.ca = ConditioningAugmentation(condition_dim, ca_dim, ported)
        widths = [width * 2**k for k in reversed(range(times))]
        dense = START**2 * widths[0]
        self.dense = nn.Sequential(nn.Linear(latent_dim + ca_dim, dense, bias=bias), nn.BatchNorm1d(dense))
        layers: list[nn.Module] = []
        if ported:
            layers.append(nn.ReLU())
            for before, after in zip(widths, [*widths[1:], width // 2], strict=True):
                layers += raised(before, after, bias)
            layers.append(nn.Conv2d(width // 2, channels, 3, 1, 1, bias=False))
        else:
            layers.append(bottleneck(widths[0], 0.0))
            for place, (before, after) in enumerate(pairwise(widths)):
                layers += raised(before, after, bias, activated=place > 0)
                if place == 0:
                    layers.append(bottleneck(after, 0.0))
            layers.append(UpConv2d(width, channels))
        self.net = nn.Sequential(*layers, nn.Tanh())
        self.apply(init_dcgan)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Maps latent vectors with eps behind them (N, latent_dim + ca_dim), and embeddings, to images in [-1, 1]."""
        z, eps = z.split([self.latent_dim, self.ca_dim], 1)
        x = self.dense(torch.cat([z, self.ca(y, eps)], 1))
        return self.net(x.unflatten(1, (-1, START, START)))


class StackGANRefiner(nn.Module):
    """Generator of stage II: an image of stage I, halved twice, with c, through residual blocks to a larger image.

    Args:
        size: side of the images in pixels, such as 4 times `low_size`.
        low_size: side of the images of stage I.
        channels: of the images.
        condition_dim: length of a text's embedding.
        ca_dim: length of c.
        width: channels of the first convolution; there are 4 times as many in the residual blocks.
        blocks: number of these.
        ported: the details of the port, see the module.
    """

    latent_dim = 0  # it draws by eps alone

    def __init__(
        self,
        size: int = 256,
        low_size: int = 64,
        channels: int = 3,
        condition_dim: int = 1024,
        ca_dim: int = 128,
        width: int = 128,
        blocks: int = 4,
        ported: bool = False,
    ) -> None:
        super().__init__()
        times, bias = doublings(size, low_size // 4, least=2), not ported
        self.shape, self.low_shape = (channels, size, size), (channels, low_size, low_size)
        self.condition = Vectors(condition_dim)
        self.ca_dim = ca_dim
        self.ca = ConditioningAugmentation(condition_dim, ca_dim, ported)
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, 1, 1, bias=bias), nn.ReLU()]
        for before in (width, 2 * width):
            layers += [nn.Conv2d(before, 2 * before, 4, 2, 1, bias=bias), nn.BatchNorm2d(2 * before), nn.ReLU()]
        self.encoder = nn.Sequential(*layers)
        whole = 4 * width
        layers = convolved(whole + ca_dim, whole, 3, bias=bias)
        for _ in range(blocks):
            block = [*convolved(whole, whole, 3, bias=bias), *convolved(whole, whole, 3, None, bias)]
            layers.append(Residual(nn.Sequential(*block)))
        widths = [max(whole >> k, 1) for k in range(times + 1)]
        for before, after in pairwise(widths):
            layers += raised(before, after, bias)
        self.net = nn.Sequential(*layers, nn.Conv2d(widths[-1], channels, 3, 1, 1, bias=bias), nn.Tanh())
        self.apply(init_dcgan)

    def forward(self, x: Tensor, eps: Tensor, y: Tensor) -> Tensor:
        """Maps images of stage I, noise (N, ca_dim) and embeddings to images (N, C, size, size) in [-1, 1]."""
        x = self.encoder(x)
        return self.net(beside(x, self.ca(y, eps)))


class StackGANDiscriminator(nn.Module):
    """Discriminator of either stage: an image halved to 4x4, joined there by a compressed embedding.

    From 128 pixels on, further convolutions take the maps back to 8 times the width before they are joined.

    Args:
        size: side of the images in pixels: 16, 32, 64 ...
        channels: of the images.
        condition_dim: length of a text's embedding.
        text_dim: length to which a layer of its own compresses that; 0 takes it as it is.
        width: channels at half the side of the images.
        ported: the layers of the port: no bottleneck, no biases but the last, a 3x3 convolution where both are joined.
        unconditional: have a second head that judges the image alone, as the port's stage II does.
    """

    def __init__(
        self,
        size: int = 64,
        channels: int = 3,
        condition_dim: int = 1024,
        text_dim: int = 128,
        width: int = 64,
        ported: bool = False,
        unconditional: bool = False,
    ) -> None:
        super().__init__()
        times, bias = doublings(size, least=2), not ported
        self.shape = (channels, size, size)
        self.condition = Vectors(condition_dim)
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1, bias=bias), nn.LeakyReLU(SLOPE)]
        widths = [width * 2**k for k in range(times)]
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 4, 2, 1, bias=bias), nn.BatchNorm2d(after), nn.LeakyReLU(SLOPE)]
        whole = widths[-1]
        while whole > 8 * width:
            layers += convolved(whole, whole // 2, 3, SLOPE, bias)
            whole //= 2
        if not ported:
            layers.append(bottleneck(whole, SLOPE))
        self.encoder = nn.Sequential(*layers)
        compress = [nn.Linear(condition_dim, text_dim), nn.LeakyReLU(SLOPE)] if text_dim else []
        self.text = nn.Sequential(*compress)
        joined = convolved(whole + (text_dim or condition_dim), whole, 3 if ported else 1, SLOPE, bias)
        self.net = nn.Sequential(*joined, nn.Conv2d(whole, 1, START))
        self.alone = nn.Conv2d(whole, 1, START) if unconditional else None
        self.apply(init_dcgan)

    def forward(self, x: Tensor, y: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Maps images and embeddings (N, condition_dim) to logits (N,), and of images alone if there is such a head."""
        x = self.encoder(x)
        logits = self.net(beside(x, self.text(y))).flatten()
        return logits if self.alone is None else (logits, self.alone(x).flatten())


def beside(x: Tensor, y: Tensor) -> Tensor:
    """Returns maps (N, C, H, W) with vectors (N, D) at every place, stacked on their channels."""
    return torch.cat([x, y.to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[2:])], 1)
