"""Scores of one run of a comparison, and of real data."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Result:
    """One trained model and its scores.

    Args:
        name: recipe or checkpoint.
        title: the variant's short title.
        seed: of the training; None for a published checkpoint.
        steps: generator updates, where known; likewise below.
        images: real images seen, by the discriminator or the encoder.
        seconds: wall time of the training.
        hardware: what it was trained on.
        scores: by their full keys, such as `fid[mnist,10k/test]`.
        conditions: everything else that the scores depend on.
        file: the weights that were scored.
        setting: what tells it from other models of its recipe.
    """

    name: str
    title: str
    seed: int | None
    steps: int | None
    images: int | None
    seconds: float | None
    hardware: str | None
    scores: dict[str, float]
    conditions: dict[str, Any]
    file: Path
    setting: dict[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where the weights lie, without the folders that differ from machine to machine."""
        return "/".join(self.file.parts[-3:])


@dataclass(frozen=True)
class Real:
    """What scores real data gets itself, which bounds what a generator can reach; by their full keys."""

    data: str
    split: str
    items: int
    scores: dict[str, float]
