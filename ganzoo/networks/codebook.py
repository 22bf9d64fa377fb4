"""Codebook of vector quantisation, and which of its codes are in use.

Van den Oord et al. 2017, arXiv 1711.00937, as the code of VQGAN has it
(https://github.com/CompVis/taming-transformers, `taming/modules/vqvae/quantize.py`).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, mse_loss

from ganzoo.common.distributed import of_first_process, sum_over_processes
from ganzoo.common.errors import GanzooError


class Quantised(NamedTuple):
    """Latents whose vector at each place is a code."""

    latents: Tensor  # (N, dim, h, w); gradients pass to what was quantised
    loss: Tensor  # a scalar
    indices: Tensor  # (N, h, w)


class Codebook(nn.Module):
    """Codes, of which the nearest one replaces the vector at each place of a map.

    The gradient of the output passes straight through to the input. The loss draws codes to vectors, and vectors to
    codes, by two mean squared differences of the same value. The second one is meant to be weighted; the code that the
    published models were trained with, `legacy`, weights the first.

    Args:
        codes: their number.
        dim: their length.
        commitment: weight of the weighted term.
        legacy: whether this is the term that moves the codes, not the one that moves the vectors.

    Raises:
        GanzooError: if there are to be no codes.
    """

    def __init__(self, codes: int = 1024, dim: int = 256, commitment: float = 0.25, legacy: bool = True) -> None:
        super().__init__()
        if codes < 1 or dim < 1:
            raise GanzooError(f"codes: at least one code of at least one number is needed, not {codes} of {dim}.")
        self.commitment, self.legacy = commitment, legacy
        self.codes = nn.Parameter(torch.empty(codes, dim).uniform_(-1 / codes, 1 / codes))

    def forward(self, z: Tensor) -> Quantised:
        """Quantises latents (N, dim, h, w)."""
        vectors = z.movedim(1, -1).float()  # in half precision near codes would be confused
        with torch.autocast(z.device.type, enabled=False):
            indices = nearest_codes(vectors.detach(), self.codes.detach().float())
        chosen = embedding(indices, self.codes).float()
        to_codes, to_vectors = mse_loss(chosen, vectors.detach()), mse_loss(vectors, chosen.detach())
        full, weighted = (to_vectors, to_codes) if self.legacy else (to_codes, to_vectors)
        straight = vectors + (chosen - vectors).detach()
        return Quantised(straight.movedim(-1, 1).to(z.dtype), full + self.commitment * weighted, indices)

    def lookup(self, indices: Tensor) -> Tensor:
        """Returns the codes (N, dim, h, w) of indices (N, h, w)."""
        return embedding(indices, self.codes).movedim(-1, 1)


class CodeUsage(nn.Module):
    """State of a training: for each code, how many updates have passed since an image last used it.

    It is the same on all processes, for these add up what they have seen.

    Args:
        codes: their number.
        window: a code is dead that no image of so many updates has used.

    Raises:
        GanzooError: if the window is empty.
    """

    idle: Tensor

    def __init__(self, codes: int, window: int = 100) -> None:
        super().__init__()
        if window < 1:
            raise GanzooError(f"model.window: must be at least 1 update, not {window}.")
        self.window = window
        self.register_buffer("idle", torch.zeros(codes, dtype=torch.long))

    @torch.no_grad()
    def count(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Counts the codes of an update's images.

        Args:
            indices: of codes (N, h, w), this process's.

        Returns:
            The share of codes in use, those that are not dead, and the perplexity of this update's codes: so many would
            have it, if they were equally frequent.
        """
        counts = torch.zeros(len(self.idle), device=indices.device)
        counts.scatter_add_(0, indices.flatten(), counts.new_ones(()).expand(indices.numel()))
        counts = sum_over_processes(counts)
        self.idle.copy_(torch.where(counts > 0, torch.zeros_like(self.idle), self.idle + 1))
        return (self.idle < self.window).float().mean(), perplexity(counts)

    @torch.no_grad()
    def revive(self, codes: Tensor, latents: Tensor) -> Tensor:
        """Puts vectors of the first process's images, chosen at random, in the places of dead codes.

        Args:
            codes: (K, dim), changed.
            latents: (N, dim, h, w), what this update has quantised.

        Returns:
            How many codes were dead.
        """
        vectors = latents.movedim(1, -1).flatten(0, -2)
        chosen = torch.randint(len(vectors), (len(codes),), device=vectors.device)
        fresh = of_first_process(vectors[chosen].to(codes.dtype))
        dead = self.idle >= self.window
        codes.copy_(torch.where(dead[:, None], fresh, codes))  # no branch, so that nothing waits for the device
        self.idle.masked_fill_(dead, 0)
        return dead.sum()


def nearest_codes(vectors: Tensor, codes: Tensor) -> Tensor:
    """Returns the indices (...) of the codes (K, D) that are nearest to vectors (..., D)."""
    flat = vectors.flatten(0, -2)
    distances = flat.square().sum(1, keepdim=True) + codes.square().sum(1) - 2 * flat @ codes.T
    return distances.argmin(1).unflatten(0, vectors.shape[:-1])


def perplexity(counts: Tensor) -> Tensor:
    """Returns exp of the entropy of a distribution by its counts (K,); from 1 to K."""
    shares = counts / counts.sum().clamp_min(1)
    return (-torch.special.xlogy(shares, shares).sum()).exp()
