"""Base of adversarial games whose generator is an autoencoder, which redraws samples rather than drawing new ones.

`Reconstructor` plays a discriminator against reconstructions, and reconstructs with the averaged autoencoder.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganzoo.common.errors import GanzooError
from ganzoo.common.eval_mode import evaluating
from ganzoo.common.kinds import kind_by_shape
from ganzoo.games.adversarial import Adversarial

RECONSTRUCT_BATCH = 64


class Reconstructor(Adversarial):
    """Game of an autoencoder against a discriminator, which tells samples from their reconstructions.

    Args:
        generator: maps samples (N, ...) to reconstructions of the same shape; may have its samples' `shape`.
        discriminator: gives logits, without a sigmoid. None leaves it out of the game.
        **kwargs: see `Adversarial`.
    """

    tasks: ClassVar[tuple[str, ...]] = ("reconstruction",)

    def __init__(self, generator: nn.Module, discriminator: nn.Module | None = None, **kwargs: Any) -> None:
        super().__init__(generator, discriminator, **kwargs)

    def setup(self, stage: str) -> None:
        """Prepares the networks, and checks that they fit the data."""
        super().setup(stage)
        data = getattr(self.trainer, "datamodule", None)
        if data is not None:
            self.fits(data)

    def fits(self, datamodule: Any) -> None:
        """Raises GanzooError if the data are pairs, to be translated, or of another shape than the networks'."""
        if getattr(datamodule, "source_shape", None) is not None:
            data, kind = type(datamodule).__name__, type(self).__name__
            raise GanzooError(f"data: {data} has pairs of images, to be translated, and {kind} reconstructs samples.")
        super().fits(datamodule)

    def check(self, shape: tuple[int, ...]) -> None:
        """Raises GanzooError if a network takes samples of another shape, or stabilisers do not fit the game."""
        for name in ("generator", *self.discriminators):
            own = getattr(getattr(self, name), "shape", shape)
            if own != shape:
                raise GanzooError(f"model.{name}: it is made for samples of shape {own}, but the data gives {shape}.")
        self.check_opponents(self.data_kind or kind_by_shape(shape))

    def fake_pair(self, x: Tensor, y: Any) -> tuple[Tensor, Any]:
        """Returns the reconstructions of the batch."""
        return self.generator(x), None

    def real_pair(self, x: Tensor, y: Any) -> tuple[Tensor, Any]:
        """Returns the batch, without labels."""
        return x, None

    def render(self, x: Tensor) -> Tensor:
        """Maps a batch of samples to reconstructions with the averaged autoencoder; called in evaluation mode."""
        return self.averaged("generator")(x)

    def reconstruct(self, x: Tensor) -> Tensor:
        """Returns the reconstructions of any number of samples (N, ...), in [-1, 1] and on the model's device."""
        return self.applied(self.render, x).clamp(-1, 1)

    @torch.no_grad()
    def applied(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """Applies a function to any number of samples in parts, in evaluation mode and on the model's device."""
        with evaluating(self.averaged("generator")):
            parts = [function(part.to(self.device)) for part in x.split(RECONSTRUCT_BATCH)]
        return torch.cat(parts).contiguous()  # not channels last, as the weights are

    def predict_step(self, batch: tuple[Tensor, Any], batch_idx: int) -> Tensor:
        """Reconstructs the batch."""
        return self.reconstruct(batch[0])
