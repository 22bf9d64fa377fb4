"""Small games of super-resolution, and pairs for them; the same weights every time."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ganzoo.data import DataModule
from ganzoo.data.low_resolution import shrink
from ganzoo.models.srgan import SRGAN
from ganzoo.models.srresnet import SRResNet
from ganzoo.networks.srresnet import SRGANDiscriminator, SRResNetGenerator


class Ramps(DataModule):
    """24 smooth grey pictures of 32 pixels, and small copies of them."""

    title = "ramps"
    shape, source_shape = (1, 32, 32), (1, 8, 8)

    def load(self, split: str) -> tuple[Tensor, None]:
        coarse = torch.rand(24, 1, 3, 3, generator=torch.Generator().manual_seed(1))
        return interpolate(coarse, (32, 32), mode="bicubic").mul(255).clamp(0, 255).byte(), None

    def make(self, x: Tensor, y: None, generator: torch.Generator, train: bool) -> tuple[Tensor, Tensor]:
        return shrink(x, 4), x


def generator(channels: int = 1, width: int = 4, blocks: int = 2, **options: Any) -> SRResNetGenerator:
    torch.manual_seed(0)
    return SRResNetGenerator(channels, width, blocks, **options)


def srgan(content: str = "cifar10", **options: Any) -> SRGAN:
    torch.manual_seed(0)
    discriminator = None if options.get("adv_weight") == 0 else SRGANDiscriminator(None, 1, 4, 8)
    return SRGAN(generator(), discriminator, content=content, **options)


def ramps() -> Ramps:
    return Ramps(batch_size=8)


def srresnet(**options: Any) -> SRResNet:
    return SRResNet(generator(), **options)


EVERY = {"srresnet": srresnet, "srgan": srgan}
