"""Inception Score: how sure a classifier is of each sample, and how many classes all samples have."""

from typing import Any

from ganzoo.metrics import bootstrap
from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.distances import inception_score
from ganzoo.metrics.score import Items, Score, Setting

SPLITS = 10  # of the samples, over which it is averaged


class InceptionScore(Score):
    """IS; Salimans et al. 2016, https://arxiv.org/abs/1606.03498. Its deviation over the splits is `is_std`."""

    higher = True
    extractor = True
    reference = False
    after = ("kid",)  # they draw from one stream of random numbers

    def fewest(self, k: int) -> int:
        """Returns the number of samples from which on a split has two: of one image alone it is 1, whatever it is."""
        return SPLITS + 1

    def measure(self, samples: Items, reference: Items, setting: Setting) -> dict[str, Scored]:
        """Returns the mean over the splits, and their deviation."""
        mean, deviation = inception_score(samples.logits, SPLITS)
        return {"is": Scored(mean, bootstrap.of_inception_score(samples.logits)), "is_std": Scored(deviation)}

    def settings(self, samples: int, items: int, datamodule: Any, k: int) -> dict[str, Any]:
        """Returns the number of splits."""
        return {"splits": SPLITS}
