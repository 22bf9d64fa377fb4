"""Tiny games on real data modules that train in a fraction of a second, and a trainer that stays quiet."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from ganzoo.data import DataModule, Digits, Toy2D
from ganzoo.games.game import Game
from ganzoo.games.gan import GAN
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.games.translator import Translator
from ganzoo.losses.objectives import least_squares
from ganzoo.models.began import BEGAN
from ganzoo.models.cgan import CGAN
from ganzoo.models.gan import VanillaGAN
from ganzoo.networks.autoencoder import Autoencoder, ConvDecoder, ConvEncoder
from ganzoo.networks.conditional import LabelledDiscriminator, LabelledGenerator
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator


def points(**options: Any) -> Toy2D:
    """256 points in the plane, in 8 batches."""
    return Toy2D(**{"samples": 256, "batch_size": 32} | options)


def digits(**options: Any) -> Digits:
    """The 8-pixel digits, in 10 batches."""
    return Digits(**{"batch_size": 150, "num_workers": 0} | options)


def mlp(kind: type[GAN] = VanillaGAN, **options: Any) -> GAN:
    """A game of small perceptrons on points; the same weights every time."""
    torch.manual_seed(0)
    generator = MLPGenerator([2], latent_dim=4, hidden=(16,), squash=False)
    return kind(generator, MLPDiscriminator([2], hidden=(16,), dropout=0.0), **options)


def conv(kind: type[GAN] = VanillaGAN, dropout: float = 0.0, **options: Any) -> GAN:
    """A game of small convolutional networks on 8-pixel digits, with BatchNorm in the generator alone."""
    torch.manual_seed(0)
    generator = DCGANGenerator(8, 1, width=8, latent_dim=6)
    return kind(generator, DCGANDiscriminator(8, 1, width=8, dropout=dropout), **options)


def began(**options: Any) -> BEGAN:
    """A BEGAN on 8-pixel digits; the same weights every time."""
    torch.manual_seed(0)
    discriminator = Autoencoder(ConvEncoder(8, 1, 8, 6), ConvDecoder(8, 1, 8, 6))
    return BEGAN(ConvDecoder(8, 1, 8, 6), discriminator, **options)


class Negatives(Digits):
    """The digits at 16 pixels, and their negatives as targets, labelled; 30 batches."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"batch_size": 50, "num_workers": 0} | options)
        self.shape = self.source_shape = (1, 16, 16)

    def make(self, x: Tensor, y: Tensor | None, generator: torch.Generator, train: bool) -> tuple[Tensor, Any]:
        x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        return x, (-x, y)


class Recolour(Translator):
    """A least-squares game on top of the distance to the target."""

    objective = least_squares()

    def g_loss(self, x: Tensor, y: Tensor, move: AdversarialMove) -> Terms:
        fake = self.generator(x)
        terms = {"l1": 10 * l1_loss(fake, y)}
        if self.discriminator is None:
            return terms
        return {"adv": self.objective.g(None, move.judge(fake, real=False)), **terms}


class Tint(nn.Sequential):
    """Images to images of any size whose sides are even, channel by channel."""

    source_shape = shape = (1, None, None)
    multiple = 2

    def __init__(self, width: int = 4, dropout: float = 0.0) -> None:
        layers = [nn.Conv2d(1, width, 2, 2), nn.BatchNorm2d(width), nn.ReLU(), nn.Dropout(dropout)]
        super().__init__(*layers, nn.ConvTranspose2d(width, 1, 2, 2), nn.Tanh())


def recolour(kind: type[Translator] = Recolour, dropout: float = 0.0, **options: Any) -> Translator:
    """A small translator; the same weights every time."""
    torch.manual_seed(0)
    judge = nn.Sequential(nn.Conv2d(1, 4, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 4, 2, 1))
    return kind(Tint(dropout=dropout), **{"discriminator": judge} | options)


def conditional() -> CGAN:
    """A game of small convolutional networks on 8-pixel images of three classes, with 6 latent numbers."""
    torch.manual_seed(0)
    generator = LabelledGenerator(DCGANGenerator(8, 1, width=8, latent_dim=9), n_classes=3, label_dim=3)
    return CGAN(generator, LabelledDiscriminator(DCGANDiscriminator(8, 4, width=8), n_classes=3))


class Labelled(DataModule):
    """64 points, each labelled by its place."""

    title = "labelled"
    shape = (2,)

    def load(self, split: str) -> tuple[Tensor, Tensor]:
        return torch.randn(64, 2, generator=torch.Generator().manual_seed(1)), torch.arange(64)


class Told(VanillaGAN):
    """Takes its noise from the labels, so that nothing in it is random."""

    def fake(self, n: int, y: Tensor | None = None) -> Tensor:
        return self.generator(torch.sin(y[:, None] * torch.arange(1.0, 5.0)))


class Each(pl.Callback):
    """Does something after every batch."""

    def __init__(self, do: Callable[[pl.Trainer, Any], None]) -> None:
        self.do = do

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        self.do(trainer, pl_module)


def trainer(folder: Path, *callbacks: pl.Callback, **options: Any) -> pl.Trainer:
    """A trainer on the CPU that logs, validates and shows nothing unless asked to."""
    quiet = {
        "accelerator": "cpu",
        "devices": 1,
        "max_epochs": -1,
        "logger": False,
        "enable_checkpointing": bool([c for c in callbacks if isinstance(c, pl.callbacks.Checkpoint)]),
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "limit_val_batches": 0,
    }
    return pl.Trainer(**quiet | {"default_root_dir": folder, "callbacks": list(callbacks)} | options)


def fit(folder: Path, model: Game, data: DataModule, steps: int, *callbacks: pl.Callback, **options: Any) -> pl.Trainer:
    """Trains for so many generator updates."""
    run = trainer(folder, *callbacks, max_steps=steps, **options)
    run.fit(model, data)
    return run
