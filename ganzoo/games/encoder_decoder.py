"""Base of autoencoders: a game of an encoder and a decoder.

`EncoderDecoder` plays them as one player against a loss of the variant's own, and samples by decoding codes from a
prior.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from ganzoo.common.errors import GanzooError
from ganzoo.games.ema import Averaging
from ganzoo.games.latent_space import Latents, LatentSpace
from ganzoo.games.move import Move
from ganzoo.games.players import Player, Terms, build_optim
from ganzoo.games.sampler import Sampler


class EncoderDecoder(Sampler):
    """Game of an encoder and a decoder, which maps samples to codes and back.

    Args:
        encoder: maps samples to features of their codes; has `n_features` and its samples' `shape`.
        decoder: maps codes (N, latent_dim) to samples; has a `latent_dim` and its samples' `shape`.
        lr: learning rate of both.
        betas: decay rates of the optimizer's moments, where it has them.
        optimizer: class of the optimizer.
        ema: decay of the averaged networks that are evaluated and exported, or another rule, see `Averaging`; None
            evaluates the live ones.
        **kwargs: see `Game`.

    Attributes:
        features_per_number: how many features the encoder gives for each number of a code.

    Raises:
        GanzooError: if the encoder's codes are not those that the decoder takes.
    """

    tasks: ClassVar[tuple[str, ...]] = ("unconditional", "reconstruction")
    drawn_by = "decoder"
    of_samples = ("encoder", "decoder")
    features_per_number: ClassVar[int] = 1

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        optimizer: type[Optimizer] = Adam,
        ema: float | Averaging | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.dim: int = decoder.latent_dim  # type: ignore[assignment]
        if encoder.n_features != self.features_per_number * self.dim:
            each = self.features_per_number
            raise GanzooError(
                f"model.encoder: {each * self.dim} features are wanted, {each} for each number of the decoder's code, "
                f"not {encoder.n_features}."
            )
        self.optim = {"ae": build_optim(optimizer, lr, betas)}
        for name in ("encoder", "decoder"):
            self.average(name, ema)

    @property
    def input_space(self) -> LatentSpace:
        """Space of codes, which are drawn from the prior."""
        return Latents(((self.dim, self.prior),), self.device, self.generate, "codes")

    @abstractmethod
    def loss(self, x: Tensor, y: Any, move: Move) -> Terms:
        """Returns the terms of the loss that encoder and decoder descend."""

    def players(self) -> Sequence[Player]:
        """Returns encoder and decoder as one player."""
        both = [self.encoder, self.decoder]
        return (Player("ae", both, self.loss, self.optim["ae"], scheduler=self.decay, counted=True),)

    def encode(self, x: Tensor, seed: int | None = None) -> Tensor:
        """Encodes with the averaged encoder, where an average is kept, in evaluation mode and without gradients.

        Args:
            x: any number of samples (N, ...).
            seed: draws the codes, where the encoder gives distributions of them; None gives their means.

        Returns:
            Codes (N, latent_dim), on the model's device.
        """
        return self.evaluated("encoder", lambda encoder, part: encoder(part), x)

    def decode(self, z: Tensor) -> Tensor:
        """Returns the samples (N, ...) of any number of codes (N, latent_dim), from the averaged decoder."""
        return self.render(z)

    def reconstruct(self, x: Tensor) -> Tensor:
        """Returns the reconstructions of samples (N, ...): encoded and decoded."""
        return self.decode(self.encode(x))
