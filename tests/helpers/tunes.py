"""Chorales and tunes to write into a folder, and a small MidiNet on 24 pitches."""

import json
from pathlib import Path
from typing import Any

import torch

from ganzoo.models.midinet import MidiNet
from ganzoo.networks.midinet import MidiNetDiscriminator, MidiNetGenerator

TRIAD = (0, 4, 7)


def phrase(key: int, bars: int) -> list[list[int]]:
    """A chorale in a major key: a quarter for each note of a scale, over the triads of the first, fourth and fifth."""
    steps = []
    for bar in range(bars):
        root = key + (0, 5, 7, 0)[bar % 4]
        for beat in range(4):
            soprano = root + 12 + (*TRIAD, 4)[beat]
            steps += [[soprano, root + 7, root + 4, root - 12]] * 4
    return steps


def write_chorales(root: Path, train: int = 6, test: int = 3, bars: int = 8) -> Path:
    """Writes chorales in several keys, the second of each split with an upbeat."""
    splits = {"train": range(train), "test": range(train, train + test), "valid": [0]}
    pieces = {
        name: [[[72, 67, 64, 48]] * (4 * (key % 3 == 1)) + phrase(53 + key, bars) for key in keys]
        for name, keys in splits.items()
    }
    path = root / "jsb-chorales-16th.json"
    path.write_text(json.dumps(pieces))
    return path


def midinet(**options: Any) -> MidiNet:
    """A MidiNet of narrow networks on bars of 16 steps and 24 pitches; the same weights every time."""
    torch.manual_seed(0)
    generator = MidiNetGenerator([1, 16, 24], latent_dim=6, hidden=16, width=8, previous_width=4)
    return MidiNet(generator, MidiNetDiscriminator([1, 16, 24], width=6, hidden=16), **options)


def bars_under(n: int, pitches: int = 24) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
    """Random bars, one note at a time, under random chords and bars before; the same every time."""
    random = torch.Generator().manual_seed(1)
    pitch = torch.randint(pitches, (2, n, 1, 16), generator=random)
    x, before = 2.0 * torch.nn.functional.one_hot(pitch, pitches) - 1
    chords = torch.nn.functional.one_hot(torch.randint(13, (n,), generator=random), 13).float()
    return x, (chords, before)
