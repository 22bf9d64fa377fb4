"""AAE: an adversarial autoencoder, whose codes follow a prior of any shape.

Paper: Makhzani et al., Adversarial Autoencoders, 2016.
URL: https://arxiv.org/abs/1511.05644 (section 2 and figure 1)
Code: none of the authors'
Deviations: Adam, with learning rates of ours, instead of gradient descent with momentum, and a standard normal prior
    where none is named: the paper's likelihood runs take a standard deviation of 5. The encoder is deterministic, as in
    most of the paper's experiments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from ganzoo.common.data_spec import UNKNOWN_DATA, DataSpec
from ganzoo.common.errors import GanzooError
from ganzoo.games.encoder_decoder import EncoderDecoder
from ganzoo.games.latent_space import Codes, LatentSpace
from ganzoo.games.move import Move
from ganzoo.games.objective import accuracy
from ganzoo.games.players import Player, Terms, build_optim
from ganzoo.games.priors import CodePrior, Gaussian
from ganzoo.losses.objectives import logistic_d, nonsaturating_g


class AAE(EncoderDecoder):
    """Two phases on every batch: reconstruction, then regularisation of the codes by a discriminator.

    Args:
        encoder: samples to codes.
        decoder: codes to samples.
        discriminator: codes (N, latent_dim) to logits (N,), high for draws from the prior.
        prior: what codes are to be distributed like; a standard normal distribution by default.
        lr: learning rate of the reconstruction phase.
        g_lr: learning rate of the encoder as the discriminator's opponent.
        d_lr: learning rate of the discriminator.
        adversarial_betas: decay rates of the moments of the two optimizers of the regularisation phase.
        optimizer: class of all optimizers.
        **kwargs: see `EncoderDecoder`.

    Raises:
        GanzooError: if discriminator or prior are made for codes of another length.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        discriminator: nn.Module,
        prior: CodePrior | None = None,
        lr: float = 1e-3,
        g_lr: float = 5e-4,
        d_lr: float = 1e-3,
        adversarial_betas: tuple[float, float] = (0.5, 0.999),
        optimizer: type[Optimizer] = Adam,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, lr=lr, optimizer=optimizer, **kwargs)
        self.discriminator = discriminator
        self.code_prior = prior or Gaussian()
        for name, own in (
            ("discriminator", getattr(discriminator, "shape", (self.dim,))),
            ("prior", (self.code_prior.dim or self.dim,)),
        ):
            if own != (self.dim,):
                raise GanzooError(f"model.{name}: it is made for codes of shape {own}, not {(self.dim,)}.")
        self.optim |= {
            name: build_optim(optimizer, rate, adversarial_betas) for name, rate in (("d", d_lr), ("g", g_lr))
        }

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the discriminator's data: codes, not samples."""
        return {"discriminator": UNKNOWN_DATA}

    def players(self) -> Sequence[Player]:
        """Returns encoder and decoder, the discriminator, and the encoder once more, which all move on every batch."""
        (both,) = super().players()
        return (
            replace(both, counted=False),  # the last one counts, so that averages follow whole batches
            Player("d", [self.discriminator], self.d_loss, self.optim["d"], scheduler=self.decay),
            Player("g", [self.encoder], self.g_loss, self.optim["g"], scheduler=self.decay, counted=True),
        )

    def loss(self, x: Tensor, y: Any, move: Move) -> Terms:
        """Returns the reconstruction phase's squared error, summed over a sample's values."""
        return {"rec": (self.decoder(self.encoder(x)).float() - x.float()).square().flatten(1).sum(1).mean()}

    def d_loss(self, x: Tensor, y: Any, move: Move) -> Terms:
        """Returns the regularisation phase's loss of telling draws from the prior from codes."""
        real, fake = self.discriminator(self.latent(len(x))), self.discriminator(self.encoder(x))
        loss = logistic_d(real, fake)
        for name, value in accuracy(real, fake, loss).items():
            move.note(f"d/{name}", value)
        return {"adv": loss}

    def g_loss(self, x: Tensor, y: Any, move: Move) -> Terms:
        """Returns the regularisation phase's loss of codes that do not pass for draws from the prior."""
        return {"adv": nonsaturating_g(self.discriminator(self.encoder(x)))}

    @property
    def input_space(self) -> LatentSpace:
        """Space of codes from the prior."""
        return Codes(self.code_prior, self.dim, self.device, self.generate)
