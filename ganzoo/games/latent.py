"""Latent vectors drawn from a prior."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from ganzoo.common.seeding import mix

Prior = Literal["normal", "uniform", "truncated"]
PRIORS: dict[Prior, str] = {
    "normal": "standard normal",
    "uniform": "uniform on [-1, 1]",
    "truncated": "standard normal within [-2, 2]",
}
# One row a prior.
FILLS: dict[Prior, Callable[[Tensor, torch.Generator | None], Tensor]] = {
    "normal": lambda z, source: z.normal_(generator=source),
    "uniform": lambda z, source: z.uniform_(-1, 1, generator=source),
    "truncated": lambda z, source: nn.init.trunc_normal_(z, a=-2.0, b=2.0, generator=source),
}
BLOCK = 64


def draw_latent(n: int, dim: int, prior: Prior, device: torch.device, seed: int | None = None) -> Tensor:
    """Draws latent vectors: standard normal, the same within [-2, 2], or uniform on [-1, 1].

    Args:
        n: how many.
        dim: length of each.
        prior: their distribution.
        device: where they are wanted.
        seed: None draws from the global random stream. With a seed they are drawn on the CPU in blocks that have
            seeds of their own, so that the i-th vector depends on the seed and on i, not on n or the device.

    Returns:
        A tensor (n, dim).
    """
    if seed is None:
        return _fill(torch.empty(n, dim, device=device), prior, None)
    z = torch.empty(-(-n // BLOCK) * BLOCK, dim)
    for index, block in enumerate(z.split(BLOCK)):
        _fill(block, prior, torch.Generator().manual_seed(mix(seed, index)))
    return z[:n].to(device)


def _fill(z: Tensor, prior: Prior, source: torch.Generator | None) -> Tensor:
    return FILLS[prior](z, source)
