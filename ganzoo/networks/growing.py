"""Base of networks that grow during training: all layers from the start, those of the present level in use."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Growing(nn.Module):
    """Base of networks that grow: their level, and the share of the newest layers, saved with the weights.

    A network that is made anew is fully grown; `grow` takes it to another stage. `forward` uses the layers of `level`
    and, while `fading`, blends what they make with what the level before makes. The share is a tensor, so that a
    recorded move reads it.

    Args:
        sides: sides of its images in pixels, level by level.

    Attributes:
        level: number of the present side, from 0.
        fading: whether the newest layers are being faded in.
        stage: (2,), level and share; a buffer.
    """

    stage: Tensor

    def __init__(self, sides: Sequence[int]) -> None:
        super().__init__()
        self.sides = [*sides]
        self.level, self.fading = len(self.sides) - 1, False
        self.register_buffer("stage", torch.tensor([float(self.level), 1.0]))
        self.register_load_state_dict_post_hook(_go_on)

    def grow(self, level: int, alpha: float) -> None:
        """Uses the layers of a level from now on, the newest with a share of `alpha` in [0, 1]."""
        self.level, self.fading = level, alpha < 1
        self.stage[0].fill_(level)
        self.stage[1].fill_(alpha)

    def blend(self, before: Tensor, new: Tensor) -> Tensor:
        """Returns what the level before makes and what the newest layers make, by the newest ones' share."""
        return torch.lerp(before, new, self.stage[1].to(new.dtype))


def _go_on(network: Growing, keys: Any) -> None:
    """Takes the stage of weights that were loaded."""
    level, alpha = network.stage.tolist()
    network.level, network.fading = int(level), alpha < 1
