"""StackGANs of small networks on captioned digits: bars in place of MNIST's, the same weights every time."""

from pathlib import Path
from typing import Any

import torch
from idx import write_mnist

from ganzoo.data import CaptionedMNIST
from ganzoo.models.stackgan import StackGAN
from ganzoo.networks.stackgan import StackGANDiscriminator, StackGANGenerator, StackGANRefiner
from ganzoo.networks.text import GRUEncoder

TEXT = {"condition_dim": 12}


def captioned(root: Path, size: int = 16, **options: Any) -> CaptionedMNIST:
    """64 canvases of bars with captions."""
    if not (root / "MNIST").exists():
        write_mnist(root, 40, 40)
    return CaptionedMNIST(str(root), size, **{"samples": 64, "batch_size": 8} | options)


def reader() -> GRUEncoder:
    """A small text encoder of the captions' words."""
    condition = CaptionedMNIST.condition
    return GRUEncoder(condition.length, [*condition.vocabulary], 1, text_dim=12, word_dim=6, hidden=10)


def first_stage(encoder: Any = None, **options: Any) -> StackGAN:
    """Stage I at 16 pixels."""
    torch.manual_seed(0)
    generator = StackGANGenerator(16, 1, ca_dim=5, latent_dim=6, width=4, **TEXT)
    judge = StackGANDiscriminator(16, 1, text_dim=4, width=4, **TEXT)
    return StackGAN(generator, judge, encoder or reader(), **{"encoder_steps": 3} | options)


def second_stage(init: str | None = None, unconditional: bool = False, **options: Any) -> StackGAN:
    """Stage II at 32 pixels."""
    torch.manual_seed(1)
    generator = StackGANRefiner(32, 16, 1, ca_dim=4, width=4, blocks=1, **TEXT)
    judge = StackGANDiscriminator(32, 1, text_dim=4, width=4, unconditional=unconditional, **TEXT)
    low = StackGANGenerator(16, 1, ca_dim=5, latent_dim=6, width=4, **TEXT)
    return StackGAN(generator, judge, reader(), low, init, **{"encoder_steps": 3} | options)
