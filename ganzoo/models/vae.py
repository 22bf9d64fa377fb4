"""VAE: a variational autoencoder: codes are distributions near a normal one, from whose draws images are redrawn.

Paper: Kingma and Welling, Auto-Encoding Variational Bayes, 2014.
URL: https://arxiv.org/abs/1312.6114 (equation 10 and appendices B and C)
Code: none of the authors'
Deviations: the Gaussian likelihood has one fixed standard deviation, not one from the decoder. Bernoulli's takes grey
    pixels for probabilities, as is customary. Adam instead of Adagrad.
"""

from collections.abc import Callable
from math import log, pi
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ganzoo.common.errors import GanzooError
from ganzoo.games.encoder_decoder import EncoderDecoder
from ganzoo.games.latent import draw_latent
from ganzoo.games.move import Move
from ganzoo.games.players import Terms
from ganzoo.games.schedules import Schedule


class GaussianPosterior(NamedTuple):
    """q(z|x): a diagonal Gaussian distribution for each sample, in float32."""

    mean: Tensor  # (N, latent_dim)
    log_variance: Tensor  # (N, latent_dim)

    def draw(self, noise: Tensor) -> Tensor:
        """Returns z = mu + sigma * noise, differentiable in both: section 2.4, the reparameterisation."""
        return self.mean + (0.5 * self.log_variance).exp() * noise

    def kl(self) -> Tensor:
        """Returns KL(q(z|x) || N(0, I)) = -1/2 sum(1 + log sigma^2 - mu^2 - sigma^2) in nats (N,): appendix B."""
        return -0.5 * (1 + self.log_variance - self.mean.square() - self.log_variance.exp()).sum(1)


class Likelihood(NamedTuple):
    """Distribution of samples whose parameters are a decoder's outputs (N, ...)."""

    nll: Callable[[Tensor, Tensor, float], Tensor]  # (outputs, samples, std) -> -log p(x|z) in nats, (N,)
    mean: Callable[[Tensor], Tensor]  # outputs -> E x
    squash: bool  # whether the decoder may end in tanh


def bernoulli_nll(logits: Tensor, x: Tensor, std: float) -> Tensor:
    """Returns the cross-entropy (N,) of pixels, taken from [-1, 1] to [0, 1]: appendix C.1."""
    costs = binary_cross_entropy_with_logits(logits.float(), (x.float() + 1) / 2, reduction="none")
    return costs.flatten(1).sum(1)


def gaussian_nll(mean: Tensor, x: Tensor, std: float) -> Tensor:
    """Returns the Gaussian -log p(x|z) (N,), with one standard deviation for all: appendix C.2."""
    return (0.5 * ((x.float() - mean.float()) / std).square() + log(std) + 0.5 * log(2 * pi)).flatten(1).sum(1)


LIKELIHOODS = {
    "bernoulli": Likelihood(bernoulli_nll, lambda logits: torch.tanh(logits / 2), squash=False),
    "gaussian": Likelihood(gaussian_nll, lambda mean: mean, squash=True),
}


class VAE(EncoderDecoder):
    """Equation 10 with one draw per sample: descends -ELBO = E -log p(x|z) + beta KL(q(z|x) || N(0, I)).

    `encode` gives the posterior's mean, and `sample` and `decode` the mean image of a code.

    Args:
        encoder: samples to the means of their codes and the logarithms of the variances, one after the other.
        decoder: codes to logits of pixels (`squash: false`) for `bernoulli`, to means for `gaussian`.
        likelihood: of pixels, given a code.
        std: standard deviation of the Gaussian likelihood, on the scale of [-1, 1].
        beta: weight of the KL term, constant or over the run; 1 is the paper's.
        **kwargs: see `EncoderDecoder`.

    Raises:
        GanzooError: if `std` is not positive, or the decoder squashes what are to be logits.
    """

    features_per_number = 2

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        likelihood: Literal["bernoulli", "gaussian"] = "bernoulli",
        std: float = 1.0,
        beta: float | Schedule = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, **kwargs)
        self.likelihood, self.std, self.beta = LIKELIHOODS[likelihood], std, beta
        if std <= 0:
            raise GanzooError(f"model.std: it must be positive, not {std}.")
        if getattr(decoder, "squash", False) and not self.likelihood.squash:
            raise GanzooError(f"model.decoder: likelihood {likelihood} takes logits; set squash: false.")

    def posterior(self, encoder: nn.Module, x: Tensor) -> GaussianPosterior:
        """Returns q(z|x) of samples (N, ...), read off the encoder's features."""
        return GaussianPosterior(*encoder(x).float().chunk(2, 1))

    def finish(self, generator: nn.Module, output: Tensor) -> Tensor:
        """Returns the likelihood's mean images."""
        return self.likelihood.mean(output)

    def loss(self, x: Tensor, y: Any, move: Move) -> Terms:
        """Returns the negative bound, in nats per sample, in two terms."""
        q = self.posterior(self.encoder, x)
        nll = self.likelihood.nll(self.decoder(q.draw(torch.randn_like(q.mean))), x, self.std).mean()
        kl = q.kl().mean()
        move.note("ae/elbo", -nll - kl)
        return {"nll": nll, "kl": self.level(self.beta) * kl}

    def encode(self, x: Tensor, seed: int | None = None) -> Tensor:
        """Returns the means of q(z|x), or with a seed a draw from each; see `EncoderDecoder.encode`."""
        q = self.inferred(x)
        return q.mean if seed is None else q.draw(draw_latent(len(x), self.dim, "normal", self.device, seed))

    def inferred(self, x: Tensor) -> GaussianPosterior:
        """Returns q(z|x) of any number of samples, as `encode` does."""
        both = self.evaluated("encoder", lambda encoder, part: torch.cat(self.posterior(encoder, part), 1), x)
        return GaussianPosterior(*both.chunk(2, 1))

    def elbo(self, x: Tensor, seed: int = 0) -> Tensor:
        """Returns the bound on log p(x) of any number of samples, in nats (N,), from one draw each and without beta."""
        outputs = self.evaluated("decoder", lambda decoder, z: decoder(z), self.encode(x, seed))
        return -self.likelihood.nll(outputs, x.to(self.device), self.std) - self.inferred(x).kl()
