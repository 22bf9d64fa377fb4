"""The hand-written loops that ganzoo is measured against: plain PyTorch, one function per move.

`Resident` is what a careful engineer would write: images in one tensor, channels last, bfloat16 where it is native,
fused Adam, no graph through G in D's move, no gradients for D in G's. `Tutorial` is what tutorials write: torchvision
and PIL in a DataLoader, float32, NCHW, `detach()`, a loss printed every step.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus
from torch.nn.utils.parametrizations import spectral_norm
from torch.optim import Adam

from ganzoo.networks.resample import DownConv2d, UpConv2d

Net = Callable[[Tensor], Tensor]
LEVERS = ("channels_last", "bfloat16", "bfloat16 penalty", "no graph through G", "frozen opponent", "fused Adam")


@dataclass(frozen=True)
class Game:
    """The losses of one game: what D and G descend, given networks and one batch each."""

    d: Callable[[Net, Tensor, Tensor], Tensor]
    g: Callable[[Tensor], Tensor]


def gradient_penalty(critic: Net, real: Tensor, fake: Tensor, mixed: bool = True) -> Tensor:
    """WGAN-GP's penalty; `mixed` leaves it in the autocast of its surroundings."""
    epsilon = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = torch.lerp(fake.detach().float(), real, epsilon).requires_grad_()
    device = real.device.type
    with torch.autocast(device, torch.bfloat16, enabled=mixed and torch.is_autocast_enabled(device)):
        (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (gradient.float().flatten(1).norm(dim=1) - 1).square().mean()


def wasserstein(real: Tensor, fake: Tensor) -> Tensor:
    """What WGAN's critic descends. Real samples are judged first, as in ganzoo: sums of gradients round alike then."""
    return fake.mean() - real.mean()


GAMES = {
    "gan": Game(lambda d, x, f: softplus(-d(x)).mean() + softplus(d(f)).mean(), lambda s: softplus(-s).mean()),
    "wgan_gp": Game(lambda d, x, f: wasserstein(d(x), d(f)) + 10 * gradient_penalty(d, x, f), lambda s: -s.mean()),
    "wgan_gp, float32 penalty": Game(
        lambda d, x, f: wasserstein(d(x), d(f)) + 10 * gradient_penalty(d, x, f, mixed=False), lambda s: -s.mean()
    ),
    "hinge": Game(lambda d, x, f: relu(1 - d(x)).mean() + relu(1 + d(f)).mean(), lambda s: -s.mean()),
}


@dataclass(frozen=True)
class Task:
    """One comparison: a recipe with overrides, and what a loop must know to do the same."""

    recipe: str
    game: str
    lr: tuple[float, float]  # generator, discriminator
    betas: tuple[float, float]
    n_critic: int = 1
    updates: int = 20  # generator updates in one measured segment
    overrides: list[str] = field(default_factory=list)


class Resident:
    """The careful loop. Its weights follow ganzoo's to the last bit but rounding.

    Args:
        task: what to do.
        model: where the networks, in their initial state, are taken from.
        images: the training set, uint8 (N, C, H, W).
        precision: `bf16-mixed` or `32-true`.
        seed: called with the number of each batch before it is used.
        order: the order of the images in the first epoch; drawn if None.
        without: what to leave out of `LEVERS`, to see what it gives.
    """

    def __init__(
        self,
        task: Task,
        model: Any,
        images: Tensor,
        precision: str,
        seed: Callable[[int], None] = lambda batch: None,
        order: Tensor | None = None,
        without: str = "",
    ) -> None:
        self.without = without
        game = "wgan_gp, float32 penalty" if without == "bfloat16 penalty" else task.game
        self.task, self.game, self.seed, self.order = task, GAMES[game], seed, order
        self.images, self.latent_dim = images, model.generator.latent_dim
        layout = torch.contiguous_format if without == "channels_last" else torch.channels_last
        self.generator = deepcopy(model.generator).to(memory_format=layout)
        self.discriminator = deepcopy(model.discriminator).to(memory_format=layout)
        self.average = deepcopy(self.generator).eval().requires_grad_(False)
        g_lr, d_lr = task.lr
        fused = without != "fused Adam"
        self.optim_g = Adam(self.generator.parameters(), g_lr, task.betas, fused=fused)
        self.optim_d = Adam(self.discriminator.parameters(), d_lr, task.betas, fused=fused)
        self.mixed = precision == "bf16-mixed" and without != "bfloat16"
        self.updates = 0

    def batches(self, size: int = 64) -> Iterator[Tensor]:
        """Yields normalised batches for ever, in a new order each epoch."""
        while True:
            order = torch.randperm(len(self.images), device=self.images.device) if self.order is None else self.order
            for index in order.split(size)[: len(self.images) // size]:
                yield self.images[index].float().div_(127.5).sub_(1)

    def steps(self) -> Iterator[None]:
        """Yields after every generator update."""
        for number, x in enumerate(self.batches(), 1):
            self.seed(number)
            self.optim_d.zero_grad()
            with self.autocast():
                with torch.set_grad_enabled(self.without == "no graph through G"):
                    fake = self.generator(torch.randn(len(x), self.latent_dim, device=x.device))
                loss = self.game.d(self.discriminator, x, fake.detach())
            loss.backward()
            self.optim_d.step()
            if number % self.task.n_critic:
                continue
            self.discriminator.requires_grad_(self.without == "frozen opponent")
            self.optim_g.zero_grad()
            with self.autocast():
                z = torch.randn(len(x), self.latent_dim, device=x.device)
                loss = self.game.g(self.discriminator(self.generator(z)))
            loss.backward()
            self.optim_g.step()
            self.discriminator.requires_grad_(True)
            self.follow()
            yield

    def autocast(self) -> torch.autocast:
        """Computes in bfloat16 what it is good for."""
        return torch.autocast(self.images.device.type, torch.bfloat16, enabled=self.mixed)

    @torch.no_grad()
    def follow(self) -> None:
        """Moves the averaged generator."""
        self.updates += 1
        weight = 1 - min(0.999, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.generator.parameters()), weight)
        for ours, theirs in zip(self.average.buffers(), self.generator.buffers(), strict=True):
            ours.copy_(theirs)


class Tutorial:
    """The tutorial's loop.

    Args:
        task: what to do.
        model: where the networks are taken from.
        data: a torchvision dataset with PIL transforms.
    """

    def __init__(self, task: Task, model: Any, data: Any) -> None:
        self.task, self.game, self.data = task, GAMES[task.game], data
        self.generator, self.discriminator = plain(deepcopy(model.generator)), plain(deepcopy(model.discriminator))
        g_lr, d_lr = task.lr
        self.optim_g = Adam(self.generator.parameters(), g_lr, task.betas)
        self.optim_d = Adam(self.discriminator.parameters(), d_lr, task.betas)

    def steps(self) -> Iterator[None]:
        """Yields after every generator update."""
        loader = torch.utils.data.DataLoader(self.data, 64, shuffle=True, num_workers=2, drop_last=True)
        latent_dim, number = self.generator.latent_dim, 0
        while True:
            for x, _ in loader:
                number += 1
                self.optim_d.zero_grad()
                fake = self.generator(torch.randn(len(x), latent_dim))
                d_loss = self.game.d(self.discriminator, x, fake.detach())
                d_loss.backward()
                self.optim_d.step()
                if number % self.task.n_critic:
                    continue
                self.optim_g.zero_grad()
                g_loss = self.game.g(self.discriminator(self.generator(torch.randn(len(x), latent_dim))))
                g_loss.backward()
                self.optim_g.step()
                _ = f"{d_loss.item():.4f} {g_loss.item():.4f}"  # not printed: a terminal's speed is not the point
                yield


def plain(network: nn.Module) -> nn.Module:
    """Puts what tutorials write in the place of our convolutions that double or halve the side on their way."""
    for name, child in network.named_children():
        if isinstance(child, UpConv2d | DownConv2d):
            conv = nn.Conv2d(child.in_channels, child.out_channels, 3, padding=1, bias=child.bias is not None)
            half = [nn.Upsample(scale_factor=2), conv] if isinstance(child, UpConv2d) else [conv, nn.AvgPool2d(2)]
            setattr(network, name, nn.Sequential(*half))
            if "parametrizations" in dict(child.named_children()):
                spectral_norm(conv)
        else:
            plain(child)
    return network


def difference(ours: nn.Module, theirs: nn.Module) -> float:
    """Returns the largest difference between two modules' parameters, relative to the largest parameter."""
    pairs = [
        (a.detach().cpu().float(), b.detach().cpu().float())
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True)
    ]
    return max(((a - b).abs().max() / b.abs().max().clamp_min(1e-12)).item() for a, b in pairs)
