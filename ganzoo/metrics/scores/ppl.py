"""Perceptual path length: how much samples change, to an extractor, on a small step between two latent vectors."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.conditions import Values, take_values
from ganzoo.common.errors import GanzooError
from ganzoo.common.seeding import mix
from ganzoo.games.latent_space import LatentSpace
from ganzoo.metrics.bootstrap import Scored, mean_of
from ganzoo.metrics.sampling import at_full_side, conditions_for, in_turn
from ganzoo.metrics.score import Items, Score, ScoreContext, Setting

STEP = 1e-4  # of the way between two latent vectors
TRIMMED = 0.01  # share of the shortest steps that is left out, and of the longest
BATCH = 250  # pairs of vectors at a time


class PathLength(Score):
    """PPL; Karras et al. 2019, "A Style-Based Generator Architecture", section 4.1 (https://arxiv.org/abs/1812.04948).

    The mean of |f(G(z(t + 1e-4))) - f(G(z(t)))|² / 1e-4² over pairs of latent vectors and places t on the whole way
    between them, in the model's latent space: spherical with a normal prior, else linear, as in w. As in the code
    (https://github.com/NVlabs/stylegan, metrics/perceptual_path_length.py) the extremes, 1% at each end, are left out.

    Departure: f are the features of the extractor in the key, in place of VGG's, so that values compare among models on
    one extractor alone. It looks at the model, and needs no samples. Classes take turns, the same at both ends;
    noise inputs are the same in all samples.
    """

    higher = False
    extractor = True
    reference = False
    drawn = False

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns that the model has no latent space, if it is known and has none."""
        if context.model is None or hasattr(context.model, "space"):
            return None
        return f"{type(context.model).__name__} has no latent space to go through; leave it out."

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the mean over as many pairs as samples were asked for."""
        model, extractor = setting.model, setting.extractor
        assert extractor is not None, "choose_scores sees to it"
        if not hasattr(model, "space"):
            raise GanzooError("metrics: ppl given, but what is scored has no latent space; leave it out.")
        if not extractor.can_skip_rounding:
            raise GanzooError(
                f"metrics: ppl given, but {extractor.name} rounds pixels, to which so small a step is nothing; "
                "choose another extractor."
            )
        conditions = conditions_for(model, setting.datamodule, setting.samples)
        lengths = []
        for first in range(0, setting.samples, BATCH):
            n = min(BATCH, setting.samples - first)
            kept = take_values(conditions, slice(first, first + n))
            y = in_turn(model, n) if kept is None else kept
            ends = path_steps(model.space, n, mix(setting.seed, first), y)
            with torch.inference_mode():
                images = [at_full_side(model, model.render(end, y)).to(setting.device) for end in ends]
                sides = [extractor.unrounded(x)[0].double() for x in images]
            lengths.append((sides[1] - sides[0]).square().sum(1) / STEP**2)
        return mean_of(trimmed(torch.cat(lengths).cpu()), "paths")

    def settings(self, samples: int, items: int, datamodule: Any, k: int) -> dict[str, Any]:
        """Returns the length of a step, and how much is left out."""
        return {"step": STEP, "trimmed": TRIMMED, "paths": samples}


def path_steps(space: LatentSpace, n: int, seed: int, y: Values = None) -> tuple[Tensor, Tensor]:
    """Returns points (n, ...) of a latent space at random places between others, and those a small step further on.

    Args:
        space: of a model.
        n: how many ways.
        seed: of their ends and of the places.
        y: conditions, each at both ends of a way.
    """
    a, b = (space.draw(n, mix(seed, k), y=y) for k in (0, 1))
    places = torch.rand(n, generator=torch.Generator().manual_seed(mix(seed, 2)), dtype=torch.float64)
    steps = torch.cat(
        [space.between(a[i : i + 1], b[i : i + 1], torch.stack([t, t + STEP])) for i, t in enumerate(places)]
    )
    return steps[:, 0], steps[:, 1]


def trimmed(lengths: Tensor) -> Tensor:
    """Returns the lengths between the 1st and the 99th percentile, those included."""
    low = lengths.quantile(TRIMMED, interpolation="lower")
    high = lengths.quantile(1 - TRIMMED, interpolation="higher")
    return lengths[(lengths >= low) & (lengths <= high)]
