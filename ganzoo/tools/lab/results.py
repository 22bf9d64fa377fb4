"""Scores of one run of the laboratory."""

from dataclasses import dataclass

import torch
from torch import Tensor

STD = 0.05  # of a mode; its neighbours on the ring are 0.77 away, on the grid 0.5


@dataclass(frozen=True)
class LabResult:
    """Result of one run: scores, samples, and the settings that it was trained with."""

    method: str
    kind: str
    seed: int
    steps: int
    seconds: float
    scores: dict[str, float]
    points: list[list[float]]
    settings: str = ""


def points_tensor(result: LabResult) -> Tensor:
    """Returns a run's points (N, 2)."""
    return torch.tensor(result.points)
