"""FID of the digits in what stage I hands to a second stage, enlarged: what `digits_fid` is to be compared with."""

import torch
from torch.nn.functional import interpolate

from ganzoo.common.conditions import take_values
from ganzoo.common.errors import GanzooError
from ganzoo.common.seeding import mix
from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.sampling import conditions_for
from ganzoo.metrics.score import Items, ScoreContext, Setting
from ganzoo.metrics.scores.digits_fid import DigitsFID

BATCH = 250  # images at a time


class FirstStageDigitsFID(DigitsFID):
    """`digits_fid` of the images of stage I that a second stage refines, enlarged to the data's size (bicubic).

    They are drawn by the model that is scored, under the captions that its samples are drawn under. A second stage that
    does anything has a lower `digits_fid`.
    """

    drawn = False
    conditions = False  # of other models' samples

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns that nothing is known of where digits are, or that there is no first stage, if so."""
        if context.model is not None and getattr(context.model, "stage1", None) is None:
            return "the model has no first stage, whose images it refines; choose digits_fid."
        return super().refuses(context)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the distance of as many images as samples were asked for."""
        model, data = setting.model, setting.datamodule
        if getattr(model, "stage1", None) is None:
            raise GanzooError(f"metrics: {self.name} given, but what is scored has no first stage; leave it out.")
        captions = conditions_for(model, data, setting.samples)
        canvases = []
        for first in range(0, setting.samples, BATCH):
            y = take_values(captions, slice(first, min(first + BATCH, setting.samples)))
            with torch.inference_mode():
                points = model.space.draw(len(y), mix(setting.seed, first))
                small = model.stage1_images(points, y)
                x = interpolate(small, data.shape[1:], mode="bicubic", align_corners=False).clamp(-1, 1)
            canvases.append(self.keep(x, first, data))
        return self.distance(torch.cat(canvases), captions, reference.prepared, setting)
