"""Perceptual path length: how much samples change, to an extractor, on a small step between two latent vectors."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.conditions import take_values
from ganzoo.common.errors import GanzooError
from ganzoo.common.seeding import mix
from ganzoo.games.interpolation import INTERPOLATIONS, suitable_mode
from ganzoo.metrics.bootstrap import Scored, mean_of
from ganzoo.metrics.sampling import conditions_for, in_turn
from ganzoo.metrics.score import Items, Score, ScoreContext, Setting

STEP = 1e-4  # of the way between two latent vectors
TRIMMED = 0.01  # share of the shortest steps that is left out, and of the longest
BATCH = 250  # pairs of vectors at a time


class PathLength(Score):
    """PPL; Karras et al. 2019, "A Style-Based Generator Architecture", section 4.1 (https://arxiv.org/abs/1812.04948).

    The mean of |f(G(z(t + 1e-4))) - f(G(z(t)))|² / 1e-4² over pairs of latent vectors and places t on the whole way
    between them: spherical with a normal prior, else linear. As in the official code
    (https://github.com/NVlabs/stylegan, metrics/perceptual_path_length.py) the extremes, 1% at each end, are left out.

    Departure: f are the features of the extractor in the key, in place of VGG's, so that values compare among models on
    one extractor alone. It looks at the model, and needs no samples. Classes take turns, the same at both ends.
    """

    higher = False
    extractor = True
    reference = False
    drawn = False

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns that the model has no latent vectors, if it is known and has none."""
        if context.model is None or all(hasattr(context.model, name) for name in ("latent", "render")):
            return None
        return f"{type(context.model).__name__} has no latent vectors to go between; leave it out."

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the mean over as many pairs as samples were asked for."""
        model, extractor = setting.model, setting.extractor
        assert extractor is not None, "choose_scores sees to it"
        if not (hasattr(model, "latent") and hasattr(model, "render")):
            raise GanzooError("metrics: ppl given, but what is scored has no latent vectors; leave it out.")
        if not extractor.can_skip_rounding:
            raise GanzooError(
                f"metrics: ppl given, but {extractor.name} rounds pixels, to which so small a step is nothing; "
                "choose another extractor."
            )
        conditions = conditions_for(model, setting.datamodule, setting.samples)
        lengths = []
        for first in range(0, setting.samples, BATCH):
            n = min(BATCH, setting.samples - first)
            z = path_steps(model, n, mix(setting.seed, first))
            given = take_values(conditions, slice(first, first + n))
            y = in_turn(model, n) if given is None else given
            with torch.inference_mode():
                sides = [extractor.unrounded(model.render(end, y).to(setting.device))[0].double() for end in z]
            lengths.append((sides[1] - sides[0]).square().sum(1) / STEP**2)
        return mean_of(trimmed(torch.cat(lengths).cpu()), "paths")

    def settings(self, samples: int, items: int, datamodule: Any, k: int) -> dict[str, Any]:
        """Returns the length of a step, and how much is left out."""
        return {"step": STEP, "trimmed": TRIMMED, "paths": samples}


def path_steps(model: Any, n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Returns latent vectors (n, ...) at random places between others, and those a small step further on."""
    a, b = (model.latent(n, mix(seed, k)) for k in (0, 1))
    places = torch.rand(n, generator=torch.Generator().manual_seed(mix(seed, 2)), dtype=torch.float64)
    between = INTERPOLATIONS[suitable_mode(model)]
    steps = torch.cat([between(a[i : i + 1], b[i : i + 1], torch.stack([t, t + STEP])) for i, t in enumerate(places)])
    return steps[:, 0], steps[:, 1]


def trimmed(lengths: Tensor) -> Tensor:
    """Returns the lengths between the 1st and the 99th percentile, those included."""
    low = lengths.quantile(TRIMMED, interpolation="lower")
    high = lengths.quantile(1 - TRIMMED, interpolation="higher")
    return lengths[(lengths >= low) & (lengths <= high)]
