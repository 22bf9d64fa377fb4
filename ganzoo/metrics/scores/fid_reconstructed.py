"""FID of training images that a model has encoded and decoded, which samples of its decoder can hardly better."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.games.capabilities import Reconstructs
from ganzoo.metrics import bootstrap
from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.distances import Reference
from ganzoo.metrics.score import Items, Score, ScoreContext, Setting
from ganzoo.networks.classifiers import normalised

BATCH = 250  # images at a time


class ReconstructedFID(Score):
    """FID of reconstructions of training images, as many as there are samples, against the reference.

    For models that draw through a decoder, such as `latent_gan` through its frozen autoencoder. Reconstructions of the
    reference's own images would be too near to it: samples of no model are paired with them.
    """

    higher = False
    extractor = True
    drawn = False

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns that the model reconstructs nothing, if so."""
        if context.model is None or isinstance(context.model, Reconstructs):
            return None
        return f"{type(context.model).__name__} reconstructs nothing; leave it out."

    def prepare(self, reference: Items, setting: Setting) -> Reference:
        """Returns the reference's features, whose Gaussian is fitted once."""
        return Reference(reference.features)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the distance; of all training images where there are fewer than samples."""
        model, extractor = setting.model, setting.extractor
        assert extractor is not None, "choose_scores sees to it"
        if not isinstance(model, Reconstructs):
            raise GanzooError(f"metrics: {self.name} given, but what is scored reconstructs nothing; leave it out.")
        parts = []
        for x in chosen_images(setting.datamodule, setting.samples, setting.seed):
            with torch.inference_mode():
                parts.append(extractor(model.reconstruct(x).to(setting.device))[0])
        features = torch.cat(parts).to(reference.features)
        return Scored(reference.prepared.frechet_distance(features), bootstrap.of_fid(reference.features, features))


def chosen_images(datamodule: Any, n: int, seed: int) -> Iterator[Tensor]:
    """Yields n training images chosen at random, or all, in batches (N, C, H, W) in [-1, 1]."""
    items, _ = datamodule.split("train")
    order = torch.randperm(len(items), generator=torch.Generator().manual_seed(seed))[:n]
    for index in order.split(BATCH):
        yield normalised(items[index] if isinstance(items, Tensor) else torch.stack([items[i] for i in index.tolist()]))
