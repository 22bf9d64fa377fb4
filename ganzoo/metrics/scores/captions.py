"""Share of samples that show what their caption says, of captions to train on and of unseen ones, from 0 to 1."""

from typing import Any

from torch import Tensor

from ganzoo.metrics.bootstrap import Scored, mean_of
from ganzoo.metrics.captions import read_canvases
from ganzoo.metrics.score import Items, Score, ScoreContext, Setting


class CaptionsRight(Score):
    """Share of samples whose digits and places a classifier reads as the caption says.

    `captions_unseen` is that of captions whose combination of digits and places is in none to train on,
    `captions_right` that of the others.
    """

    higher = True
    gives = ("captions_right", "captions_unseen")
    reference = False
    conditions = True

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns that nothing is known of what captions mean, if so."""
        known = hasattr(context.datamodule, "meaning")
        return None if known else "it reads captions of digits in their places, as data.CaptionedMNIST has them."

    def keep(self, x: Tensor, first: int, datamodule: Any) -> Tensor:
        """Returns what is read of each image of a batch (N, 3)."""
        return read_canvases(x)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> dict[str, Scored]:
        """Returns the shares; not a number of captions of which there are none."""
        meaning = setting.datamodule.meaning(samples.conditions).to(samples.kept.device)
        right = (samples.kept == meaning).all(1).double()
        unseen = setting.datamodule.unseen(meaning)
        return {
            name: mean_of(right[chosen], "samples") for name, chosen in zip(self.gives, (~unseen, unseen), strict=True)
        }
