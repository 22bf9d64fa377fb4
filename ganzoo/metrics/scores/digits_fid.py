"""FID of the digits in captioned canvases: the boxes where captions have them, on the features of `mnist`."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.metrics import bootstrap
from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.captions import canvas_ink, digit_features
from ganzoo.metrics.distances import Reference
from ganzoo.metrics.neighbours import stored_images
from ganzoo.metrics.score import Items, Score, ScoreContext, Setting
from ganzoo.networks.classifiers import normalised


class DigitsFID(Score):
    """FID of the boxes of 28x28 pixels in which captions say that there are digits, one or two to a canvas.

    The extractor `mnist` is the judge, whatever the recipe's is: it reads 28x28 pixels, so that `fid` on it would see
    the middle of a canvas, where there is little.
    """

    higher = False
    conditions = True
    keeps_reference = False  # which is read with its captions

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns that nothing is known of where digits are, if so."""
        known = hasattr(context.datamodule, "meaning")
        return None if known else "it looks where captions have digits, as data.CaptionedMNIST says; choose fid."

    def keep(self, x: Tensor, first: int, datamodule: Any) -> Tensor:
        """Returns the insides of canvases (N, 60, 60) as bytes."""
        return (canvas_ink(x) * 255).round().byte()

    def prepare(self, reference: Items, setting: Setting) -> Reference:
        """Returns the features of the reference's digits, whose Gaussian is fitted once."""
        images, (captions, *_) = setting.datamodule.split(setting.datamodule.reference)
        ink = [canvas_ink(normalised(block)) for block in stored_images(images)]
        layouts = setting.datamodule.meaning(captions[:, 0])[:, 0].split([len(block) for block in ink])
        return Reference(torch.cat([digit_features(*pair) for pair in zip(ink, layouts, strict=True)]))

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the distance."""
        return self.distance(samples.kept, samples.conditions, reference.prepared, setting)

    def distance(self, canvases: Tensor, captions: Any, reference: Reference, setting: Setting) -> Scored:
        """Returns the distance of the digits of canvases (N, 60, 60), bytes, under captions, to the reference's."""
        layouts = setting.datamodule.meaning(captions)[:, 0]
        features = digit_features(canvases.float() / 255, layouts)
        return Scored(reference.frechet_distance(features), bootstrap.of_fid(reference.features, features))
