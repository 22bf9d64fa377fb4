"""Scores on the pixels of all samples at once: their diversity, and whether they are copies."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ganzoo.metrics import bootstrap
from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.diversity import pairwise_ms_ssim
from ganzoo.metrics.neighbours import memorisation, stored_images, training_distances


class Pixels:
    """Scores on the pixels of all samples at once.

    Args:
        names: Short names of scores, of which `ms_ssim` and `memorisation` are computed here.
        datamodule: Has the training images, and others or the same as `reference`.
        seed: Of the pairs that are compared.
    """

    def __init__(self, names: Sequence[str], datamodule: Any, seed: int) -> None:
        self.names = [name for name in ("ms_ssim", "memorisation") if name in names]
        self.datamodule, self.seed = datamodule, seed
        self._held_out: Tensor | None = None  # the reference's distances to the training images

    def scores(self, images: Sequence[Tensor], gather: Callable[[Tensor], list[Tensor]]) -> dict[str, Scored]:
        """Returns the scores by their short names.

        Args:
            images: This process's samples in batches, as `as_bytes` returns them.
            gather: Returns the parts of all processes.
        """
        results: dict[str, Scored] = {}
        if not self.names:
            return results
        samples = torch.cat([*images])
        if "ms_ssim" in self.names:
            pairs = pairwise_ms_ssim(torch.cat(gather(samples)), self.seed)
            results["ms_ssim"] = bootstrap.mean_of(pairs, "pairs of samples")
        if "memorisation" in self.names:
            near, far = torch.cat(gather(training_distances(samples, self.datamodule))), self._reference(samples.device)
            again = bootstrap.of_memorisation(near.cpu(), far.cpu())
            values = zip(("memorisation", "memorisation_z"), memorisation(near, far), strict=True)
            results |= {name: Scored(value, again[name]) for name, value in values}
        return results

    def _reference(self, device: torch.device) -> Tensor:
        """Returns the distances of real images to the training images; of those, each to the others."""
        if self._held_out is None:
            split = self.datamodule.reference
            images = torch.cat([*stored_images(self.datamodule.split(split)[0])]).to(device)
            self._held_out = training_distances(images, self.datamodule, themselves=split == "train")
        return self._held_out


def as_bytes(images: Tensor) -> Tensor:
    """Returns images in [-1, 1] as uint8, as PNG files would hold them."""
    return ((images + 1) * 127.5).round().clamp(0, 255).byte()
