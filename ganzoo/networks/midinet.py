"""Networks of MidiNet: bars of music by transposed convolutions along time, under a chord and the bar before.

Yang et al. 2017, arXiv 1703.10847, section 3, with the layers of the authors' code (RichardYang40148/MidiNet, v1).
Rolls are in [-1, 1] outside of the networks, and in [0, 1] within, as the authors' are. Kernels that span all
pitches, or as many steps as they advance, are matrix products: several times as fast on CPUs as such convolutions.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, linear

from ganzoo.common.chords import CHORD_DIM, bar_condition
from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import MUSIC

SLOPE = 0.2
HALVINGS = 3
Under = tuple[Tensor, Tensor]  # chords (N, 13) and the bars before (N, 1, T, P)


def unit(rolls: Tensor) -> Tensor:
    """Returns rolls in [-1, 1] as numbers in [0, 1]."""
    return (rolls + 1) / 2


def beside(x: Tensor, *others: Tensor) -> Tensor:
    """Returns maps (N, C, T, P) with others, or vectors (N, D) at every place, stacked on their channels."""
    maps = [other[:, :, None, None].expand(-1, -1, *x.shape[2:]) if other.dim() == 2 else other for other in others]
    return torch.cat([x, *(each.to(x.dtype) for each in maps)], 1)


def require_bar(shape: tuple[int, ...]) -> None:
    """Raises GanzooError unless a shape is that of bars that the networks can halve."""
    if len(shape) != 3 or shape[0] != 1 or shape[1] % 2**HALVINGS:
        raise GanzooError(
            f"model: bars of shape (1, T, P) with T divisible by {2**HALVINGS} are made, not {tuple(shape)}."
        )


class PatchConv(nn.Conv2d):
    """Convolution whose stride is its kernel, as a matrix product.

    Args:
        channels: of its input.
        width: channels of its output.
        kernel: height and width; they divide those of the input.
    """

    def __init__(self, channels: int, width: int, kernel: tuple[int, int]) -> None:
        super().__init__(channels, width, kernel, kernel)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, channels, H, W) to (N, width, H / kernel[0], W / kernel[1])."""
        high, wide = self.weight.shape[2:]
        patches = x.unflatten(3, (-1, wide)).unflatten(2, (-1, high))  # (N, C, H', high, W', wide)
        patches = patches.permute(0, 2, 4, 1, 3, 5).flatten(3)
        return linear(patches, self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


class PatchTranspose(nn.ConvTranspose2d):
    """Transposed convolution whose stride is its kernel, as a matrix product.

    Args:
        channels: of its input.
        width: channels of its output.
        kernel: height and width.
    """

    def __init__(self, channels: int, width: int, kernel: tuple[int, int]) -> None:
        super().__init__(channels, width, kernel, kernel)

    def forward(self, x: Tensor, output_size: Any = None) -> Tensor:
        """Maps (N, channels, H, W) to (N, width, H * kernel[0], W * kernel[1])."""
        shape = self.weight.shape[1:]  # (width, high, wide)
        patches = linear(x.permute(0, 2, 3, 1), self.weight.flatten(1).T).unflatten(3, shape)
        output = patches.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)
        return output if self.bias is None else output + self.bias[:, None, None]


class BarConditioner(nn.Module):
    """Maps of a bar at as many scales in time as a generator has: 16, 8, 4 and 2 steps of 16.

    Args:
        pitches: of a roll.
        width: channels of each map.
    """

    def __init__(self, pitches: int = 128, width: int = 16) -> None:
        super().__init__()
        first = PatchConv(1, width, (1, pitches))
        others = [PatchConv(width, width, (2, 1)) for _ in range(HALVINGS)]
        self.layers = nn.ModuleList(
            nn.Sequential(layer, nn.BatchNorm2d(width), nn.LeakyReLU(SLOPE)) for layer in (first, *others)
        )

    def forward(self, bars: Tensor) -> list[Tensor]:
        """Maps bars (N, 1, T, P) in [0, 1] to (N, width, T, 1), then half as many steps, and so on."""
        maps = [self.layers[0](bars)]
        for layer in list(self.layers)[1:]:
            maps.append(layer(maps[-1]))
        return maps


class MidiNetGenerator(nn.Module):
    """Generator of bars: two dense layers, three layers that double the steps, and one that opens to all pitches.

    Each layer is given the chord, and those along time the bar before, by a map of their own scale.

    Args:
        shape: of a bar: [1, steps, pitches], steps divisible by 8.
        latent_dim: length of the latent vector.
        hidden: width of the first layer.
        width: channels of the layers along time.
        previous_width: channels of each map of the bar before.
    """

    kind = MUSIC

    def __init__(
        self,
        shape: list[int] = [1, 16, 128],  # noqa: B006  # only read
        latent_dim: int = 100,
        hidden: int = 1024,
        width: int = 128,
        previous_width: int = 16,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        require_bar(self.shape)
        self.condition = bar_condition(self.shape)
        self.latent_dim, self.width = latent_dim, width
        steps, pitches = self.shape[1:]
        self.start = steps // 2**HALVINGS
        self.conditioner = BarConditioner(pitches, previous_width)
        dense = ((latent_dim, hidden), (hidden, self.start * width))
        self.dense = nn.ModuleList(
            nn.Sequential(nn.Linear(before + CHORD_DIM, after), nn.BatchNorm1d(after), nn.ReLU())
            for before, after in dense
        )
        taken = width + CHORD_DIM + previous_width
        self.along = nn.ModuleList(
            nn.Sequential(PatchTranspose(taken, width, (2, 1)), nn.BatchNorm2d(width), nn.ReLU())
            for _ in range(HALVINGS)
        )
        self.open = PatchTranspose(taken, 1, (1, pitches))
        self.apply(init_midinet)

    def forward(self, z: Tensor, y: Under) -> Tensor:
        """Maps latent vectors (N, latent_dim), chords and the bars before to bars (N, 1, T, P): 2 sigmoid - 1."""
        chord, previous = y
        maps = self.conditioner(unit(previous))
        x = z
        for layer in self.dense:
            x = layer(torch.cat([x, chord.to(x.dtype)], 1))
        x = x.unflatten(1, (self.width, self.start, 1))
        for layer in self.along:
            x = layer(beside(x, chord, maps.pop()))
        return 2 * torch.sigmoid(self.open(beside(x, chord, maps.pop()))) - 1


class MidiNetDiscriminator(nn.Module):
    """Discriminator of bars under their chord, which every layer is given; it does not see the bar before.

    Args:
        shape: of a bar: [1, steps, pitches], steps divisible by 8.
        width: channels of the second layer.
        hidden: width of the last hidden layer.
    """

    kind = MUSIC

    def __init__(
        self,
        shape: list[int] = [1, 16, 128],  # noqa: B006  # only read
        width: int = 77,
        hidden: int = 1024,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        require_bar(self.shape)
        self.condition = bar_condition(self.shape)
        steps, pitches = self.shape[1:]
        channels = 1 + CHORD_DIM
        self.first = nn.Conv2d(channels, channels, (2, pitches), (2, 1))
        self.second = nn.Conv2d(channels + CHORD_DIM, width, (4, 1), (2, 1))
        self.second_norm = nn.BatchNorm2d(width)
        self.dense = nn.Linear(width * (steps // 4 - 1) + CHORD_DIM, hidden)
        self.dense_norm = nn.BatchNorm1d(hidden)
        self.head = nn.Linear(hidden + CHORD_DIM, 1)
        self.n_features = hidden + CHORD_DIM
        self.apply(init_midinet)

    def maps(self, x: Tensor, y: Under) -> Tensor:
        """Maps bars (N, 1, T, P) and what they are under to the first layer's maps (N, 14, T/2, 1)."""
        weight, chord = self.first.weight, y[0]
        patches = unit(x).unflatten(2, (-1, 2)).flatten(3)  # (N, 1, T/2, 2 * P): of a roll that has one channel
        of_rolls = linear(patches[:, 0], weight[:, 0].flatten(1), self.first.bias)
        # a chord is the same at every step and pitch
        of_chords = linear(chord.to(x.dtype), weight[:, 1:].sum((2, 3)))
        return leaky_relu(of_rolls + of_chords[:, None], SLOPE).transpose(1, 2)[..., None]

    def features(self, x: Tensor, y: Under) -> Tensor:
        """Maps bars and what they are under to the last hidden layer and the chord (N, n_features)."""
        chord = y[0]
        maps = leaky_relu(self.second_norm(self.second(beside(self.maps(x, y), chord))), SLOPE).flatten(1)
        hidden = leaky_relu(self.dense_norm(self.dense(torch.cat([maps, chord.to(maps.dtype)], 1))), SLOPE)
        return torch.cat([hidden, chord.to(hidden.dtype)], 1)

    def forward(self, x: Tensor, y: Under) -> Tensor:
        """Maps bars and what they are under to logits (N,)."""
        return self.head(self.features(x, y)).flatten()


def init_midinet(module: nn.Module) -> None:
    """Initialises weights from N(0, 0.02), and biases with zero."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
