"""R-precision: share of samples that match their own caption better than 99 others, to the model's text encoder."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.metrics.bootstrap import Scored, mean_of
from ganzoo.metrics.score import Items, Score, ScoreContext, Setting
from ganzoo.networks.text import SIDE

OTHERS = 99
AT_ONCE = 500


class RPrecision(Score):
    """Share of samples of whose caption and 99 other ones their own is the nearest, of those that say something else.

    Xu et al. 2018, arXiv 1711.10485, section 4, by the encoder that the model itself has learnt from: no independent
    judge.
    """

    higher = True
    reference = False
    conditions = True

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns that the model matches no captions, if so."""
        encoder = getattr(context.model, "encoder", None)
        there = context.model is None or getattr(encoder, "images", None) is not None
        return None if there else "the model has no encoder that matches captions with images; leave it out."

    def keep(self, x: Tensor, first: int, datamodule: Any) -> Tensor:
        """Returns the images of a batch at 32 pixels, bytes."""
        if x.shape[-1] != SIDE:
            x = torch.nn.functional.interpolate(x.float(), (SIDE, SIDE), mode="bilinear", antialias=True)
        return ((x + 1) * 127.5).round().clamp(0, 255).byte()

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the share."""
        encoder = getattr(setting.model, "encoder", None)
        if getattr(encoder, "images", None) is None:
            raise GanzooError("metrics: r_precision given, but the model has no encoder that matches captions.")
        device = setting.model.device
        captions = samples.conditions.to(device)
        n = len(captions)
        first = []
        with torch.inference_mode():
            for rows in torch.arange(n).split(AT_ONCE):
                x = samples.kept[rows].to(device).float() / 127.5 - 1
                scores = encoder.similarities(x, captions).cpu()  # type: ignore[union-attr]
                own = scores[torch.arange(len(rows)), rows]
                other = (captions[rows][:, None] != captions[None]).flatten(2).any(2).cpu()
                drawn = torch.rand(other.shape).masked_fill(~other, -1).topk(min(OTHERS, n)).indices
                rivals = scores.gather(1, drawn).masked_fill(~other.gather(1, drawn), -torch.inf)
                first.append(own > rivals.max(1).values)
        return mean_of(torch.cat(first), "samples")
