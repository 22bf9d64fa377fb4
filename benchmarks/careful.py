"""The hand-written steps that `steps.py` measures ganzoo's against: plain PyTorch, one class per game.

Each has the networks of a recipe in their initial state, its losses, its optimizers and its average of the generator,
and does what a careful engineer would: fused Adam, no graph through G in D's move, no gradients for D in G's, real
images not judged twice, one pass over all parameters for an average. Random numbers are drawn in ganzoo's order, so
that weights can be compared.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus
from torch.optim import Adam

from ganzoo.games.augment import diff_augment
from ganzoo.games.schedules import value

Labels = Tensor | None


class Careful:
    """Base of the hand-written games: data, optimizers, average, and the order of moves.

    Args:
        model: where networks in their initial state and constants are taken from.
        images: the training set, uint8 (N, C, H, W).
        labels: classes (N,), or None of a game without them.
        batch: images in a step.
        flip: mirror half of the images.
    """

    def __init__(self, model: Any, images: Tensor, labels: Labels, batch: int, flip: bool) -> None:
        self.images, self.labels, self.batch, self.flip = images, labels, batch, flip
        self.g, self.d = deepcopy(model.generator), deepcopy(model.discriminator)
        self.average = deepcopy(self.g).eval().requires_grad_(False)
        self.latent_dim = self.g.latent_dim
        self.number = self.updates = self.seen = 0
        self.policy, self.by = model.augment, model.averages["generator"].by
        self.build(model)

    def build(self, model: Any) -> None:
        """Makes optimizers, and notes constants of the model."""
        raise NotImplementedError

    def step(self, x: Tensor, y: tuple[Tensor, ...]) -> None:
        """Takes all steps of one batch of images and, of a game with labels, their classes."""
        raise NotImplementedError

    def batches(self) -> Iterator[tuple[Tensor, tuple[Tensor, ...]]]:
        """Yields normalised batches for ever, in a new order each epoch."""
        while True:
            for index in torch.randperm(len(self.images)).split(self.batch)[: len(self.images) // self.batch]:
                x = self.images[index]
                if self.flip:
                    x = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(-1), x)
                y = () if self.labels is None else (self.labels[index],)
                yield x.float().div_(127.5).sub_(1), y

    def latent(self, n: int) -> Tensor:
        """Draws latent vectors."""
        return torch.randn(n, self.latent_dim)

    def judge(self, x: Tensor, y: tuple[Tensor, ...] = ()) -> Tensor:
        """Returns the logits of images as D sees them."""
        return self.d(diff_augment(x, self.policy), *y)

    def descend(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        """Takes one step down a loss."""
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def frozen(self, loss: Callable[[], Tensor]) -> Tensor:
        """Computes a loss of the generator without gradients for the discriminator."""
        self.d.requires_grad_(False)
        try:
            return loss()
        finally:
            self.d.requires_grad_(True)

    def kept(self, batch: int) -> float:
        """Returns the share that the average keeps of itself: by a half-life or a decay; none before a start."""
        if self.by.half_life is not None:
            half_life, ramp_up = value(self.by.half_life, 0.0), self.by.ramp_up
            half_life = half_life if ramp_up is None else min(half_life, self.seen * ramp_up)
            return 0.5 ** (batch / max(half_life, 1e-8))
        if self.by.start:
            return 0.0 if self.updates < self.by.start else self.by.decay
        return min(self.by.decay, (1 + self.updates) / (10 + self.updates))

    @torch.no_grad()
    def follow(self, batch: int) -> None:
        """Moves the average after an update that took so many real images; buffers are copied or averaged, too."""
        self.updates += 1
        kept, buffers = self.kept(batch), self.by.buffers
        self.seen += batch
        pairs = [*zip(self.average.buffers(), self.g.buffers(), strict=True)]
        averaged = [pair for pair in pairs if buffers and pair[0].is_floating_point()]
        ours = [*self.average.parameters(), *(pair[0] for pair in averaged)]
        theirs = [*self.g.parameters(), *(pair[1] for pair in averaged)]
        torch._foreach_lerp_(ours, theirs, 1 - kept)
        for our, their in pairs:
            if not (buffers and our.is_floating_point()):
                our.copy_(their)


class Hinge(Careful):
    """SAGAN, BigGAN, Projected GAN: the hinge game, perhaps with labels, several discriminator steps, DiffAugment."""

    def build(self, model: Any) -> None:
        """Makes two fused Adams at the model's rates."""
        self.optim_g = Adam(self.g.parameters(), model.rates[0], model.rates[2], fused=True)
        self.optim_d = Adam(self.d.parameters(), model.rates[1], model.rates[2], fused=True)
        self.n_critic = model.n_critic

    def step(self, x: Tensor, y: tuple[Tensor, ...]) -> None:
        """Moves D, and on every `n_critic`-th batch G."""
        self.number += 1
        real = self.judge(x, y)
        with torch.no_grad():
            fake = self.g(self.latent(len(x)), *y)
        self.descend(self.optim_d, relu(1 - real).mean() + relu(1 + self.judge(fake, y)).mean())
        if self.number % self.n_critic:
            return
        self.descend(self.optim_g, self.frozen(lambda: -self.judge(self.g(self.latent(len(x)), *y), y).mean()))
        self.follow(len(x) * self.n_critic)


class Penalised(Careful):
    """ProGAN: the Wasserstein game with a gradient penalty and a small one on the scores of real images."""

    def build(self, model: Any) -> None:
        """Makes two fused Adams at the model's rates."""
        self.optim_g = Adam(self.g.parameters(), model.rates[0], model.rates[2], fused=True)
        self.optim_d = Adam(self.d.parameters(), model.rates[1], model.rates[2], fused=True)
        self.gp_weight, self.drift = model.gp_weight, model.drift

    def step(self, x: Tensor, y: tuple[Tensor, ...]) -> None:
        """Moves D and G."""
        real = self.judge(x)
        with torch.no_grad():
            fake = self.g(self.latent(len(x)))
        loss = self.judge(fake).mean() - real.mean() + self.drift * real.square().mean()
        between = torch.lerp(fake, x, torch.rand(len(x), 1, 1, 1)).requires_grad_()
        (slope,) = torch.autograd.grad(self.judge(between).sum(), between, create_graph=True)
        self.descend(self.optim_d, loss + self.gp_weight * (slope.flatten(1).norm(dim=1) - 1).square().mean())
        self.descend(self.optim_g, self.frozen(lambda: -self.judge(self.g(self.latent(len(x)))).mean()))
        self.follow(len(x))


class Styled(Careful):
    """StyleGAN: the logistic game with mixed styles, and R1 in every step."""

    def build(self, model: Any) -> None:
        """Makes two fused Adams at the model's rates."""
        self.gamma, self.mixing = model.stabilisers[0].gamma, model.mixing
        self.optim_g = Adam(self.g.parameters(), model.rates[0], model.rates[2], fused=True)
        self.optim_d = Adam(self.d.parameters(), model.rates[1], model.rates[2], fused=True)

    def mixed(self, styles: Tensor, others: Tensor) -> Tensor:
        """Takes the styles from a random layer on from others, or from none."""
        layers = styles.shape[1]
        first = int(torch.randint(1, layers, ()))
        first = first if float(torch.rand(())) < self.mixing else layers
        return torch.cat([styles[:, :first], others[:, None].expand(-1, layers - first, -1)], 1)

    def fake(self, n: int) -> Tensor:
        """Draws images with mixed styles."""
        z = self.latent(n)
        others = self.g.mapping(self.latent(n))
        return self.g.synthesis(self.mixed(self.g.styles(z), others))

    def r1(self, x: Tensor) -> Tensor:
        """Returns half the mean squared slope of D."""
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(self.judge(x).sum(), x, create_graph=True)
        return slope.square().sum((1, 2, 3)).mean() / 2

    def step(self, x: Tensor, y: tuple[Tensor, ...]) -> None:
        """Moves D and G."""
        self.d_step(x, self.gamma)
        self.g_step(x)

    def d_step(self, x: Tensor, gamma: float) -> None:
        """Moves D, with a weight of R1, of which 0 leaves it out."""
        real = self.judge(x)
        with torch.no_grad():
            fake = self.fake(len(x))
        loss = softplus(-real).mean() + softplus(self.judge(fake)).mean()
        self.descend(self.optim_d, loss + gamma * self.r1(x) if gamma else loss)

    def g_step(self, x: Tensor) -> None:
        """Moves G and its average."""
        self.descend(self.optim_g, self.frozen(lambda: softplus(-self.judge(self.fake(len(x)))).mean()))
        self.follow(len(x))


class LazilyStyled(Styled):
    """StyleGAN2: StyleGAN's game with R1 on every 16th batch and path lengths on every fourth."""

    def build(self, model: Any) -> None:
        """Makes two fused Adams, corrected for the lazy penalties."""
        (r1, pl), (g_lr, d_lr, betas) = model.stabilisers, model.rates
        self.r1_every, self.r1_weight = r1.every, r1.gamma * r1.every
        self.pl_every, self.pl_weight, self.lengths = pl.every, pl.weight * pl.every, torch.zeros(())
        self.mixing = model.mixing
        self.optim_g = lazy_adam(self.g, g_lr, betas, pl.every)
        self.optim_d = lazy_adam(self.d, d_lr, betas, r1.every)

    def step(self, x: Tensor, y: tuple[Tensor, ...]) -> None:
        """Moves D, D by R1, G by path lengths, and G."""
        self.number += 1
        self.d_step(x, 0.0)
        if self.number % self.r1_every == 0:
            self.descend(self.optim_d, self.r1_weight * self.r1(x))
        if self.number % self.pl_every == 0:
            self.descend(self.optim_g, self.path_penalty(len(x) // 2))
        self.g_step(x)

    def path_penalty(self, n: int) -> Tensor:
        """Returns the penalty on path lengths, and moves their mean."""
        styles = self.g.styles(self.latent(n))
        styles = self.mixed(styles, self.g.mapping(self.latent(n)))
        images = self.g.synthesis(styles)
        noise = torch.randn_like(images) / (images.shape[2] * images.shape[3]) ** 0.5
        (slope,) = torch.autograd.grad((images * noise).sum(), styles, create_graph=True)
        lengths = slope.square().sum(2).mean(1).sqrt()
        mean = self.lengths.lerp(lengths.mean(), 0.01)
        self.lengths = mean.detach()
        return self.pl_weight * (lengths - mean).square().mean()


def lazy_adam(network: torch.nn.Module, lr: float, betas: tuple[float, float], every: int) -> Adam:
    """Returns Adam with the settings of StyleGAN2 for k + 1 steps in the time of k."""
    c = every / (every + 1)
    return Adam(network.parameters(), lr * c, (betas[0] ** c, betas[1] ** c), fused=True)


class Paired(Careful):
    """R3GAN: the paired relativistic game with R1 and R2 in every step."""

    def build(self, model: Any) -> None:
        """Makes two fused Adams at the schedules' first values, which a short run stays at."""
        g_lr, d_lr, _ = model.rates
        betas = (0.0, model.beta2(0.0))
        self.optim_g = Adam(self.g.parameters(), g_lr, betas, fused=True)
        self.optim_d = Adam(self.d.parameters(), d_lr, betas, fused=True)
        self.gamma = model.gamma(0.0)

    def penalty(self, x: Tensor, y: tuple[Tensor, ...]) -> Tensor:
        """Returns half the mean squared slope of D."""
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(self.d(x, *y).sum(), x, create_graph=True)
        return slope.square().sum((1, 2, 3)).mean() / 2

    def step(self, x: Tensor, y: tuple[Tensor, ...]) -> None:
        """Moves D and G."""
        real = self.d(x, *y)
        with torch.no_grad():
            fake = self.g(self.latent(len(x)), *y)
        adversarial = softplus(self.d(fake, *y) - real).mean()
        self.descend(self.optim_d, adversarial + self.gamma * (self.penalty(x, y) + self.penalty(fake, y)))

        def loss() -> Tensor:
            real = self.d(x, *y)
            return softplus(real - self.d(self.g(self.latent(len(x)), *y), *y)).mean()

        self.descend(self.optim_g, self.frozen(loss))
        self.follow(len(x))
