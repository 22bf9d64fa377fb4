"""Conditional networks: layers that take labels, and wrappers that give any network classes.

A generator with an `n_classes` maps (z, y), a discriminator with one maps (x, y). Labels y are whole numbers (N,).
Those with a `condition` take what that says instead, see `ganzoo.common.conditions`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.common.conditions import Vectors
from ganzoo.common.data_spec import DataSpec
from ganzoo.common.errors import GanzooError


class ConditionalBatchNorm2d(nn.Module):
    """BatchNorm whose scale and shift are the class's own: Dumoulin et al. 2017; de Vries et al. 2017.

    Every class begins with scale 1 and shift 0, as in the code of Miyato and Koyama 2018.

    Args:
        channels: channels of the maps.
        n_classes: number of classes.
    """

    def __init__(self, channels: int, n_classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.embed = nn.Embedding(n_classes, 2 * channels)
        nn.init.ones_(self.embed.weight[:, :channels])
        nn.init.zeros_(self.embed.weight[:, channels:])

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Normalises maps (N, channels, H, W), then scales and shifts them by class."""
        gamma, beta = self.embed(y)[:, :, None, None].chunk(2, 1)
        return gamma * self.norm(x) + beta


class JoinedGenerator(nn.Module):
    """Base of wrappers that give a generator a condition: what `embed` makes of it is joined to the latent vector.

    Args:
        network: an unconditional generator; its `latent_dim` is that of the latent vector plus `length`.
        length: of an embedded condition.
        field: name of that argument, for errors.

    Raises:
        GanzooError: if the network's `latent_dim` leaves nothing for the latent vector.
    """

    embed: nn.Module

    def __init__(self, network: nn.Module, length: int, field: str) -> None:
        super().__init__()
        joined: int = network.latent_dim  # type: ignore[assignment]
        if not 0 < length < joined:
            raise GanzooError(f"{field}: {length} given, but it must leave some of the network's latent_dim, {joined}.")
        self.network = network
        self.latent_dim = joined - length
        self.shape: Any = network.shape

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Maps (N, latent_dim) and conditions (N, ...) to samples (N, *shape)."""
        return self.network(torch.cat([z, self.embed(y)], 1))


class LabelledGenerator(JoinedGenerator):
    """Wrapper that gives a generator classes: the embedded label is joined to the latent vector.

    Args:
        network: an unconditional generator; its `latent_dim` is that of the latent vector plus `label_dim`.
        n_classes: number of classes.
        label_dim: length of an embedded label.

    Raises:
        GanzooError: if the network's `latent_dim` leaves nothing for the latent vector.
    """

    def __init__(self, network: nn.Module, n_classes: int, label_dim: int = 100) -> None:
        super().__init__(network, label_dim, "label_dim")
        self.n_classes = n_classes
        self.embed = nn.Embedding(n_classes, label_dim)
        # About as long as a one-hot label: where a label is as long as z, one image per class is soon all that is left.
        nn.init.normal_(self.embed.weight, 0.0, label_dim**-0.5)


class LabelledDiscriminator(nn.Module):
    """Wrapper that gives a discriminator classes: the one-hot label is stacked on the channels.

    Args:
        network: an unconditional discriminator of samples with `n_classes` more channels.
        n_classes: number of classes.

    Raises:
        GanzooError: if the network has not that many channels.
    """

    def __init__(self, network: nn.Module, n_classes: int) -> None:
        super().__init__()
        self.network = network
        self.n_classes = n_classes
        self.n_features: Any = network.n_features
        channels, *sides = network.shape  # type: ignore[misc]
        if not 0 < n_classes < channels:
            raise GanzooError(
                f"n_classes: {n_classes} given, but they must leave some of the network's {channels} channels."
            )
        self.shape = (channels - n_classes, *sides)

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the network's data: a channel more for each class."""
        return {"network": spec.extended(stated.get("n_classes", spec.n_classes))}

    def features(self, x: Tensor, y: Tensor) -> Tensor:
        """Maps samples (N, *shape) and labels (N,) to the network's last hidden layer."""
        label = one_hot(y, self.n_classes).to(x.dtype)
        maps = label.view(*label.shape, *[1] * (x.dim() - 2)).expand(-1, -1, *x.shape[2:])
        return self.network.features(torch.cat([x, maps], 1))  # type: ignore[operator]

    def head(self, features: Tensor) -> Tensor:
        """Maps what `features` returns to logits (N,)."""
        return self.network.head(features)  # type: ignore[operator]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Maps samples (N, *shape) and labels (N,) to logits (N,)."""
        return self.head(self.features(x, y))


class ProjectedDiscriminator(nn.Module):
    """Base of wrappers that give a discriminator a condition: its embedding's inner product with the last hidden layer.

    Args:
        network: an unconditional discriminator.
    """

    embed: nn.Module

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.n_features: Any = network.n_features
        self.shape: Any = network.shape

    def features(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Maps samples (N, *shape) to the network's last hidden layer, which does not depend on conditions."""
        return self.network.features(x)  # type: ignore[operator]

    def head(self, features: Tensor) -> Tensor:
        """Maps what `features` returns to the unconditional part (N,) of the logits."""
        return self.network.head(features)  # type: ignore[operator]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Maps samples (N, *shape) and conditions (N, ...) to logits (N,)."""
        features = self.features(x)
        return self.head(features) + (self.embed(y) * features.flatten(1)).sum(1)


class Projection(ProjectedDiscriminator):
    """Wrapper that gives a discriminator classes by an inner product: Miyato and Koyama 2018, equation 3.

    The logit is psi(h) + <embed(y), h>: psi is the network's own head, h its last hidden layer, flattened.

    Args:
        network: an unconditional discriminator.
        n_classes: number of classes.
        spectral: divide the embedding by its largest singular value, as the paper does with every weight.
    """

    def __init__(self, network: nn.Module, n_classes: int, spectral: bool = True) -> None:
        super().__init__(network)
        self.n_classes = n_classes
        self.embed = nn.Embedding(n_classes, network.n_features)  # type: ignore[arg-type]
        nn.init.xavier_uniform_(self.embed.weight)
        if spectral:  # after the initialisation: a parametrised weight ignores writes to its data
            spectral_norm(self.embed)


class VectorGenerator(JoinedGenerator):
    """Wrapper that gives a generator vectors as a condition: embedded, each is joined to the latent vector.

    Args:
        network: an unconditional generator; its `latent_dim` is that of the latent vector plus `embed_dim`.
        condition_dim: length of a vector, such as a text's embedding.
        embed_dim: length of an embedded one.

    Raises:
        GanzooError: if the network's `latent_dim` leaves nothing for the latent vector.
    """

    def __init__(self, network: nn.Module, condition_dim: int, embed_dim: int = 64) -> None:
        super().__init__(network, embed_dim, "embed_dim")
        self.condition = Vectors(condition_dim)
        self.embed = nn.Linear(condition_dim, embed_dim)


class VectorProjection(ProjectedDiscriminator):
    """Wrapper that gives a discriminator vectors as a condition, by an inner product as in `Projection`.

    The logit is psi(h) + <V y, h>: psi is the network's own head, h its last hidden layer, flattened, V a matrix.

    Args:
        network: an unconditional discriminator.
        condition_dim: length of a vector.
        spectral: divide V by its largest singular value.
    """

    def __init__(self, network: nn.Module, condition_dim: int, spectral: bool = False) -> None:
        super().__init__(network)
        self.condition = Vectors(condition_dim)
        self.embed = nn.Linear(condition_dim, network.n_features, bias=False)  # type: ignore[arg-type]
        if spectral:
            spectral_norm(self.embed)


class Answer(NamedTuple):
    """What a discriminator with a second head returns."""

    logits: Tensor  # (N,)
    second: Tensor  # output of the second head (N, ...)


class TwoHeaded(nn.Module):
    """Wrapper that gives a discriminator a second head on its last hidden layer, computed in the same pass.

    Args:
        network: an unconditional discriminator.
        second: maps its flattened last hidden layer (N, n_features) to the output beside the logit.
    """

    def __init__(self, network: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.second = second
        self.n_features: Any = network.n_features
        self.shape: Any = network.shape

    def features(self, x: Tensor) -> Tensor:
        """Maps samples (N, *shape) to the network's last hidden layer."""
        return self.network.features(x)  # type: ignore[operator]

    def head(self, features: Tensor) -> Tensor:
        """Maps what `features` returns to logits (N,)."""
        return self.network.head(features)  # type: ignore[operator]

    def forward(self, x: Tensor) -> Answer:
        """Maps samples (N, *shape) to logits (N,) and the second head's output (N, ...)."""
        features = self.features(x)
        second = self.second(features.flatten(1))
        return Answer(self.head(features), second)


def require_classes(**networks: nn.Module) -> int:
    """Returns the number of classes that these networks agree on.

    Raises:
        GanzooError: if one has none, or not as many as the others.
    """
    counts = {name: int(getattr(network, "n_classes", 0)) for name, network in networks.items()}
    for name, count in counts.items():
        if count < 1:
            raise GanzooError(
                f"model.{name}: {type(networks[name]).__name__} takes no labels; wrap it in one of "
                "ganzoo.networks.conditional."
            )
    if len(set(counts.values())) > 1:
        counted = " but ".join(f"{name} {count}" for name, count in counts.items())
        raise GanzooError(f"model: the networks must have as many classes as each other, not {counted}.")
    return next(iter(counts.values()))
