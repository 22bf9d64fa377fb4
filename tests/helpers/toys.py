"""Toy data and small networks of video, voxels and music, made by formulas, and recipes that train on them."""

from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.common.kinds import MUSIC, VIDEO
from ganzoo.data import DataModule, Solids

SIZES = {"train": (256, 0), "test": (64, 1)}  # items of a split, and what is added to the seed


class Toy(DataModule):
    """Data made by a formula anew; a subclass draws n of its items."""

    source = "generated"
    licence = "CC0-1.0"
    standard = True

    def load(self, split: str) -> tuple[Tensor, None]:
        n, seed = SIZES[split]
        return self.draw(n, torch.Generator().manual_seed(seed)), None


class Discs(Toy):
    """Clips of a coloured disc that flies over a dark ground and bounces off its edges."""

    title = "flying discs"
    kind = VIDEO
    shape = (3, 8, 16, 16)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        place, speed, colour = (torch.rand(n, k, generator=generator) for k in (2, 2, 3))
        times = torch.arange(self.shape[1])
        way = 4 + 8 * place[:, :, None] + (4 * speed[:, :, None] - 2) * times  # (N, 2, T) in pixels
        way = 3 + (9 - ((way - 3) % 18 - 9).abs())  # reflected between 3 and 12
        y, x = (torch.arange(side)[:, None, None] for side in self.shape[2:])
        y, x = y.view(1, 1, -1, 1), x.view(1, 1, 1, -1)
        disc = (y - way[:, 0, :, None, None]) ** 2 + (x - way[:, 1, :, None, None]) ** 2 < 9
        ground = torch.tensor([0.08, 0.08, 0.2])[None, :, None, None, None]
        pixels = torch.where(disc[:, None], 0.4 + 0.6 * colour[:, :, None, None, None], ground)
        return (255 * pixels).round().to(torch.uint8)


class Tunes(Toy):
    """Bars of sixteen notes: scales and broken chords over a bass that is held."""

    title = "scales and broken chords"
    kind = MUSIC
    shape = (1, 16, 24)
    FIGURES = torch.tensor([[0, 2, 4, 5, 7, 5, 4, 2], [0, 4, 7, 12, 7, 4, 0, 4], [12, 11, 9, 7, 5, 4, 2, 0]])

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        key = torch.randint(0, 5, (n, 1), generator=generator)
        figure = self.FIGURES[torch.randint(len(self.FIGURES), (n,), generator=generator)]
        melody = (key + 7 + figure).repeat_interleave(2, 1)  # (N, 16): each lasts for an eighth
        rolls = -torch.ones(n, 1, 16, 24)
        rolls.scatter_(3, melody[:, None, :, None], 1)
        bass = key.repeat(1, 8)[:, None, :, None]
        rolls[:, :, :8].scatter_(3, bass, 1)
        rolls[:, :, 8:].scatter_(3, bass + 5 * (key[:, :, None, None] % 2), 1)
        return rolls


class Spread(nn.Module):
    """Generator of clips and solids by transposed convolutions in three dimensions."""

    def __init__(self, shape: list[int], latent_dim: int = 16, width: int = 16) -> None:
        super().__init__()
        self.shape, self.latent_dim = tuple(shape), latent_dim
        small = [side // 4 for side in shape[1:]]
        self.net = nn.Sequential(
            nn.Linear(latent_dim, 2 * width * prod(small)),
            nn.Unflatten(1, (2 * width, *small)),
            nn.BatchNorm3d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose3d(2 * width, width, 4, 2, 1),
            nn.BatchNorm3d(width),
            nn.ReLU(),
            nn.ConvTranspose3d(width, shape[0], 4, 2, 1),
            nn.Tanh(),
        )

    def forward(self, z: Tensor) -> Tensor:
        return self.net(z)


class Gather(nn.Module):
    """Discriminator of clips and solids by convolutions in three dimensions."""

    def __init__(self, shape: list[int], width: int = 16) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.net = nn.Sequential(
            nn.Conv3d(shape[0], width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv3d(width, 2 * width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(2 * width * prod(side // 4 for side in shape[1:]), 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x).squeeze(1)


TOYS: dict[str, type[DataModule]] = {"video": Discs, "voxels": Solids, "music": Tunes}
PERCEPTRONS = ("ganzoo.networks.mlp.MLPGenerator", "ganzoo.networks.mlp.MLPDiscriminator")
NETWORKS = {"video": ("toys.Spread", "toys.Gather"), "voxels": ("toys.Spread", "toys.Gather"), "music": PERCEPTRONS}
DATA: dict[str, dict[str, Any]] = {"voxels": {"size": 16, "samples": 256}}  # arguments
OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "music": ({"latent_dim": 8, "hidden": [64]}, {"hidden": [64], "dropout": 0.0})
}


def data(kind: str, **options: Any) -> DataModule:
    """The toy of a kind."""
    return TOYS[kind](**DATA.get(kind, {}) | options)


def recipe(kind: str) -> dict[str, Any]:
    """A recipe of a least-squares GAN on a kind's toy, which leaves shapes to the data."""
    nets = [
        {"class_path": path, "init_args": options}
        for path, options in zip(NETWORKS[kind], OPTIONS.get(kind, ({}, {})), strict=True)
    ]
    module = TOYS[kind]
    return {
        "model": {
            "class_path": "ganzoo.models.lsgan.LSGAN",
            "init_args": {"generator": nets[0], "discriminator": nets[1]},
        },
        "data": {
            "class_path": f"{module.__module__}.{module.__name__}",
            "init_args": {"batch_size": 16, **DATA.get(kind, {})},
        },
        "quality": {"samples": 40},
        "grid": {"samples": 4, "walks": 2},
        "trainer": {"max_steps": 4, "val_check_interval": 4, "log_every_n_steps": 1, "accelerator": "cpu"},
    }
