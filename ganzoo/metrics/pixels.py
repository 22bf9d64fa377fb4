"""Scores on the pixels of all samples at once: their diversity, and whether they are copies."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ganzoo.metrics import bootstrap
from ganzoo.metrics.diversity import pairwise_ms_ssim
from ganzoo.metrics.neighbours import memorisation, stored_images, training_distances


class Pixels:
    """Store of samples as bytes, as in PNG files, that scores them.

    Args:
        names: Short names of scores, of which `ms_ssim` and `memorisation` are computed here.
        datamodule: Has the training images, and others or the same as `reference`.
        seed: Of the pairs that are compared.
    """

    def __init__(self, names: Sequence[str], datamodule: Any, seed: int) -> None:
        self.names = [name for name in ("ms_ssim", "memorisation") if name in names]
        self.datamodule, self.seed = datamodule, seed
        self._images: list[Tensor] = []
        self._held_out: Tensor | None = None  # the reference's distances to the training images

    def add(self, images: Tensor) -> None:
        """Adds this process's images (N, C, H, W) in [-1, 1]."""
        if self.names:
            self._images.append(((images + 1) * 127.5).round().clamp(0, 255).byte())

    def scores(self, gather: Callable[[Tensor], list[Tensor]]) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Returns the scores by their short names and how to compute them again; forgets the images.

        Args:
            gather: Returns the parts of all processes.
        """
        results: dict[str, Tensor] = {}
        again: dict[str, bootstrap.Replicates] = {}
        if not self.names:
            return results, again
        images = torch.cat(self._images)
        self._images = []
        if "ms_ssim" in self.names:
            pairs = pairwise_ms_ssim(torch.cat(gather(images)), self.seed)
            results["ms_ssim"] = pairs.double().mean()
            again["ms_ssim"] = bootstrap.of_mean(pairs, "pairs of samples")
        if "memorisation" in self.names:
            near, far = torch.cat(gather(training_distances(images, self.datamodule))), self._reference(images.device)
            results["memorisation"], results["memorisation_z"] = memorisation(near, far)
            again |= bootstrap.of_memorisation(near.cpu(), far.cpu())
        return results, again

    def _reference(self, device: torch.device) -> Tensor:
        """Returns the distances of real images to the training images; of those, each to the others."""
        if self._held_out is None:
            split = self.datamodule.reference
            images = torch.cat([*stored_images(self.datamodule.split(split)[0])]).to(device)
            self._held_out = training_distances(images, self.datamodule, themselves=split == "train")
        return self._held_out
