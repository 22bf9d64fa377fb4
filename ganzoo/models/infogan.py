"""InfoGAN: codes in the latent vector that can be read off the image; it finds classes without labels.

Paper: Chen et al., InfoGAN: Interpretable Representation Learning by Information Maximizing GANs, 2016.
URL: https://arxiv.org/abs/1606.03657 (equations 5 and 6; appendix C.1)
Code: https://github.com/openai/InfoGAN
Deviations: an averaged generator is evaluated. The bound is in both players' losses, as in the authors' code: D's step
    moves the posterior Q and the body that it shares with D, G's step moves G alone. From there, too: uniform noise,
    unit variance for the continuous codes on MNIST, and weight 1 for them (the paper speaks of a smaller one, without a
    number).
"""

from math import log, pi
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from ganzoo.common.errors import GanzooError
from ganzoo.games.gan import GAN
from ganzoo.games.latent import PRIORS, Prior
from ganzoo.games.latent_space import Latents, LatentSpace
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.losses.objectives import NONSATURATING
from ganzoo.networks.conditional import TwoHeaded
from ganzoo.networks.infogan import Posterior


def information(q: Posterior, category: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    """Returns E log Q(c|x) + H(c), bounds in nats, for uniform categories (N,) and codes (N, C)."""
    likelihood = -0.5 * (log(2 * pi) + q.log_variance + (codes - q.mean).square() / q.log_variance.exp())
    return log(q.logits.shape[1]) - cross_entropy(q.logits, category), (log(2) + likelihood).sum(1).mean()


class InfoGAN(GAN):
    """G gets noise, continuous codes and a categorical one, and a head on D's body reads both codes off the image.

    Labels of the data are never used: `sample(n, y)` chooses categories, which the game has found by itself.

    Args:
        generator: an unconditional one; its `latent_dim` is that of noise, codes and categories together.
        discriminator: an unconditional one; the posterior is put on its last hidden layer.
        categories: number of values of the categorical code.
        codes: number of continuous codes, each in [-1, 1].
        category_weight: weight of the categorical code's bound, the paper's lambda.
        code_weight: weight of the continuous codes' bound.
        learn_variance: whether the posterior's variance depends on the image; otherwise it is 1.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator and the posterior.
        prior: distribution of the noise.
        **kwargs: see `GAN`.

    Raises:
        GanzooError: if the generator's `latent_dim` leaves nothing for the noise.
    """

    supervised = False
    objective = NONSATURATING
    discriminator: TwoHeaded

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        categories: int = 10,
        codes: int = 2,
        category_weight: float = 1.0,
        code_weight: float = 1.0,
        learn_variance: bool = False,
        g_lr: float = 1e-3,
        d_lr: float = 2e-4,
        prior: Prior = "uniform",
        **kwargs: Any,
    ) -> None:
        noise: int = generator.latent_dim - categories - codes  # type: ignore[assignment, operator]
        if noise < 1 or categories < 2 or codes < 0:
            rest = f"{generator.latent_dim} is not for noise, {categories} categories and {codes} codes"
            raise GanzooError(f"model.generator: a latent_dim of {rest}.")
        features, outputs = discriminator.n_features, categories + codes * (1 + learn_variance)
        q = [nn.Linear(features, 128, bias=False), nn.BatchNorm1d(128), nn.LeakyReLU(0.1), nn.Linear(128, outputs)]  # type: ignore[arg-type]
        two_headed = TwoHeaded(discriminator, nn.Sequential(*q))
        super().__init__(generator, two_headed, g_lr=g_lr, d_lr=d_lr, prior=prior, **kwargs)
        self.n_classes, self.codes, self.noise = categories, codes, noise
        self.category_weight, self.code_weight, self.learn_variance = category_weight, code_weight, learn_variance

    @property
    def input_space(self) -> LatentSpace:
        """Space of noise and continuous codes (N, noise + codes)."""
        codes = f", and after them {self.codes} codes uniform on [-1, 1]" if self.codes else ""
        text = f"{self.noise} numbers {PRIORS[self.prior]}{codes}"
        parts: list[tuple[int, Prior]] = [(self.noise, self.prior), (self.codes, "uniform")]
        return Latents(parts, self.device, self.generate, text=text)

    def network_inputs(self, z: Tensor, y: Tensor | None) -> tuple[Tensor, ...]:
        """Returns noise, codes and categories (N,) in a vector; draws the categories if `y` is None."""
        y = torch.randint(self.n_classes, (len(z),), device=self.device) if y is None else y
        return (torch.cat([z, one_hot(y, self.n_classes).to(z.dtype)], 1),)

    def fake(self, n: int, y: Tensor | None = None) -> Tensor:
        """Draws n samples of any category: labels of the data play no part."""
        return super().fake(n)

    def posterior(self, outputs: Tensor) -> Posterior:
        """Returns Q(c|x) from the outputs (N, ...) of the discriminator's second head."""
        logits, mean, log_variance = outputs.float().tensor_split([self.n_classes, self.n_classes + self.codes], 1)
        return Posterior(logits, mean, log_variance if self.learn_variance else torch.zeros_like(mean))

    def judge_informed(self, n: int, move: AdversarialMove) -> tuple[Tensor, Terms]:
        """Draws n images; returns the discriminator's logits (n,) on them, and the information terms."""
        z, category = self.latent(n), torch.randint(self.n_classes, (n,), device=self.device)
        logits = move.judge(self.generate(self.generator, z, category), real=False)
        q = self.posterior(move.fake[-1].second)
        of_category, of_codes = information(q, category, z[:, self.noise :])
        move.note("d/acc_category", (q.logits.argmax(1) == category).float().mean())
        return logits, {"category": -self.category_weight * of_category, "codes": -self.code_weight * of_codes}

    def d_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns the logistic loss and the information terms."""
        real, (fake, terms) = move.judge(x, real=True), self.judge_informed(len(x), move)
        return {"adv": self.adversarial_d(real, fake, move), **terms}

    def g_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns the non-saturating loss and the information terms."""
        fake, terms = self.judge_informed(len(x), move)
        return {"adv": self.objective.g(None, fake), **terms}

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Infers the probabilities of the categories (N, n_classes) and the means of the codes (N, codes) of images."""

        def read(discriminator: nn.Module, part: Tensor) -> Tensor:
            q = self.posterior(discriminator(part).second)
            return torch.cat([q.logits.softmax(1), q.mean], 1)

        probabilities, mean = self.evaluated("discriminator", read, x).split([self.n_classes, self.codes], 1)
        return probabilities, mean

    def traverse(self, code: int, values: Tensor, seed: int = 0) -> Tensor:
        """Draws figure 2: a row for each category, a column for each value of one continuous code, all else the same.

        With V values it returns samples (n_classes * V, ...), row by row; trained were values in [-1, 1]. A picture:
        `pictures.grid(model.traverse(0, torch.linspace(-1, 1, 10)), columns=10)`.
        """
        z = self.latent(1, seed).repeat(self.n_classes * len(values), 1)
        z[:, self.noise :] = 0
        z[:, self.noise + code] = values.to(z).repeat(self.n_classes)
        return self.render(z, torch.arange(self.n_classes, device=self.device).repeat_interleave(len(values)))
