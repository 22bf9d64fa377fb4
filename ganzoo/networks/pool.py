"""Pool of generated images: shows a discriminator some that generators drew earlier.

Shrivastava et al. 2017, arXiv 1612.07828, section 2.3; with the odds of Zhu et al. 2017, arXiv 1703.10593, section 4.
"""

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.common.errors import GanzooError


class ImagePool(nn.Module):
    """Pool that stores images, and returns old ones in the place of half of the new ones.

    Images and their number are buffers that are updated in place: training checkpoints hold them, and a move that asks
    the pool can be captured.

    Args:
        size: how many images it keeps; 0 returns the new ones alone.

    Attributes:
        images: what it holds, (size, ...); those from `filled` on mean nothing.
        filled: how many it holds.
    """

    images: Tensor
    filled: Tensor

    def __init__(self, size: int = 50) -> None:
        super().__init__()
        if size < 0:
            raise GanzooError(f"model.pool: it must hold at least 0 images, not {size}.")
        self.size = size
        self.register_buffer("images", torch.zeros(size, 0))
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))

    def reserve(self, shape: tuple[int, ...]) -> None:
        """Makes room for images of this shape; those of another shape are lost."""
        if self.images.shape[1:] != shape:
            self.images = self.images.new_zeros(self.size, *shape)
            self.filled.zero_()

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Returns the images that a discriminator is to see in the place of these: half of them older ones.

        Until the pool is full it keeps every image and returns it. From then on it returns, with probability 1/2, an
        image drawn from the pool, and keeps the new one in its place. A batch that fills it returns only new ones; no
        two images of a batch are exchanged for the same one.

        Args:
            x: images (N, ...).

        Returns:
            As many images, detached.
        """
        if self.size == 0:
            return x.detach()
        return torch.cat([self._exchange(part) for part in x.detach().split(self.size)])

    def _exchange(self, x: Tensor) -> Tensor:
        """Exchanges at most as many images as the pool holds."""
        self.reserve(x.shape[1:])
        place = self.filled + torch.arange(len(x), device=x.device)
        full = self.filled == self.size
        # distinct ones, or two images could be written to the same place
        chosen = torch.where(full, torch.rand(self.size, device=x.device).argsort()[: len(x)], place % self.size)
        old = full & (torch.rand(len(x), device=x.device) < 0.5)
        each = (-1, *[1] * (x.dim() - 1))
        old_images = self.images[chosen]
        self.images[chosen] = torch.where((old | (place < self.size)).view(each), x.to(old_images), old_images)
        self.filled.add_(len(x)).clamp_(max=self.size)
        return torch.where(old.view(each), old_images.to(x), x)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        saved = state_dict.get(f"{prefix}images")
        if saved is not None and len(saved) == self.size:
            self.reserve(saved.shape[1:])  # a fresh pool does not know yet what it will hold
        super()._load_from_state_dict(state_dict, prefix, *args)
