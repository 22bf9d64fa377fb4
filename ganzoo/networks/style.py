"""Base of style-based generators: a mapping network, a synthesis network, and the running mean of w between them.

Karras et al. 2018, arXiv 1812.04948, and Karras et al. 2019, arXiv 1912.04958. It keeps to the contract that
`ganzoo.games.styles.StyleGenerator` writes down.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.common.conditions import condition_of


class StyleBased(nn.Module):
    """A generator of two networks: z is mapped to w, and w makes the style of every layer.

    Args:
        mapping: (z, y) -> w (N, w_dim), or z alone of an unconditional one; has `latent_dim` and `w_dim`, and perhaps
            `n_classes` or another `condition`.
        synthesis: (styles (N, n_styles, w_dim), noise) -> samples; has `n_styles`, the samples' `shape`, the
            `noise_shapes` of its layers, and `style_affines`, the affine map of w at each layer. Noise is a tensor
            (N, *shape) for each of its shapes, or None to be drawn afresh.
        decay: share of the running mean of w that a batch keeps.
        cutoff: number of layers that truncation changes unless another is named; None for all.
    """

    w_mean: Tensor

    def __init__(
        self, mapping: nn.Module, synthesis: nn.Module, decay: float = 0.995, cutoff: int | None = None
    ) -> None:
        super().__init__()
        self.mapping, self.synthesis = mapping, synthesis
        self.decay, self.cutoff = decay, cutoff
        self.latent_dim: int = mapping.latent_dim  # type: ignore[assignment]
        self.w_dim: int = mapping.w_dim  # type: ignore[assignment]
        self.n_classes: Any = getattr(mapping, "n_classes", 0)
        self.condition = condition_of(mapping)
        self.shape: Any = synthesis.shape
        self.register_buffer("w_mean", torch.zeros(self.w_dim))

    @property
    def n_styles(self) -> int:
        """Number of layers that take a style; of one that grows, of those in use."""
        return self.synthesis.n_styles  # type: ignore[return-value]

    @property
    def noise_shapes(self) -> Sequence[Sequence[int]]:
        """Shapes of the noise of the layers; of one that grows, of those in use."""
        return self.synthesis.noise_shapes  # type: ignore[return-value]

    @property
    def style_affines(self) -> Sequence[nn.Module]:
        """The affine map of w that makes each layer's style, in order."""
        return self.synthesis.style_affines  # type: ignore[return-value]

    def styles(self, z: Tensor, y: Any = None) -> Tensor:
        """Returns w of z at every layer (N, n_styles, w_dim); in training mode moves the running mean."""
        w = self.mapping(z) if y is None else self.mapping(z, y)
        if self.training:
            with torch.no_grad():
                self.w_mean.lerp_(w.float().mean(0), 1 - self.decay)
        return w[:, None].expand(-1, self.n_styles, -1)

    def forward(self, z: Tensor, y: Any = None, noise: Sequence[Tensor] | None = None) -> Tensor:
        """Maps z (N, latent_dim), and conditions where there are some, to samples (N, *shape)."""
        return self.synthesis(self.styles(z, y), noise)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compiles the two networks, which are also called by themselves."""
        self.mapping.compile(*args, **kwargs)
        self.synthesis.compile(*args, **kwargs)
