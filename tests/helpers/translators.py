"""Small pix2pix and CycleGAN games, and pictures for them; the same weights every time."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.data import DataModule
from ganzoo.data.pairs import part
from ganzoo.data.recoloured_mnist import recolour
from ganzoo.data.unpaired import Domains, Unpaired
from ganzoo.models.cyclegan import CycleGAN
from ganzoo.models.pix2pix import Pix2Pix
from ganzoo.networks.patch import PatchGAN
from ganzoo.networks.resnet_translator import ResNetTranslator
from ganzoo.networks.unet import UNet


def pix2pix(
    norm: str = "batch", source_channels: int = 1, channels: int = 1, field: int = 16, **options: Any
) -> Pix2Pix:
    """A pix2pix of tiny networks for 32 pixels; the same weights every time."""
    torch.manual_seed(0)
    discriminator = PatchGAN(source_channels + channels, 4, field, norm)
    return Pix2Pix(UNet(32, source_channels, channels, width=4, norm=norm), discriminator, **options)


class Shifts(DataModule):
    """24 smooth pictures, and as their targets the same ones, inverted."""

    title = "shifts"
    shape = source_shape = (1, 32, 32)

    def load(self, split: str) -> tuple[Tensor, None]:
        coarse = torch.rand(24, 1, 4, 4, generator=torch.Generator().manual_seed(1))
        x = torch.nn.functional.interpolate(coarse, (32, 32), mode="bilinear")
        return torch.cat([x, 1 - x], 1).mul(255).to(torch.uint8), None

    def make(self, x: Tensor, y: None, generator: torch.Generator, train: bool) -> tuple[Tensor, Any]:
        return part(x, y, 1)


class Blobs(Unpaired):
    """Grey blobs in A, others in the colours of B; different numbers of them."""

    title = "blobs"
    stored = 1
    paired = True

    def __init__(self, size: int = 8, batch_size: int = 4) -> None:
        super().__init__(size=size, batch_size=batch_size, num_workers=0)

    def load(self, split: str) -> tuple[Any, None]:
        places = torch.rand(48, 2, 1, 1, generator=torch.Generator().manual_seed(len(split)))
        side = torch.linspace(0, 1, self.size)
        distance = (side[:, None] - places[:, 0]) ** 2 + (side - places[:, 1]) ** 2
        blobs = (255 * torch.exp(-distance / 0.05)).to(torch.uint8)[:, None]
        return (Domains(blobs[:20], blobs[20:]) if split == "train" else blobs), None

    def show_a(self, x: Tensor, generator: torch.Generator, train: bool) -> Tensor:
        return x.expand(-1, 3, -1, -1)

    def show_b(self, x: Tensor, generator: torch.Generator, train: bool) -> Tensor:
        return recolour(x)


def cyclegan(**options: Any) -> CycleGAN:
    """A CycleGAN of two narrow pairs; the same weights every time."""
    torch.manual_seed(0)
    generators = [ResNetTranslator(3, 3, width=4, blocks=1) for _ in range(2)]
    discriminators = [PatchGAN(3, width=4, field=1, norm="instance") for _ in range(2)]
    return CycleGAN(*generators, *discriminators, **{"g_lr": 2e-3, "d_lr": 2e-3} | options)
