"""Share of samples nearer to a training image than 95% of held-out images are; with a test's statistic, `_z`."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.metrics import bootstrap
from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.neighbours import QUANTILE, memorisation, stored_images, training_distances
from ganzoo.metrics.pixels import keep_bytes
from ganzoo.metrics.score import Items, Score, Setting


class Memorisation(Score):
    """See `ganzoo.metrics.neighbours.memorisation`."""

    higher = False
    keep = staticmethod(keep_bytes)
    keeps_reference = False  # which is read as it is stored

    def prepare(self, reference: Items, setting: Setting) -> Tensor:
        """Returns the distances of the reference's images to the training images; of those, each to the others."""
        split = setting.datamodule.reference
        images = torch.cat([*stored_images(setting.datamodule.split(split)[0])]).to(setting.device)
        return training_distances(images, setting.datamodule, themselves=split == "train")

    def measure(self, samples: Items, reference: Items, setting: Setting) -> dict[str, Scored]:
        """Returns the share and the statistic."""
        near, far = training_distances(samples.kept, setting.datamodule), reference.prepared
        again = bootstrap.of_memorisation(near.cpu(), far.cpu())
        values = zip(("memorisation", "memorisation_z"), memorisation(near, far), strict=True)
        return {name: Scored(value, again[name]) for name, value in values}

    def settings(self, samples: int, items: int, datamodule: Any, k: int) -> dict[str, Any]:
        """Returns what is compared with what."""
        return {
            "training_images": len(datamodule.split("train")[0]),
            "mirrored": datamodule.flip,
            "quantile": QUANTILE,
            "compared_with": "each training image's distance to the others"
            if datamodule.reference == "train"
            else "the reference's distances to the training images",
        }

    def remark(self, value: float, conditions: dict[str, Any]) -> str | None:
        """Returns what it is without copies."""
        return f"a model that copies nothing has a memorisation of about {QUANTILE:g}, and z near 0."
