"""Autoencoder: reconstructs images from short codes, and samples from a density fitted to these.

Paper: Hinton and Salakhutdinov, Reducing the Dimensionality of Data with Neural Networks, 2006.
URL: https://doi.org/10.1126/science.1127647
Code: https://www.cs.toronto.edu/~hinton/MatlabForSciencePaper.html
Deviations: squared error instead of cross-entropy, and no layer-wise pretraining: today's initialisation and Adam do
    without. The paper's autoencoder does not sample; ours draws codes from a mixture of ten Gaussians fitted to codes
    (Ghosh et al., From Variational to Deterministic Autoencoders, 2020, section 4, arXiv 1903.12436).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.common.errors import GanzooError
from ganzoo.games.encoder_decoder import EncoderDecoder
from ganzoo.games.latent_space import Codes, LatentSpace
from ganzoo.games.move import Move
from ganzoo.games.players import Player, Terms
from ganzoo.games.priors import GaussianMixture


class Autoencoder(EncoderDecoder):
    """Descends the squared error of reconstructions, summed over a sample's values.

    The latest codes are kept as training goes, and the density is fitted to them when something is drawn or exported: a
    checkpoint needs no data to sample, and the same codes always give the same density.

    Args:
        encoder: samples to codes.
        decoder: codes to samples.
        components: number of Gaussians in the density.
        keep: number of codes that it is fitted to.
        **kwargs: see `EncoderDecoder`.

    Raises:
        GanzooError: if there are to be no components, or fewer codes than those.
    """

    kept: Tensor
    seen: Tensor
    fitted: Tensor

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, components: int = 10, keep: int = 10_000, **kwargs: Any
    ) -> None:
        super().__init__(encoder, decoder, **kwargs)
        if keep < max(components, 2):
            raise GanzooError(f"model.keep: {keep} codes are too few for {components} components.")
        self.density = GaussianMixture(self.dim, components)
        self.register_buffer("kept", torch.zeros(keep, self.dim))
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))  # codes so far
        self.register_buffer("fitted", torch.zeros((), dtype=torch.long))  # of these when the density was fitted

    def players(self) -> Sequence[Player]:
        """Returns encoder and decoder as one player, whose codes are remembered after its step."""
        (both,) = super().players()
        return (replace(both, after=self.remember_kept),)

    def loss(self, x: Tensor, y: Any, move: Move) -> Terms:
        """Returns the squared error, and keeps the codes for after the step."""
        codes = self.encoder(x)
        move.keep("codes", self.averaged("encoder")(x) if "encoder" in self.averages else codes)
        return {"rec": (self.decoder(codes).float() - x.float()).square().flatten(1).sum(1).mean()}

    def remember_kept(self, move: Move) -> None:
        """Remembers the codes that a move has kept."""
        self.remember(torch.cat(move.kept("codes")))

    @torch.no_grad()
    def remember(self, codes: Tensor) -> None:
        """Stores codes (N, latent_dim) in the place of the oldest ones."""
        codes = codes[-len(self.kept) :].float()
        places = (self.seen + torch.arange(len(codes), device=codes.device)) % len(self.kept)
        self.kept.index_copy_(0, places, codes)
        self.seen += len(codes)

    def refit(self) -> None:
        """Fits the density anew if there are new codes, at least two and all of them finite."""
        codes = self.kept[: int(self.seen)]
        if self.seen != self.fitted and len(codes) > 1 and bool(codes.isfinite().all()):
            self.density.fit(codes)
            self.fitted.copy_(self.seen)

    @property
    def code_prior(self) -> GaussianMixture:
        """The density of the codes, fitted."""
        self.refit()
        return self.density

    @property
    def input_space(self) -> LatentSpace:
        """Space of codes from the density."""
        return Codes(self.code_prior, self.dim, self.device, self.generate)

    def exported(self) -> dict[str, nn.Module]:
        """Returns the networks and the fitted density."""
        self.refit()
        return super().exported()
