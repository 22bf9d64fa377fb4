"""Style-based generators: their contract, their space w of styles, and the mixing of styles.

Karras et al. 2018, arXiv 1812.04948: a mapping network makes a vector w of z, and a synthesis network takes w at each
of its layers, and noise. Truncation (appendix B), walks and directions go through w, whose points here are (N, L, D):
a style for each of L layers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeGuard

import torch
from torch import Tensor, nn

from ganzoo.common.errors import GanzooError
from ganzoo.games.interpolation import Mode
from ganzoo.games.latent_space import Generate, LatentSpace, Raw


class StyleGenerator(Protocol):
    """Protocol of a style-based generator network; `ganzoo.networks.style.StyleBased` is a base that keeps to it.

    The network without a condition takes none: `y` is given to those that have one.

    Attributes:
        latent_dim: length of z.
        w_dim: length D of w.
        n_styles: number L of layers that take a style.
        noise_shapes: shapes of the layers' noise, of a single image each; empty without noise.
        style_affines: the affine map of w that makes each layer's style, in the order of the layers.
        w_mean: running mean (D,) of w, a buffer, which `styles` moves in training mode.
        cutoff: number of layers that truncation changes unless another is named; None for all.
        mapping: (z, y) -> w (N, D), without a trace.
        synthesis: (styles (N, L, D), noise) -> samples. Noise is a tensor (N, *shape) for each of `noise_shapes`; None
            draws it afresh.
    """

    latent_dim: int
    w_dim: int
    n_styles: int
    noise_shapes: Sequence[Sequence[int]]
    style_affines: Sequence[nn.Module]
    w_mean: Tensor
    cutoff: int | None
    mapping: Callable[..., Tensor]
    synthesis: Callable[..., Tensor]

    def styles(self, z: Tensor, y: Any = None) -> Tensor:
        """Returns w of z at every layer (N, L, D); in training mode moves `w_mean`."""

    def forward(self, z: Tensor, y: Any = None, noise: Sequence[Tensor] | None = None) -> Tensor:
        """Maps z (N, latent_dim) to samples."""


def is_style_based(network: Any) -> TypeGuard[StyleGenerator]:
    """Returns whether a network is style-based: whether it has a `mapping` and a `synthesis`.

    Raises:
        GanzooError: if it has, but does not keep to the rest of the contract of `StyleGenerator`.
    """
    # not isinstance, which from Python 3.12 on does not see a module's buffers and submodules
    if not (hasattr(network, "mapping") and hasattr(network, "synthesis")):
        return False
    missing = [name for name in (*StyleGenerator.__annotations__, "styles") if not hasattr(network, name)]
    if missing:
        kind = type(network).__name__
        raise GanzooError(f"{kind}: a style-based generator has {', '.join(missing)}, too; derive it from StyleBased.")
    return True


@dataclass(frozen=True)
class Styles(LatentSpace):
    """Space w of a style-based generator: points (N, L, D) are a style for each layer, the same unless they are mixed.

    Truncation leads to the mean of w: w_mean + psi (w - w_mean).

    Args:
        network: the generator.
        latents: the space of its z.
        mapped: maps z and conditions to w (N, D), as the model is evaluated.
        generate: see `LatentSpace`.
        cutoff: number of layers that truncation changes, the first ones; None for all.
    """

    network: StyleGenerator
    latents: LatentSpace
    mapped: Callable[[Tensor, Any], Tensor]
    generate: Generate
    cutoff: int | None = None
    name: str = "w"

    @property
    def dim(self) -> int:  # type: ignore[override]
        """Length of w."""
        return self.network.w_dim

    @property
    def mode(self) -> Mode:
        """Straight ways: the mapping network is there to make w's distribution straight."""
        return "linear"

    @property
    def texts(self) -> dict[str, str]:
        """What z is, of which w is made."""
        return self.latents.texts

    def raw(self, n: int, seed: int | None = None) -> dict[str, Tensor]:
        """Draws the random numbers of z."""
        return self.latents.raw(n, seed)

    def place(self, raw: Raw, truncation: float = 1.0, y: Any = None) -> Tensor:
        """Returns the styles of z under conditions, truncated."""
        w = self.mapped(self.latents.place(raw), y)
        return self.truncate(w[:, None].repeat(1, self.network.n_styles, 1), truncation)

    def truncate(self, points: Tensor, factor: float) -> Tensor:
        """Returns points (N, L, D) nearer to the mean of w by a factor, at the layers before the cut-off."""
        if factor == 1:
            return points
        mean, layers = self.network.w_mean.to(points), points.shape[1] if self.cutoff is None else self.cutoff
        return torch.cat([mean + factor * (points[:, :layers] - mean), points[:, layers:]], 1)

    def cut_off(self, layers: int) -> "Styles":
        """Returns the space with truncation of its first layers alone.

        Raises:
            GanzooError: if there are not so many.
        """
        if not 0 <= layers <= self.network.n_styles:
            raise GanzooError(f"cutoff: from 0 to {self.network.n_styles} layers can be truncated, not {layers}.")
        return replace(self, cutoff=layers)

    def layers(self, chosen: Sequence[int] | None = None) -> list[int]:
        """Returns numbers of layers, by default of all.

        Raises:
            GanzooError: if there is no such layer.
        """
        count = self.network.n_styles
        layers = list(range(count) if chosen is None else chosen)
        if strange := [layer for layer in layers if not 0 <= layer < count]:
            raise GanzooError(f"layers: {strange[0]} is none of the layers 0 to {count - 1}.")
        return layers

    def spread(self, vectors: Tensor, layers: Sequence[int] | None = None) -> Tensor:
        """Returns vectors (K, D) as changes (K, L, D) of the styles of some layers, by default of all."""
        changes = vectors.new_zeros(len(vectors), self.network.n_styles, vectors.shape[1])
        changes[:, self.layers(layers)] = vectors[:, None]
        return changes


def mix_styles(rows: Tensor, columns: Tensor, layers: Sequence[int]) -> Tensor:
    """Mixes the styles of every pair of points: figure 3 of the paper.

    Args:
        rows: styles (R, L, D), the paper's source A.
        columns: styles (C, L, D), source B.
        layers: the layers whose styles come from `columns`.

    Returns:
        Styles (R, C, L, D).
    """
    chosen = torch.zeros(rows.shape[1], dtype=torch.bool, device=rows.device)
    chosen[list(layers)] = True
    return torch.where(chosen[:, None], columns[None], rows[:, None])


def mix_at_random(styles: Tensor, others: Tensor, probability: float) -> Tensor:
    """Mixes the styles of a batch from a random layer on, the same one for all: section 3.1, mixing regularisation.

    Args:
        styles: (N, L, D), kept before the layer; it is at least the second one.
        others: w (N, D) of other latent vectors, taken from there on.
        probability: that anything is mixed.

    Returns:
        Styles (N, L, D).
    """
    count, device = styles.shape[1], styles.device
    # tensors, not numbers, so that a recorded move draws anew
    first = torch.randint(1, max(count, 2), (), device=device)
    first = torch.where(torch.rand((), device=device) < probability, first, count)
    kept = torch.arange(count, device=device) < first
    return torch.where(kept[:, None], styles, others[:, None])
