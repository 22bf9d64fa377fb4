"""Multilayer perceptrons: Goodfellow et al. 2014, section 5, in the widths that became customary for MNIST."""

from math import prod

from torch import Tensor, nn

from ganzoo.networks.discriminator import Discriminator
from ganzoo.networks.minibatch import Minibatch, minibatch_layers


class MLPGenerator(nn.Module):
    """Generator of images or points by fully connected layers.

    Args:
        shape: shape of one sample, such as [1, 28, 28] or [2].
        latent_dim: length of the latent vector.
        hidden: widths of the hidden layers.
        slope: negative slope of the LeakyReLU between them.
        squash: end in tanh, for samples in [-1, 1]; points have no such bound.
    """

    def __init__(
        self,
        shape: list[int],
        latent_dim: int = 100,
        hidden: tuple[int, ...] = (256, 512, 1024),
        slope: float = 0.2,
        squash: bool = True,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.latent_dim = latent_dim
        self.squash = squash
        layers: list[nn.Module] = []
        for before, width in zip((latent_dim, *hidden), hidden, strict=False):
            layers += [nn.Linear(before, width), nn.LeakyReLU(slope)]
        layers += [
            nn.Linear((latent_dim, *hidden)[-1], prod(self.shape)),
            *[nn.Tanh()] * squash,
            nn.Unflatten(1, self.shape),
        ]
        self.net = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """Maps (N, latent_dim) to (N, *shape)."""
        return self.net(z)


class MLPDiscriminator(Discriminator):
    """Discriminator of images or points by fully connected layers.

    Args:
        shape: shape of one sample.
        hidden: widths of the hidden layers.
        slope: negative slope of the LeakyReLU between them.
        dropout: share of hidden units dropped in training.
        minibatch: layer that shows the last layer the rest of the batch, see `ganzoo.networks.minibatch`.
    """

    def __init__(
        self,
        shape: list[int],
        hidden: tuple[int, ...] = (1024, 512, 256),
        slope: float = 0.2,
        dropout: float = 0.3,
        minibatch: Minibatch = "none",
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        layers: list[nn.Module] = [nn.Flatten()]
        for before, width in zip((prod(self.shape), *hidden), hidden, strict=False):
            layers += [nn.Linear(before, width), nn.LeakyReLU(slope), *[nn.Dropout(dropout)] * (dropout > 0)]
        last = (prod(self.shape), *hidden)[-1]
        statistics = minibatch_layers(minibatch, last)
        self.n_features = last + sum(layer.extra for layer in statistics)  # of one sample, for heads beside the logit
        self.net = nn.Sequential(*layers, *statistics, nn.Linear(self.n_features, 1))
