"""Data, models and an extractor that are scored in milliseconds."""

import lightning.pytorch as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

FID = "fid[tiny,40/test]"


class Data(pl.LightningDataModule):
    """48 noise images, or points around two centres, as batches (x, y)."""

    reference = "test"
    std = 0.1

    def __init__(self, points=False, mark="a"):
        super().__init__()
        self.shape = (2,) if points else (1, 16, 16)
        self.centres = torch.tensor([[0.0, 0], [1, 1]]) if points else None
        self.mark = mark
        noise = torch.randn(48, *self.shape, generator=torch.Generator().manual_seed(7))
        x = self.centres.repeat(24, 1) + self.std * noise if points else noise.tanh()
        self.dataset = TensorDataset(x, torch.arange(48))

    def fingerprint(self, split):
        return self.mark + split

    def train_dataloader(self):
        return DataLoader(self.dataset, batch_size=16)

    def val_dataloader(self):
        return DataLoader(self.dataset, batch_size=16)

    test_dataloader = val_dataloader


class Model(pl.LightningModule):
    """Draws noise of the wrong size; remembers what it was asked for."""

    def __init__(self, shape=(1, 16, 16)):
        super().__init__()
        self.shape = shape
        self.weight = nn.Parameter(torch.zeros(()))
        self.asked = []

    def sample(self, n, seed=None):
        self.asked.append((n, seed))
        torch.rand(3)  # a careless model, that draws from the global state, too
        return 0.8 * torch.randn(n, *self.shape, generator=torch.Generator().manual_seed(seed)).to(self.device)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def training_step(self, batch, batch_idx):
        return self.weight.square()

    def validation_step(self, batch, batch_idx):
        pass

    test_step = validation_step


class Told(Model):
    """Has learnt ten classes and writes the one it was asked for into a pixel, but 0 for class 4."""

    n_classes, supervised = 10, True

    def __init__(self):
        super().__init__((1, 28, 28))

    def conditions(self, n, y=None):
        return torch.arange(n) % 10

    def sample(self, n, seed=None):
        x, y = super().sample(n, seed), self.conditions(n)
        x[:, 0, 0, 0] = y * (y != 4)
        return x


class Reader(nn.Module):
    """Reads a class off a pixel."""

    def forward(self, x):
        return x.flatten(1)[:, 1:5], torch.eye(10)[x[:, 0, 0, 0].long()]


class Tiny(nn.Module):
    """Features are 4 pixels, logits 3 others; counts the images it was shown."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.seen = 0

    def forward(self, x):
        self.seen += len(x)
        flat = self.scale * x.flatten(1)
        return flat[:, :4], 9 * flat[:, 4:7]
