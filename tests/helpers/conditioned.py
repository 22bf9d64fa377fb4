"""Points drawn under vectors, words, pictures, and several of them at once; networks that take such conditions."""

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.common.conditions import Classes, Images, Sequences, Several, Vectors
from ganzoo.data import DataModule
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator

WORDS = ("left", "right", "far")


class Directed(DataModule):
    """256 points about the tips of vectors on the unit circle, which are their conditions."""

    title = "directed points"
    licence = "CC0-1.0"
    shape, std = (2,), 0.05
    condition: Any = Vectors(2)

    def load(self, split: str) -> tuple[Tensor, Any]:
        generator = torch.Generator().manual_seed(len(split))
        angle = 2 * torch.pi * torch.rand(256, generator=generator)
        tips = torch.stack([angle.cos(), angle.sin()], 1)
        return tips + 0.05 * torch.randn(256, 2, generator=generator), self.conditions(tips)

    def conditions(self, tips: Tensor) -> Any:
        return tips


class Worded(Directed):
    """The same points, half of them near the middle, under words: `left`, `far right` ..."""

    condition = Sequences(2, WORDS)

    def load(self, split: str) -> tuple[Tensor, Any]:
        points, _ = super().load(split)
        far = torch.arange(len(points)) % 2 == 1
        points = torch.where(far[:, None], points, 0.2 * points)
        side = 1 + (points[:, 0] > 0).long()
        first = torch.where(far, 3, side)
        return points, torch.stack([first, torch.where(far, side, 0)], 1)


class Mixed(Directed):
    """The same points under a class, a vector and a small grey picture, all at once."""

    condition = Several((Classes(2), Vectors(2), Images((1, 2, 2))))

    def conditions(self, tips: Tensor) -> tuple[Tensor, ...]:
        side = (tips[:, 0] > 0).to(torch.uint8)
        return side, tips, (255 * side)[:, None, None, None].expand(-1, 1, 2, 2).contiguous()


class Embedding(nn.Module):
    """A condition of any kind as a vector."""

    def __init__(self, condition: Any, dim: int) -> None:
        super().__init__()
        self.condition, self.dim = condition, dim
        if isinstance(condition, Several):
            self.parts = nn.ModuleList(Embedding(part, dim) for part in condition.parts)
        elif isinstance(condition, Classes):
            self.table = nn.Embedding(condition.n, dim)
        elif isinstance(condition, Sequences):
            self.table = nn.Embedding(len(condition.vocabulary) + 1, dim)
        else:
            size = condition.dim if isinstance(condition, Vectors) else int(torch.tensor(condition.shape).prod())
            self.linear = nn.Linear(size, dim)

    def forward(self, y: Any) -> Tensor:
        if isinstance(self.condition, Several):
            return torch.stack([part(each) for part, each in zip(self.parts, y, strict=True)]).sum(0)
        if isinstance(self.condition, Sequences):
            return self.table(y).sum(1)
        return self.table(y) if isinstance(self.condition, Classes) else self.linear(y.flatten(1))


class Drawer(nn.Module):
    """A generator of points under a condition."""

    shape = (2,)

    def __init__(self, condition: Any, dim: int = 8) -> None:
        super().__init__()
        self.condition, self.latent_dim = condition, 2
        self.embed, self.network = Embedding(condition, dim), MLPGenerator([2], 2 + dim, (32,), squash=False)

    def forward(self, z: Tensor, y: Any) -> Tensor:
        return self.network(torch.cat([z, self.embed(y)], 1))


class Judge(nn.Module):
    """A discriminator of points under a condition, by an inner product."""

    shape = (2,)

    def __init__(self, condition: Any) -> None:
        super().__init__()
        self.condition = condition
        self.network = MLPDiscriminator([2], (32,), dropout=0.0)
        self.embed = Embedding(condition, 32)

    def forward(self, x: Tensor, y: Any) -> Tensor:
        features = self.network.features(x)
        return self.network.head(features) + (features * self.embed(y)).sum(1)


class WordDrawer(Drawer):
    """A generator of points under words, whose arguments follow the data."""

    def __init__(self, condition_length: int = 1, vocabulary: list[str] = []) -> None:  # noqa: B006
        super().__init__(Sequences(condition_length, tuple(vocabulary)))


class WordJudge(Judge):
    """A discriminator of points under words, whose arguments follow the data."""

    def __init__(self, condition_length: int = 1, vocabulary: list[str] = []) -> None:  # noqa: B006
        super().__init__(Sequences(condition_length, tuple(vocabulary)))
