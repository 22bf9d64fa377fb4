"""Base of discriminators: a stack of layers, of which the last one is the head."""

from torch import Tensor, nn


class Discriminator(nn.Module):
    """Base of discriminators that map samples to one logit each by the layers of `net`.

    Attributes:
        net: all layers; the last one makes logits of what the others find.
        shape: shape of one sample.
        n_features: length of the last hidden layer of one sample, flattened, for heads beside the logit.
    """

    net: nn.Sequential
    shape: tuple[int, ...]
    n_features: int

    def features(self, x: Tensor) -> Tensor:
        """Maps samples (N, *shape) to the last hidden layer, what `minibatch` layers append to it included."""
        for layer in list(self.net)[:-1]:  # a slice would build a new module each time
            x = layer(x)
        return x

    def head(self, features: Tensor) -> Tensor:
        """Maps what `features` returns to logits (N,)."""
        return self.net[-1](features).flatten()

    def forward(self, x: Tensor) -> Tensor:
        """Maps samples (N, *shape) to logits (N,)."""
        return self.head(self.features(x))
