"""Latent spaces: how a model's points are drawn, truncated and gone between, and how they become samples.

A model's `spaces` are those that it has, the best one to truncate and to walk in first. Most have one, of their latent
vectors z or codes; one with a style-based generator has its styles w as well, see `ganzoo.games.styles`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.common.seeding import mix
from ganzoo.games.interpolation import INTERPOLATIONS, Mode
from ganzoo.games.latent import PRIORS, Prior, draw_latent
from ganzoo.games.priors import CodePrior, noise_of_codes

Raw = Mapping[str, Tensor]  # random numbers (N, ...) by name
Generate = Callable[..., Tensor]  # (network, points, condition, noise=None) -> samples


class LatentSpace(ABC):
    """Base of latent spaces. Points are tensors (N, ...).

    A point is drawn in two steps. Random numbers are drawn (`raw`), by the seed and the place alone, and then placed in
    the space (`place`), truncated and under a condition; the second step is a function of tensors, which an exported
    file can hold.

    Attributes:
        dim: length D of a vector of the space.
        name: `z`, `w` or `codes`.
        generate: maps points to samples: (network, points, condition, noise=None) -> samples.
    """

    dim: int
    name: str
    generate: Generate

    @property
    @abstractmethod
    def mode(self) -> Mode:
        """The way from point to point that stays where the points lie."""

    @property
    @abstractmethod
    def texts(self) -> dict[str, str]:
        """What the random numbers of `raw` are, by name, in words."""

    @abstractmethod
    def raw(self, n: int, seed: int | None = None) -> dict[str, Tensor]:
        """Draws the random numbers (n, ...) of n points, by name.

        Args:
            n: how many points.
            seed: with it those of the i-th point depend on the seed and on i alone; None draws from the global stream.
        """

    @abstractmethod
    def place(self, raw: Raw, truncation: float = 1.0, y: Any = None) -> Tensor:
        """Returns the points (N, ...) that random numbers stand for.

        Args:
            raw: as `raw` draws them.
            truncation: below 1, points are that much nearer to the most typical ones.
            y: conditions of the points, such as labels (N,), where the space depends on them.
        """

    def draw(self, n: int, seed: int | None = None, truncation: float = 1.0, y: Any = None) -> Tensor:
        """Draws n points (n, ...), see `raw` and `place`."""
        return self.place(self.raw(n, seed), truncation, y)

    def between(self, a: Tensor, b: Tensor, t: Tensor, mode: Mode | None = None) -> Tensor:
        """Returns points (N, T, ...) on the ways from points `a` to points `b`.

        Args:
            a: points (N, ...).
            b: as many.
            t: places (T,) on the way: 0 is at `a`, 1 at `b`.
            mode: `linear` or `spherical`; None for the space's own.

        Raises:
            GanzooError: if there is no such mode.
        """
        mode = mode or self.mode
        if mode not in INTERPOLATIONS:
            raise GanzooError(f"mode: it must be one of {', '.join(INTERPOLATIONS)}, not '{mode}'.")
        return INTERPOLATIONS[mode](a, b, t)

    def cut_off(self, layers: int) -> "LatentSpace":
        """Returns the space with truncation of its first layers alone; of styles only.

        Raises:
            GanzooError: if points have not so many layers.
        """
        raise GanzooError(f"cutoff: only a style-based model has layers; the latent space here is {self.name}.")

    def layers(self, chosen: Sequence[int] | None = None) -> list[int]:
        """Returns numbers of the layers that points have a vector for, by default of all; none but of styles.

        Raises:
            GanzooError: if there is no such layer.
        """
        if chosen is not None:
            raise GanzooError(
                f"layers: only a style-based model has layers to choose; the latent space here is {self.name}."
            )
        return []

    def spread(self, vectors: Tensor, layers: Sequence[int] | None = None) -> Tensor:
        """Returns vectors (K, dim) as changes (K, ...) that can be added to points.

        Args:
            vectors: such as directions.
            layers: where the space has a vector for each layer, those to change; None for all.
        """
        self.layers(layers)
        return vectors


@dataclass(frozen=True)
class Latents(LatentSpace):
    """Space of latent vectors (N, D) drawn from a prior, or from one for each of several parts.

    Truncation is a factor on them.

    Args:
        parts: (length, prior) of each part in turn.
        device: where vectors are wanted.
        generate: see `LatentSpace`.
        name: see `LatentSpace`.
        text: distribution of the vectors in words; by default that of the first part.
    """

    parts: Sequence[tuple[int, Prior]]
    device: torch.device
    generate: Generate
    name: str = "z"
    text: str | None = None

    @property
    def dim(self) -> int:  # type: ignore[override]
        """Length of a vector."""
        return sum(length for length, _ in self.parts)

    @property
    def mode(self) -> Mode:
        """Arcs where all is normal noise, whose samples lie near a sphere; straight ways elsewhere."""
        return "spherical" if all(prior == "normal" for _, prior in self.parts) else "linear"

    @property
    def texts(self) -> dict[str, str]:
        """The vectors' distribution."""
        return {"z": self.text or PRIORS[self.parts[0][1]]}

    def raw(self, n: int, seed: int | None = None) -> dict[str, Tensor]:
        """Draws the vectors, each part from a stream of its own; see `draw_latent`."""
        streams = [seed if seed is None or not k else mix(seed, k) for k in range(len(self.parts))]
        drawn = [
            draw_latent(n, length, prior, self.device, stream)
            for (length, prior), stream in zip(self.parts, streams, strict=True)
        ]
        return {"z": torch.cat(drawn, 1) if len(drawn) > 1 else drawn[0]}

    def place(self, raw: Raw, truncation: float = 1.0, y: Any = None) -> Tensor:
        """Returns the vectors, scaled by `truncation`."""
        return raw["z"] if truncation == 1 else truncation * raw["z"]


@dataclass(frozen=True)
class Codes(LatentSpace):
    """Space of an autoencoder's codes (N, dim), which follow a prior of any shape.

    Truncation leads to the middles of the prior's parts.

    Args:
        prior: their distribution.
        dim: length of a code.
        device: where they are wanted.
        generate: see `LatentSpace`.
    """

    prior: CodePrior
    dim: int
    device: torch.device
    generate: Generate
    name: str = "codes"

    @property
    def mode(self) -> Mode:
        """Straight ways, whatever the prior's shape."""
        return "linear"

    @property
    def texts(self) -> dict[str, str]:
        """Normal noise, and uniform noise where it chooses a part."""
        return {"z": "standard normal"} | ({"u": "uniform on [0, 1]"} if self.prior.mixed else {})

    def raw(self, n: int, seed: int | None = None) -> dict[str, Tensor]:
        """Draws normal noise z (n, dim) and uniform noise u (n,)."""
        return dict(zip("zu", noise_of_codes(n, self.dim, self.device, seed), strict=True))

    def place(self, raw: Raw, truncation: float = 1.0, y: Any = None) -> Tensor:
        """Returns the codes, nearer to the middles of the prior's parts by a factor of `truncation`."""
        return self.prior(raw["z"] if truncation == 1 else truncation * raw["z"], raw.get("u"))
