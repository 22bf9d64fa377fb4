"""EBGAN: the discriminator as an energy, low on the data and pushed up to a margin elsewhere.

Paper: Zhao, Mathieu and LeCun, Energy-based Generative Adversarial Network, 2017.
URL: https://arxiv.org/abs/1609.03126 (equations 1 to 4; with `pt_weight` 0.1 it is EBGAN-PT)
Code: https://github.com/buriburisuri/ebgan (a re-implementation; the authors published none)
Deviations: the norm is divided by the root of the number of a sample's values, so that the margin does not depend on
    it: the paper's 10 for 784 values is 0.36 here. For values in [-1, 1] no margin above 2 can be reached. A normal
    prior, where the re-implementation's is uniform on [0, 1]. An averaged generator is evaluated.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, relu

from ganzoo.games.gan import GAN
from ganzoo.games.move import AdversarialMove
from ganzoo.games.objective import Answers
from ganzoo.games.players import Terms
from ganzoo.games.schedules import Schedule


class EBGAN(GAN):
    """Sections 2.1 to 2.4, with D(x) = ||Dec(Enc(x)) - x||, a root mean square over a sample's values.

    It is not squared: where D redraws the generator's samples well, a square has no slope left to raise their energy
    by, and the game ends with one image.

    Args:
        generator: latent vectors to samples.
        discriminator: an autoencoder: samples to their reconstructions. The pulling-away term asks it to `encode`.
        margin: energy up to which generated samples are pushed; constant or over the run.
        pt_weight: weight of the pulling-away term; 0 leaves it out.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        **kwargs: see `GAN`.
    """

    answers: Answers = "scores"

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        margin: float | Schedule = 0.36,
        pt_weight: float = 0.0,
        g_lr: float = 1e-3,
        d_lr: float = 1e-3,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, g_lr=g_lr, d_lr=d_lr, **kwargs)
        self.margin = margin
        self.pt_weight = pt_weight

    def logits(self, output: Tensor, x: Tensor) -> Tensor:
        """Returns the energy of each sample, shape (N,), from the discriminator's reconstructions."""
        errors = (output.float() - x.float()).square().flatten(1).mean(1)
        return (errors + 1e-8).sqrt()  # the root has no gradient at 0

    def d_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns equation 1: D(x) + max(0, m - D(G(z)))."""
        real = move.judge(x, y, real=True)
        fake = move.judge(*self.fake_pair(x, y), real=False)
        move.note("d/real", real.mean())
        move.note("d/fake", fake.mean())
        return {"adv": real.mean() + relu(self.level(self.margin) - fake).mean()}

    def g_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns equation 2, D(G(z)), and equation 4 on the codes of the generated samples."""
        fake, y = self.fake_pair(x, y)
        terms = {"adv": move.judge(fake, y, real=False).mean()}
        if self.pt_weight:
            terms["pt"] = self.pt_weight * pulling_away(move.critic().call("encode", fake))
        return terms


def pulling_away(codes: Tensor) -> Tensor:
    """Returns the mean squared cosine between different codes: Zhao et al. 2017, equation 4.

    Args:
        codes: one per sample, shape (N, ...).

    Returns:
        A scalar in [0, 1]: 0 for orthogonal codes, 1 for parallel ones; 0 for a single code.
    """
    n = len(codes)
    with torch.autocast(codes.device.type, enabled=False):
        directions = normalize(codes.float().flatten(1))
        cosines = directions @ directions.T
    return (cosines.square().sum() - cosines.diagonal().square().sum()) / max(n * (n - 1), 1)
