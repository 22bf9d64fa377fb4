"""BEGAN: an autoencoder as the discriminator, and proportional control of the balance between the players.

Paper: Berthelot, Schumm and Metz, BEGAN: Boundary Equilibrium Generative Adversarial Networks, 2017.
URL: https://arxiv.org/abs/1703.10717 (section 3.4)
Code: https://github.com/carpedm20/BEGAN-tensorflow (a re-implementation; the authors published none)
Deviations: the players move in turn, and k is moved by the losses of the discriminator's move, whose fakes are others
    than the generator's. The learning rate follows a recipe's schedule instead of being halved when M stalls. Adam's
    beta1 is 0.5, that of most GANs, and not its usual 0.9, to which the re-implementation leaves it. A normal prior
    unless a recipe asks for the paper's uniform one. An averaged generator is evaluated.
"""

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.common.distributed import sum_over_processes
from ganzoo.games.gan import GAN
from ganzoo.games.move import AdversarialMove
from ganzoo.games.objective import Answers
from ganzoo.games.players import Terms


class BEGAN(GAN):
    """Section 3.4, with L(v) = |v - D(v)|, a mean over a sample's values.

    Args:
        generator: latent vectors to samples.
        discriminator: an autoencoder: samples to their reconstructions.
        gamma: the diversity ratio that is held, E L(G(z)) / E L(x), in (0, 1]: lower ones draw sharper and more alike.
        lambda_k: how fast k follows.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        **kwargs: see `GAN`.

    Attributes:
        k: weight of the generated samples in the discriminator's loss, in [0, 1].
    """

    k: Tensor
    answers: Answers = "scores"

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        gamma: float = 0.5,
        lambda_k: float = 1e-3,
        g_lr: float = 1e-4,
        d_lr: float = 1e-4,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, g_lr=g_lr, d_lr=d_lr, **kwargs)
        self.gamma = gamma
        self.lambda_k = lambda_k
        self.register_buffer("k", torch.zeros(()))

    def finish(self, generator: nn.Module, output: Tensor) -> Tensor:
        """Cuts images for use to [-1, 1]: the paper's networks end linearly."""
        return output if generator.training or output.dim() < 4 else output.clamp(-1, 1)

    def logits(self, output: Tensor, x: Tensor) -> Tensor:
        """Returns L(x) of each sample, shape (N,), from the discriminator's reconstructions."""
        return (output.float() - x.float()).abs().flatten(1).mean(1)

    def d_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns L(x) - k L(G(z))."""
        real = move.judge(x, y, real=True).mean()
        fake = move.judge(*self.fake_pair(x, y), real=False).mean()
        balance = self.gamma * real - fake
        move.keep("balance", balance)
        move.note("d/convergence", real + balance.detach().abs())
        move.note("d/k", self.k)
        return {"adv": real - self.k * fake}

    @torch.no_grad()
    def after_d(self, move: AdversarialMove) -> None:
        """Moves k by lambda_k (gamma L(x) - L(G(z))), a mean over the batch and all processes, within [0, 1]."""
        super().after_d(move)
        balance = move.mean("balance")
        balance, processes = sum_over_processes(torch.stack([balance, torch.ones_like(balance)]))
        self.k.add_(self.lambda_k * balance / processes).clamp_(0, 1)

    def g_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns L(G(z))."""
        return {"adv": move.judge(*self.fake_pair(x, y), real=False).mean()}
