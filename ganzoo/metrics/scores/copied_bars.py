"""Excess of the share of bars of music that occur in the training set over the reference's own share, from 0 to 1."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.kinds import MUSIC
from ganzoo.metrics.bootstrap import Scored, of_sums
from ganzoo.metrics.neighbours import stored_images
from ganzoo.metrics.rolls import bar_codes, bar_steps
from ganzoo.metrics.score import Items, Score, ScoreContext, Setting


class CopiedBars(Score):
    """Share of the bars that sound which are a bar of the training set, note by note, less that of the reference's.

    Real tunes share bars, a held note above all: 0 is no more of them than a held-out tune has.
    """

    higher = False
    kinds = (MUSIC,)

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns that there is nothing but training data, if so."""
        held_out = getattr(context.datamodule, "reference", "train") != "train"
        return None if held_out else "scores refer to the training set itself; hold some of it out."

    def keep(self, x: Tensor, first: int, datamodule: Any) -> Tensor:
        """Returns the bars as numbers (N, bars)."""
        return bar_codes(x, bar_steps(x.shape[2], datamodule))

    def prepare(self, reference: Items, setting: Setting) -> Tensor:
        """Returns the training set's bars as numbers, each once."""
        data = setting.datamodule
        blocks = (self.keep(block.float() - 127.5, 0, data) for block in stored_images(data.split("train")[0]))
        return torch.cat([*blocks]).unique()

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the excess; 0 if there is none."""
        real, fake = (copies(items.kept, reference.prepared) for items in (reference, samples))
        return of_sums(real, fake, excess, least=0, most=1)


def copies(bars: Tensor, known: Tensor) -> Tensor:
    """Returns how many bars (N, bars) are among the known ones, and how many sound: (N, 2)."""
    sounds = bars != 0
    return torch.stack([(torch.isin(bars, known.to(bars.device)) & sounds).sum(1), sounds.sum(1)], 1)


def excess(real: Tensor, fake: Tensor) -> Tensor:
    """Returns by how much the ratio of sums (R, 2) of samples exceeds that of reals (R,)."""
    first, second = (x[:, 0] / x[:, 1].clamp_min(1) for x in (real, fake))
    return (second - first).clamp_min(0)
