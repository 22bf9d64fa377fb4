"""Tiny games on real data modules that train in a fraction of a second, and a trainer that stays quiet."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from ganzoo.data import DataModule, Digits, Toy2D
from ganzoo.gan import GAN
from ganzoo.models.gan import VanillaGAN
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


def fit(folder: Path, model: GAN, data: DataModule, steps: int, *callbacks: pl.Callback, **options: Any) -> pl.Trainer:
    """Trains for so many generator updates."""
    run = trainer(folder, *callbacks, max_steps=steps, **options)
    run.fit(model, data)
    return run
