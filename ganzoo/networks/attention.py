"""Self-attention over the places of a map: Zhang et al. 2018, arXiv 1805.08318, as their code has it.

Keys and values are max-pooled, values have half the channels, and nothing is divided by a root: the code
(https://github.com/brain-research/self-attention-gan) and BigGAN agree on that, and differ from the paper's text.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from ganzoo.common.errors import GanzooError


class SelfAttention2d(nn.Module):
    """Non-local block: x + gamma * o, each place of o a mean of the values at all places; gamma begins at 0.

    Args:
        channels: channels of the map, at least 8.
        normalise: what is done to each of the four 1x1 convolutions, such as spectral normalisation.

    Raises:
        GanzooError: if there are fewer channels.
    """

    def __init__(self, channels: int, normalise: Callable[[nn.Module], nn.Module] = lambda layer: layer) -> None:
        super().__init__()
        if channels < 8:
            raise GanzooError(f"width: attention needs maps of at least 8 channels, not {channels}.")
        self.query = normalise(nn.Conv2d(channels, channels // 8, 1, bias=False))
        self.key = normalise(nn.Conv2d(channels, channels // 8, 1, bias=False))
        self.value = normalise(nn.Conv2d(channels, channels // 2, 1, bias=False))
        self.out = normalise(nn.Conv2d(channels // 2, channels, 1, bias=False))
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, channels, H, W) to the same shape; H and W are even."""
        query = self.query(x).flatten(2).transpose(1, 2)  # (N, HW, C / 8)
        key = max_pool2d(self.key(x), 2).flatten(2).transpose(1, 2)  # (N, HW / 4, C / 8)
        value = max_pool2d(self.value(x), 2).flatten(2).transpose(1, 2)
        # not PyTorch's fused attention, which ONNX has in four dimensions alone
        mixed = (query @ key.transpose(1, 2)).softmax(2) @ value
        return x + self.gamma * self.out(mixed.transpose(1, 2).unflatten(2, x.shape[2:]))
